namespace Kdbus.Client.Internal;

/// <summary>
/// Receives the messages of a connection and hands them out, one after the other, on a thread of its own: the receiving thread. What a message causes - a handler, the code
/// behind an <c>await</c> - runs on that thread, without a change of threads, and what that sends goes out with the next receiving, in one system
/// call.
/// </summary>
/// <remarks>
/// Code that blocks there must not stop the connection. If nothing moves for <see cref="Patience"/>, the turn to receive passes to another thread, and the one that
/// blocked ends when it comes back.
/// </remarks>
internal sealed class Receiver : IDisposable
{
    /// <summary>How long code may keep the receiving thread before another one takes over.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(10);

    [ThreadStatic]
    private static Receiver? t_receiver;

    [ThreadStatic]
    private static int t_turn;

    private readonly BusConnection _connection;
    private readonly Wire _wire;
    private readonly Queue<MessageSlot> _arrived = new();
    private readonly Outgoing _outgoing = new();
    private readonly object _gate = new();
    private readonly Timer _watch;
    private int _turn;
    private bool _started;
    private bool _isWatched;
    private bool _isHandling;
    private long _handled;
    private long _handledBefore;
    private int _quietLooks;
    private bool _isReceiving;
    private bool _isPaused;

    public Receiver(BusConnection connection, Wire wire)
    {
        _connection = connection;
        _wire = wire;
        _watch = new Timer(static receiver => ((Receiver)receiver!).Look(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Whether this thread has the turn of this connection.</summary>
    public bool IsHere => t_receiver == this && t_turn == Volatile.Read(ref _turn);

    /// <summary>Starts receiving, if that has not been done.</summary>
    public void Start()
    {
        if (Volatile.Read(ref _started))
            return;
        lock (_gate)
        {
            if (_started)
                return;
            _started = true;
            StartThread();
        }
    }

    /// <summary>
    /// Puts a message off until the next receiving. False if it has to be sent now: this is not the receiving thread, or the message is not of the kind
    /// that can wait.
    /// </summary>
    public bool TryPutOff(ref Draft draft, ISender? sender)
    {
        if (t_receiver != this || !_wire.SendsWithReceive || !draft.IsSelfContained)
            return false;
        lock (_gate)
        {
            if (t_turn != _turn)
                return false;
            if (_outgoing.TryAdd(ref draft, sender))
                return true;
            FlushLocked();
            return _outgoing.TryAdd(ref draft, sender);
        }
    }

    /// <summary>Sends what was put off, so that what is sent next comes after it.</summary>
    public void Flush()
    {
        if (t_receiver != this)
            return;
        lock (_gate)
        {
            if (t_turn == _turn)
                FlushLocked();
        }
    }

    /// <summary>Somebody has taken messages, or waits for an answer: receiving may go on.</summary>
    public void Pulse()
    {
        if (!Volatile.Read(ref _isPaused))
            return;
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    /// <summary>The connection has left the bus: waits until no thread receives any more. One that is in code of the user is not waited for; it ends when it comes back.</summary>
    public void Join()
    {
        lock (_gate)
        {
            // One that has enough to do sees that this is the end.
            Monitor.PulseAll(_gate);
            while (_isReceiving)
                Monitor.Wait(_gate);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch.Dispose();
        while (TryTakeLeft(out MessageSlot? slot))
            _ = slot!.Close(slot.Use);
    }

    private void StartThread()
    {
        int turn = ++_turn;
        Thread thread = new(() => Run(turn)) { IsBackground = true, Name = $"kdbus {_connection.Id}" };
        thread.UnsafeStart();
    }

    private void Run(int turn)
    {
        (t_receiver, t_turn) = (this, turn);
        do
        {
            while (TryTake(turn, out MessageSlot? slot))
                _connection.HandOut(slot!);
        }
        while (TryReceive(turn));
        t_receiver = null;
    }

    private bool TryTake(int turn, out MessageSlot? slot)
    {
        slot = null;
        lock (_gate)
        {
            if (turn != _turn || _connection.IsEnding)
                return false;
            _isHandling = _arrived.TryDequeue(out slot);
            if (!_isHandling)
                return false;
            _handled++;
            if (!_isWatched)
            {
                _isWatched = true;
                _watch.Change(Patience, Patience);
            }
            return true;
        }
    }

    private bool TryReceive(int turn)
    {
        lock (_gate)
        {
            // Who does not take what has arrived keeps it from arriving: the bus then tells the senders. But an answer must be able to come.
            if (turn != _turn)
                return false;

            // Set before it is looked whether there is enough to do: who takes something after that look sees it, and pulses.
            _isPaused = true;
            while (!_connection.IsEnding && _connection.HasEnoughToDo)
            {
                FlushLocked();
                Monitor.Wait(_gate);
            }
            _isPaused = false;
            if (_connection.IsEnding)
                return false;
            _isReceiving = true;
        }
        // Nobody else touches these two: the turn passes on only while a message is being handled.
        int result = _wire.Receive(_outgoing, _arrived, out ulong dropped);
        lock (_gate)
        {
            _isReceiving = false;
            Monitor.PulseAll(_gate);
        }
        if (dropped > 0)
            _connection.CountDropped(dropped);
        if (result >= 0 && !_connection.IsEnding)
            return true;
        _connection.End(result);
        return false;
    }

    private void FlushLocked()
    {
        if (_outgoing.Count > 0)
            _ = _wire.Flush(_outgoing);
    }

    // Looks whether the message that is being handled is still that of the last time.
    private void Look()
    {
        lock (_gate)
        {
            if (_handled != _handledBefore)
            {
                _handledBefore = _handled;
                _quietLooks = 0;
            }
            else if (_isHandling && !_connection.IsEnding)
            {
                FlushLocked();
                _isHandling = false;
                StartThread();
            }
            else if (++_quietLooks == 100)
            {
                _quietLooks = 0;
                _isWatched = false;
                _watch.Change(Timeout.Infinite, Timeout.Infinite);
            }
        }
    }

    private bool TryTakeLeft(out MessageSlot? slot)
    {
        lock (_gate)
            return _arrived.TryDequeue(out slot);
    }
}
