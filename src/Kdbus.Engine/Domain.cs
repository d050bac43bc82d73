using Kdbus.Abi;
using Kdbus.Engine.Commands;
using Kdbus.Engine.Files;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine;

/// <summary>
/// A domain: its buses, its users, its one counter of ids. It is a deterministic state machine: everything from outside
/// comes in as the arguments of the public methods, everything it wants done goes out through <see cref="IEffects"/> and
/// the <see cref="Outcome"/>, and the same inputs in the same order give the same state and the same outputs. It is not
/// thread-safe; whoever drives it lets one input in at a time.
/// </summary>
public sealed class Domain
{
    /// <summary>Kinds of metadata that a domain lets through unless told otherwise.</summary>
    public const AttachFlags DefaultAttachMask =
        AttachFlags.Timestamp | AttachFlags.Creds | AttachFlags.Pids | AttachFlags.AuxGroups
        | AttachFlags.Names | AttachFlags.Seclabel | AttachFlags.ConnDescription;

    private const ulong RootInode = 1;

    private readonly Dictionary<ulong, Handle> _handles = [];
    private readonly Dictionary<string, Bus> _buses = new(StringComparer.Ordinal);
    private ulong _lastId;
    private ulong _lastInode = ControlInode;
    private Instant _now;

    /// <summary>An empty domain.</summary>
    public Domain(IEffects effects, DomainLimits? limits = null)
    {
        Effects = effects;
        Limits = limits ?? new DomainLimits();
        Replies = new Replies(this);
        WaitingCalls = new WaitingCalls(this);
    }

    /// <summary>Inode number of <c>control</c>; the root directory has the number before it.</summary>
    public const ulong ControlInode = RootInode + 1;

    /// <summary>Where the domain says no.</summary>
    public DomainLimits Limits { get; }

    /// <summary>Kinds of metadata that this domain is to let through at all; bits that are no kind mean nothing.</summary>
    public AttachFlags AttachMask { get; set; } = DefaultAttachMask;

    /// <summary>
    /// The kinds that it does let through: the extensions say better what PIDS says, and go where that goes.
    /// </summary>
    public AttachFlags LetsThrough =>
        AttachMask.HasFlag(AttachFlags.Pids) ? (AttachMask & AttachFlags.All) | Abi.AttachMask.Extensions : AttachMask & AttachFlags.All;

    /// <summary>
    /// What goes beyond the interface of 2015 can be used. If not, it is refused as that interface refuses what it does not know.
    /// </summary>
    public bool HasExtensions { get; init; } = true;

    /// <summary>What ids are called where they have no name.</summary>
    public OverflowIds Overflow { get; init; } = new(65534, 65534);

    /// <summary>Copies of messages that have been laid into pools so far: how much work sending was.</summary>
    public ulong CopiesMade { get; internal set; }

    /// <summary>The buses alive.</summary>
    public IReadOnlyCollection<Bus> Buses => _buses.Values;

    /// <summary>Open handles, of any role.</summary>
    public int OpenHandles => _handles.Count;

    /// <summary>CLOCK_MONOTONIC time at which <see cref="Advance"/> has something to do; <see cref="ulong.MaxValue"/> if never.</summary>
    public ulong NextDeadline => Math.Min(Replies.NextDeadline, WaitingCalls.NextDeadline);

    internal IEffects Effects { get; }

    internal Users Users { get; } = new();

    /// <summary>Who notifications are charged on.</summary>
    internal User BusItself { get; } = new(null);

    internal Replies Replies { get; }

    internal WaitingCalls WaitingCalls { get; }

    internal Spares Spares { get; } = new();

    /// <summary>Room for the answers of a <see cref="Matching.MatchIndex"/>; empty between questions.</summary>
    internal List<Connection> Listeners { get; } = [];

    /// <summary>The bus of this name, or null.</summary>
    public Bus? FindBus(string name) => _buses.GetValueOrDefault(name);

    /// <summary>The connection a handle has become, or null.</summary>
    public Connection? FindConnection(ulong handle) => _handles.GetValueOrDefault(handle)?.Connection;

    /// <summary>
    /// Opens <paramref name="endpoint"/>, or <c>control</c> if null, under a handle number that was never used before.
    /// Privilege is decided here, once. ESHUTDOWN if the endpoint has just ended.
    /// </summary>
    public Errno Open(ulong handle, Endpoint? endpoint, in Caller caller)
    {
        if (endpoint is { Alive: false }) return Errno.ESHUTDOWN;
        _handles.Add(handle, new Handle(handle, endpoint, caller));
        return Errno.OK;
    }

    /// <summary>The last copy of a handle was closed: whatever lived by it ends now.</summary>
    public void Close(ulong handle, Instant now)
    {
        if (!_handles.Remove(handle, out var closed)) return;
        End(closed, InOrder(now));
    }

    /// <summary>
    /// Whether a command may be issued on a handle at all, before anything of its struct is read. Changes nothing.
    /// </summary>
    public Errno Admit(ulong handle, uint ioctl) => Admit(handle, ioctl, out _);

    /// <summary>
    /// What <see cref="Execute"/> will want to know about who calls, as things stand: whoever finds it out lets other inputs in
    /// meanwhile, and asks again before he goes on. Changes nothing.
    /// </summary>
    public CallerNeeds Needs(scoped in Invocation call) =>
        Admit(call.Handle, call.Ioctl, out var opened) == Errno.OK ? CallerQuestions.Of(this, opened, call) : default;

    /// <summary>
    /// What to say of a command that could not be taken in, for <paramref name="reason"/>. An ENDPOINT_MAKE that does not
    /// name a bus is none of <c>control</c>'s, whatever else is wrong with it.
    /// </summary>
    public Errno Unfetched(ulong handle, uint ioctl, Errno reason) =>
        (Command)ioctl == Command.EndpointMake && _handles.GetValueOrDefault(handle) is { Endpoint: null } ? Errno.EBADFD : reason;

    /// <summary>Runs a command that was admitted; it may have become inadmissible since.</summary>
    public Outcome Execute(ref Invocation call)
    {
        call.Now = InOrder(call.Now);
        if (NextDeadline <= call.Now.Monotonic) Advance(call.Now);

        var result = Admit(call.Handle, call.Ioctl, out var opened);
        if (result == Errno.OK) return CommandTable.Run(this, opened, ref call);
        Abandon(call);
        return Outcome.Done(result);
    }

    /// <summary>
    /// An EXCHANGE with RECV, at last: takes what is there, or begins to wait. It was begun by <see cref="Execute"/>, and so was each message
    /// that it sends, as a SEND.
    /// </summary>
    public Outcome Receive(ref Invocation call)
    {
        call.Now = InOrder(call.Now);
        if (NextDeadline <= call.Now.Monotonic) Advance(call.Now);
        var result = Admit(call.Handle, call.Ioctl, out var opened);
        return result == Errno.OK ? ExchangeCommand.Receive(this, ref call, opened.Connection!) : Outcome.Done(result);
    }

    /// <summary>
    /// Ends the waiting of those for whom there is something to receive. Whoever drives the engine does this after each input, or after several that
    /// belong together.
    /// </summary>
    public void Serve() => WaitingCalls.Serve(_now);

    /// <summary>A command that brought files is not executed.</summary>
    public void Abandon(scoped in Invocation call) => MessageFiles.Of(this, BusItself, call)?.Release();

    /// <summary>
    /// The copy that <see cref="OutcomeKind.Copy"/> asked for has been made, or has failed with
    /// <paramref name="copied"/>: the message <paramref name="begun"/> is queued or given up.
    /// </summary>
    public Outcome Commit(ref Invocation call, in Outcome begun, Errno copied)
    {
        call.Now = InOrder(call.Now);
        if (NextDeadline <= call.Now.Monotonic) Advance(call.Now);
        return Deliveries.Finish(this, ref call, begun, copied);
    }

    /// <summary>
    /// The result of BUS_MAKE, ENDPOINT_MAKE or HELLO could not be stored: the handle is untyped again and what it had
    /// made is gone.
    /// </summary>
    public void Undo(ulong handle, Instant now)
    {
        if (!_handles.TryGetValue(handle, out var opened)) return;
        End(opened, InOrder(now));
        opened.BecomeUntyped();
    }

    /// <summary>A signal arrived at the caller of a pending call; nothing happens if that has ended meanwhile.</summary>
    public void Interrupt(ulong request)
    {
        Replies.Interrupt(request);
        WaitingCalls.Interrupt(request);
    }

    /// <summary>The cancel descriptor of a pending call became readable; nothing happens if that has ended meanwhile.</summary>
    public void Cancel(ulong request) => Replies.Cancel(request);

    /// <summary>Ends what has a deadline that is not after <paramref name="now"/>.</summary>
    public void Advance(Instant now)
    {
        now = InOrder(now);
        Replies.Advance(now);
        WaitingCalls.Advance(now);
    }

    /// <summary>What poll(2) shows of a handle.</summary>
    public PollState Poll(ulong handle)
    {
        var connection = FindConnection(handle);
        if (connection is not { Alive: true }) return PollState.HungUp;
        return connection.Readable ? PollState.Readable : PollState.Idle;
    }

    /// <summary>
    /// Time does not go back: an input may have been stamped before another one that was let in first, and what the other
    /// one has ended at its deadline must have ended for this one too.
    /// </summary>
    private Instant InOrder(Instant now)
    {
        if (now.Monotonic > _now.Monotonic) _now = now;
        return _now;
    }

    /// <summary>Takes a mask of metadata as a caller gave it: EINVAL if it has a bit that is no kind here.</summary>
    internal Errno ReadMask(ulong given, out AttachFlags mask)
    {
        var result = Abi.AttachMask.Sanitize(given, out mask);
        return result == Errno.OK && !HasExtensions && (mask & Abi.AttachMask.Extensions) != 0 ? Errno.EINVAL : result;
    }

    internal ulong NextId() => ++_lastId;

    internal ulong NextInode() => ++_lastInode;

    internal void Add(Bus bus)
    {
        _buses.Add(bus.Name, bus);
        bus.Maker.Buses++;
    }

    internal void End(Endpoint endpoint, Instant now)
    {
        if (!endpoint.Alive) return;
        endpoint.Bus.Remove(endpoint);
        foreach (var connection in endpoint.Bus.Connections.Where(c => c.Endpoint == endpoint).ToArray())
        {
            Disconnection.Run(this, connection, now);
        }
    }

    private Errno Admit(ulong handle, uint ioctl, out Handle opened)
    {
        opened = null!;
        if (CommandLayout.Of(ioctl) is not { } layout || !Knows(layout.Command)) return Errno.ENOTTY;
        return _handles.TryGetValue(handle, out opened!) ? opened.Admit(layout.Command) : Errno.EBADF;
    }

    private bool Knows(Command command) => HasExtensions || !CommandLayout.IsExtension(command);

    private void End(Handle handle, Instant now)
    {
        switch (handle.Role)
        {
            case HandleRole.BusOwner:
                End(handle.OwnedBus!, now);
                break;
            case HandleRole.EndpointOwner:
                End(handle.OwnedEndpoint!, now);
                break;
            case HandleRole.Connection:
                var connection = handle.Connection!;
                Disconnection.Run(this, connection, now);
                connection.User.Connections--;
                break;
        }
    }

    private void End(Bus bus, Instant now)
    {
        if (!bus.Alive) return;
        bus.Alive = false;
        _buses.Remove(bus.Name);
        foreach (var endpoint in bus.Endpoints.ToArray()) End(endpoint, now);
        bus.Maker.Buses--;
    }
}

/// <summary>States of a handle that poll(2) tells apart.</summary>
public enum PollState
{
    /// <summary>POLLERR and POLLHUP: not a connection, or no longer.</summary>
    HungUp,
    /// <summary>POLLOUT: nothing to receive.</summary>
    Idle,
    /// <summary>POLLIN and POLLOUT.</summary>
    Readable,
}
