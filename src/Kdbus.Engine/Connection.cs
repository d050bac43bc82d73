using Kdbus.Abi;
using Kdbus.Engine.Matching;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Names;
using Kdbus.Engine.Processes;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine;

/// <summary>What a connection is there for.</summary>
public enum ConnectionKind
{
    /// <summary>Sends and receives.</summary>
    Ordinary,
    /// <summary>Stands in for a name, and receives what is sent to it meanwhile.</summary>
    Activator,
    /// <summary>Carries policy for a name.</summary>
    PolicyHolder,
    /// <summary>Receives a copy of everything, and is seen by nobody.</summary>
    Monitor,
}

/// <summary>
/// A peer: an open file description that said HELLO. It owns a pool, a queue and its side of the replies it waits for.
/// Once it is not alive every command on it is ECONNRESET; nothing brings it back.
/// </summary>
public sealed class Connection
{
    private readonly List<NameEntry> _names = [];
    private OwnedName[]? _ownedNames;

    internal Connection(ulong id, Handle handle, HelloFlags flags, User user, Caller caller, Pool pool, DomainLimits limits)
    {
        Id = id;
        Handle = handle;
        Flags = flags;
        User = user;
        Creator = caller;
        Pool = pool;
        Quota = new Quota(pool.Size, limits);
        Matches = new MatchTable(Bus);
        Kind = flags.HasFlag(HelloFlags.Activator) ? ConnectionKind.Activator
            : flags.HasFlag(HelloFlags.PolicyHolder) ? ConnectionKind.PolicyHolder
            : flags.HasFlag(HelloFlags.Monitor) ? ConnectionKind.Monitor
            : ConnectionKind.Ordinary;
    }

    /// <summary>Unique in the domain, never reused.</summary>
    public ulong Id { get; }

    /// <summary>Flags of HELLO.</summary>
    public HelloFlags Flags { get; }

    /// <summary>What it is there for.</summary>
    public ConnectionKind Kind { get; }

    /// <summary>Who said HELLO.</summary>
    public Caller Creator { get; }

    /// <summary>What is told of its process to who asks for it; null if nothing is known.</summary>
    public ProcessRecord? Process { get; internal init; }

    /// <summary>
    /// <see cref="Process"/> is what its maker said of somebody else. Nothing of that goes with messages, and nothing of the
    /// maker's either.
    /// </summary>
    public bool IsFaked { get; internal init; }

    /// <summary>What may be sent about it.</summary>
    public AttachFlags AttachFlagsSend { get; internal set; }

    /// <summary>What it wants with each message.</summary>
    public AttachFlags AttachFlagsRecv
    {
        get;
        internal set
        {
            Bus.Wanted.Change(field, value);
            field = value;
        }
    }

    /// <summary>The description given at HELLO, without NUL; empty if none.</summary>
    public ReadOnlyMemory<byte> Description { get; internal init; }

    /// <summary>False once disconnected.</summary>
    public bool Alive { get; internal set; } = true;

    /// <summary>Messages queued and not yet received.</summary>
    public int Queued => Queue.Count;

    /// <summary>Messages lost since the last RECV.</summary>
    internal ulong Dropped { get; set; }

    /// <summary>Messages that found no room here, of whoever sent them.</summary>
    internal ulong Refused { get; set; }

    /// <summary>Why the last one of them found none.</summary>
    internal Errno LastRefusal { get; set; }

    /// <summary>CLOCK_MONOTONIC time of HELLO, nanoseconds.</summary>
    internal ulong ConnectedAt { get; init; }

    /// <summary>CLOCK_MONOTONIC time of the last RECV, nanoseconds; 0 if there was none.</summary>
    internal ulong LastRead { get; set; }

    internal Handle Handle { get; }

    internal Endpoint Endpoint => Handle.Endpoint!;

    internal Bus Bus => Endpoint.Bus;

    internal bool Privileged => Handle.Privileged;

    /// <summary>Who is charged for what this connection sends.</summary>
    internal User User { get; }

    internal Pool Pool { get; }

    internal MessageQueue Queue { get; } = new();

    internal Quota Quota { get; }

    /// <summary>The names it owns, in the order in which it came to own them.</summary>
    internal List<NameEntry> Names => _names;

    /// <summary>The same with the flags they have now, as a value.</summary>
    internal OwnedName[] OwnedNames => _ownedNames ??= [.. _names.Select(name => new OwnedName(name.Name, name.Flags))];

    /// <summary>The names it waits for, in the order in which it began to.</summary>
    internal List<NameEntry> WaitsFor { get; } = [];

    /// <summary>The name an activator stands in for.</summary>
    internal NameEntry? ActivatorOf { get; set; }

    /// <summary>What it wants to hear of signals and notifications.</summary>
    internal MatchTable Matches { get; }

    /// <summary>The last question to the <see cref="MatchIndex"/> that this connection was an answer to.</summary>
    internal ulong MatchedQuestion { get; set; }

    /// <summary>The kinds of metadata that messages in the queue bring, and perhaps some more.</summary>
    internal AttachFlags QueuedKinds { get; set; }

    /// <summary>The calls that wait for a message, in the order in which they came.</summary>
    internal WaitingCall? FirstWaiting { get; set; }

    internal WaitingCall? LastWaiting { get; set; }

    /// <summary>Those who wait are about to be served.</summary>
    internal bool IsDue { get; set; }

    /// <summary>The requests this connection made and may still get replies to.</summary>
    internal ReplyTrackers Requests { get; } = new();

    /// <summary>The requests of others that this connection may still answer.</summary>
    internal AnswerTrackers Expected { get; } = new();

    /// <summary>
    /// Request slots taken: a request holds one until its tracker has ended and its message has left every queue.
    /// </summary>
    internal int RequestSlots { get; set; }

    /// <summary>Descriptors may be sent to it; a monitor gets to see also that.</summary>
    internal bool AcceptsFds => Flags.HasFlag(HelloFlags.AcceptFd) || Kind == ConnectionKind.Monitor;

    internal bool Readable => Queue.Count > 0 || Dropped > 0;

    internal void Gain(NameEntry name)
    {
        _names.Add(name);
        _ownedNames = null;
    }

    internal void Lose(NameEntry name)
    {
        _names.Remove(name);
        _ownedNames = null;
    }

    internal bool Owns(ReadOnlySpan<byte> name)
    {
        foreach (var owned in Names)
        {
            if (name.SequenceEqual(owned.Name)) return true;
        }

        return false;
    }
}
