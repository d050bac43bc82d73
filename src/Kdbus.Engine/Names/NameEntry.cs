using System.Text;
using Kdbus.Abi;
using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Names;

/// <summary>A connection that waits for a name, with the flags it asked for it.</summary>
internal readonly record struct Waiter(Connection Connection, NameFlags Flags);

/// <summary>
/// A well-known name that somebody owns. The owner is an ordinary connection, or the activator that stands in for one;
/// who is to own the name next waits in line.
/// </summary>
internal sealed class NameEntry(ulong id, byte[] name)
{
    /// <summary>Number of the entry in its bus. A name that was given up and is acquired anew has another one.</summary>
    public ulong Id { get; } = id;

    /// <summary>The name, without NUL.</summary>
    public byte[] Name { get; } = name;

    /// <summary>The name, for people.</summary>
    public string Text => Encoding.ASCII.GetString(Name);

    /// <summary>Who gets what is sent to the name.</summary>
    public Connection Owner { get; private set; } = null!;

    /// <summary>The flags the owner acquired the name with, as given.</summary>
    public NameFlags Flags { get; private set; }

    /// <summary>Who stands in while nobody else owns the name.</summary>
    public Connection? Activator { get; set; }

    /// <summary>The activator itself owns the name.</summary>
    public bool IsHeldByActivator => Owner == Activator;

    /// <summary>Who waits, first come first.</summary>
    public LinkedList<Waiter> Waiters { get; } = [];

    /// <summary>Messages to the name whose payload is being copied: they are in no queue yet and go with the name all the same.</summary>
    public List<Delivery> InFlight { get; } = [];

    /// <summary>Gives the name to a connection, which has it besides those it acquired before.</summary>
    public void Give(Connection owner, NameFlags flags)
    {
        Owner?.Lose(this);
        Owner = owner;
        Flags = flags;
        owner.Gain(this);
    }
}
