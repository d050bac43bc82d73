using Kdbus.Abi;
using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Requests;

/// <summary>A call that waits inside an EXCHANGE until there is something to receive.</summary>
internal sealed class WaitingCall : IHasDeadline
{
    public Connection Connection { get; set; } = null!;

    public ulong Request { get; set; }

    public Wish Wish { get; set; }

    /// <inheritdoc/>
    public ulong Deadline { get; set; }

    /// <inheritdoc/>
    public int HeapIndex { get; set; } = -1;

    /// <summary>Neighbours among those who wait on the same connection, in the order in which they came.</summary>
    public WaitingCall? Previous { get; set; }

    public WaitingCall? Next { get; set; }
}

/// <summary>
/// Those who wait inside an EXCHANGE. A message that arrives only says that somebody is due; who is due is served when whoever drives the engine has let
/// in what belongs together, so that messages that were sent at once are received at once.
/// </summary>
internal sealed class WaitingCalls(Domain domain)
{
    private const int SparesKept = 64;

    private readonly DeadlineHeap<WaitingCall> _deadlines = new();
    private readonly Dictionary<ulong, WaitingCall> _byRequest = [];
    private readonly Queue<Connection> _due = new();
    private readonly Stack<WaitingCall> _spares = new();

    public ulong NextDeadline => _deadlines.Earliest;

    /// <summary>A call begins to wait, until <paramref name="deadline"/>; <see cref="ulong.MaxValue"/> is never.</summary>
    public void Add(Connection connection, ulong request, in Wish wish, ulong deadline)
    {
        var call = _spares.TryPop(out var spare) ? spare : new WaitingCall();
        (call.Connection, call.Request, call.Wish, call.Deadline) = (connection, request, wish, deadline);
        call.Previous = connection.LastWaiting;
        if (connection.LastWaiting == null) connection.FirstWaiting = call;
        else connection.LastWaiting.Next = call;
        connection.LastWaiting = call;
        _byRequest.Add(request, call);
        if (deadline != ulong.MaxValue) _deadlines.Add(call);
    }

    /// <summary>There is something to receive.</summary>
    public void Rouse(Connection connection)
    {
        if (connection.FirstWaiting == null || connection.IsDue) return;
        connection.IsDue = true;
        _due.Enqueue(connection);
    }

    /// <summary>Serves all who are due, those first who came first.</summary>
    public void Serve(Instant now)
    {
        while (_due.TryDequeue(out var connection))
        {
            connection.IsDue = false;
            WaitingCall? next;
            for (var call = connection.FirstWaiting; call != null && connection.Readable; call = next)
            {
                next = call.Next;
                if (connection.Dropped > 0 || Receiving.Choose(connection, call.Wish) != null) Complete(call, now);
            }
        }
    }

    /// <summary>A signal arrived at the caller; nothing happens if it does not wait.</summary>
    public void Interrupt(ulong request)
    {
        if (_byRequest.TryGetValue(request, out var call)) End(call, Errno.EINTR, restart: true);
    }

    /// <summary>Ends what has waited long enough. Nothing to receive is no error.</summary>
    public void Advance(Instant now)
    {
        while (_deadlines.TakeDue(now.Monotonic) is { } due) Complete(due, now);
    }

    /// <summary>The connection has ended, and with it the calls that wait on it.</summary>
    public void ConnectionGone(Connection connection)
    {
        while (connection.FirstWaiting is { } call) End(call, Errno.ECONNRESET, restart: false);
    }

    private void Complete(WaitingCall call, Instant now)
    {
        var (request, connection) = (call.Request, call.Connection);
        var reception = Receiving.Take(
            domain, connection, call.Wish, domain.Effects.AnswerOf(request), now, out var handout, out var published);
        Remove(call);
        domain.Effects.Complete(new Completion(request, connection.Handle.Id, Errno.OK, Restart: false, Handout: handout)
        {
            Reception = reception, Published = published,
        });
    }

    private void End(WaitingCall call, Errno result, bool restart)
    {
        var (request, handle) = (call.Request, call.Connection.Handle.Id);
        Remove(call);
        domain.Effects.Complete(new Completion(request, handle, result, restart));
    }

    private void Remove(WaitingCall call)
    {
        var connection = call.Connection;
        if (call.Previous == null) connection.FirstWaiting = call.Next;
        else call.Previous.Next = call.Next;
        if (call.Next == null) connection.LastWaiting = call.Previous;
        else call.Next.Previous = call.Previous;
        _byRequest.Remove(call.Request);
        _deadlines.Remove(call);
        (call.Connection, call.Wish, call.Previous, call.Next) = (null!, default, null, null);
        if (_spares.Count < SparesKept) _spares.Push(call);
    }
}
