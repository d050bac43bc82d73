using System.Threading.Tasks.Sources;

namespace Kdbus.Client.Internal;

/// <summary>A request that waits for its answer: what a caller awaits. Used again when the caller has been told.</summary>
internal sealed class PendingCall(PendingCalls home) : IValueTaskSource<Message>, ISender
{
    private ManualResetValueTaskSourceCore<Message> _core;
    private CancellationTokenRegistration _cancellation;
    private int _isOver;

    /// <summary>The request's number.</summary>
    public ulong Cookie { get; private set; }

    /// <summary>To whom it went.</summary>
    public Destination Destination { get; private set; }

    /// <summary>What the caller awaits.</summary>
    public ValueTask<Message> Task => new(this, _core.Version);

    /// <summary>Begins with a request.</summary>
    public void Open(ulong cookie, Destination destination)
    {
        Cookie = cookie;
        Destination = destination;
        Volatile.Write(ref _isOver, 0);
    }

    /// <summary>Lets the caller give up.</summary>
    public void CancelWith(CancellationToken cancellation)
    {
        if (cancellation.CanBeCanceled)
            _cancellation = cancellation.UnsafeRegister(static (call, token) => ((PendingCall)call!).Cancel(token), this);
    }

    /// <summary>The answer has come.</summary>
    public void Complete(Message answer)
    {
        if (TryEnd())
            _core.SetResult(answer);
        else
            answer.Dispose();
    }

    /// <summary>No answer will come.</summary>
    public void Fail(Exception reason)
    {
        if (TryEnd())
            _core.SetException(reason);
    }

    /// <summary>Whether the caller has been told already.</summary>
    public bool IsOver => Volatile.Read(ref _isOver) != 0;

    /// <summary>The same, for places where code of the user must not run.</summary>
    public void FailElsewhere(Exception reason)
    {
        if (TryEnd())
            ThreadPool.UnsafeQueueUserWorkItem(static state => state.Call._core.SetException(state.Reason), (Call: this, Reason: reason), preferLocal: false);
    }

    /// <inheritdoc/>
    public void NotSent(ReadOnlySpan<byte> message, int error) => home.NotSent(new ParkedCall(this, message), error);

    /// <inheritdoc/>
    Message IValueTaskSource<Message>.GetResult(short token)
    {
        // A registration that is running just now may still look at us, so the object is used again only when it has been taken out.
        _cancellation.Dispose();
        _cancellation = default;
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            home.Return(this);
        }
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource<Message>.GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource<Message>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Cancel(CancellationToken cancellation)
    {
        if (!TryEnd())
            return;
        home.Abandon(this);
        // Whoever cancels is somewhere in code of his own: what waits for this call goes on elsewhere.
        ThreadPool.UnsafeQueueUserWorkItem(
            static state => state.Call._core.SetException(new OperationCanceledException(state.Token)), (Call: this, Token: cancellation), preferLocal: false);
    }

    private bool TryEnd() => Interlocked.Exchange(ref _isOver, 1) == 0;
}
