using System.Threading.Tasks.Sources;

namespace Kdbus.Client.Internal;

/// <summary>
/// Values that have arrived and wait to be taken by one reader at a time. A reader that waits goes on where the value is put in, which is the receiving
/// thread; waiting costs no memory.
/// </summary>
internal sealed class Inbox<T> : IValueTaskSource<bool>
{
    private readonly Queue<T> _values = new();
    private readonly Lock _lock = new();
    private readonly Action _taken;
    private ManualResetValueTaskSourceCore<bool> _core;
    private CancellationTokenRegistration _cancellation;
    private Exception? _end;
    private bool _isWaiting;
    private bool _isReading;

    /// <param name="taken">Told after values have been taken.</param>
    public Inbox(Action taken) => _taken = taken;

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _values.Count;
        }
    }

    /// <summary>Puts a value in, and lets a reader that waits go on, here and now. False if nobody will take it any more.</summary>
    public bool TryPut(T value)
    {
        if (!TryPut(value, out bool isAwaited))
            return false;
        if (isAwaited)
            Resume();
        return true;
    }

    /// <summary>The same, but a reader that waits does so until <see cref="Resume"/>.</summary>
    public bool TryPut(T value, out bool isAwaited)
    {
        isAwaited = false;
        lock (_lock)
        {
            if (_end is not null)
                return false;
            _values.Enqueue(value);
            isAwaited = _isWaiting;
            _isWaiting = false;
            return true;
        }
    }

    /// <summary>Lets the reader go on for whom something was put in.</summary>
    public void Resume() => _core.SetResult(true);

    /// <summary>Takes one if there is one.</summary>
    public bool TryTake(out T? value)
    {
        bool isTaken;
        lock (_lock)
            isTaken = _values.TryDequeue(out value);
        if (isTaken)
            _taken();
        return isTaken;
    }

    /// <summary>True when there is something to take; false when nothing will come any more, by the end that is no failure.</summary>
    /// <exception cref="InvalidOperationException">Somebody is waiting already.</exception>
    public ValueTask<bool> WaitAsync(CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
            return ValueTask.FromCanceled<bool>(cancellation);
        ValueTask<bool> task;
        lock (_lock)
        {
            if (_isReading)
                throw new InvalidOperationException("Somebody is receiving from here already: one at a time.");
            if (_values.Count > 0)
                return ValueTask.FromResult(true);
            if (_end is not null)
                return _end is ObjectDisposedException ? ValueTask.FromResult(false) : ValueTask.FromException<bool>(_end);
            _core.Reset();
            (_isWaiting, _isReading) = (true, true);
            task = new ValueTask<bool>(this, _core.Version);
        }
        if (cancellation.CanBeCanceled)
            _cancellation = cancellation.UnsafeRegister(static (inbox, token) => ((Inbox<T>)inbox!).Cancel(token), this);
        return task;
    }

    /// <summary>Nothing comes any more. What is there can still be taken.</summary>
    public void End(Exception reason)
    {
        lock (_lock)
        {
            _end ??= reason;
            if (!_isWaiting)
                return;
            _isWaiting = false;
        }
        if (reason is ObjectDisposedException)
            _core.SetResult(false);
        else
            _core.SetException(reason);
    }

    /// <summary>Takes all that is left.</summary>
    public IEnumerable<T> Drain()
    {
        lock (_lock)
        {
            T[] left = [.. _values];
            _values.Clear();
            return left;
        }
    }

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        _cancellation.Dispose();
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            lock (_lock)
                _isReading = false;
        }
    }

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Cancel(CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (!_isWaiting)
                return;
            _isWaiting = false;
        }
        ThreadPool.UnsafeQueueUserWorkItem(
            static state => state.Inbox._core.SetException(new OperationCanceledException(state.Token)), (Inbox: this, Token: cancellation), preferLocal: false);
    }
}
