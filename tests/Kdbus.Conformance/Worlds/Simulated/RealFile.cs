using Kdbus.Linux;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>
/// A file of the machine that a fake process has open, behind a number of its own: what is not of the mount need not be played. It is closed
/// with its last user, as any open file description.
/// </summary>
internal sealed class RealFile(int descriptor)
{
    private int _users = 1;

    /// <summary>The descriptor in this process.</summary>
    public int Descriptor { get; } = descriptor;

    /// <summary>poll(2): the events found.</summary>
    public int Poll(int events, int milliseconds)
    {
        PollEntry[] entries = [new(Descriptor, (short)events)];
        int result = FileDescriptor.Poll(entries, milliseconds);
        return result < 0 ? result : (ushort)entries[0].Returned;
    }

    /// <summary>One more user.</summary>
    public RealFile Use()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    /// <summary>One user less.</summary>
    public void Drop()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            _ = FileDescriptor.Close(Descriptor);
    }
}
