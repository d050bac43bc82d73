using Kdbus.Client.Internal;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client.Services;

/// <summary>
/// A stream as its service sees it. The client asks, and an answer is a batch of what is there; meanwhile the service makes at most one window of values in advance. So a client that does not
/// ask stops the service, and no queue on the way gets full.
/// </summary>
internal abstract class StreamSession
{
    // Values in advance are limited in bytes too.
    private const int MostBytes = 256 << 10;

    // How long before the caller's deadline an empty answer is sent, in milliseconds, so that it arrives in time.
    private const long MostMargin = 1000;

    private readonly Lock _lock = new();
    private readonly Serving _serving;
    private readonly ServiceMember _member;
    private readonly CancellationTokenSource _source;
    private readonly PayloadWriter _values = new();
    private Timer? _patience;
    private TaskCompletionSource? _space;
    private Message _request;
    private CancellationTokenRegistration _givenUp;
    private bool _hasRequest;
    private long _answerAt;
    private long _answeredAt = Environment.TickCount64;
    private Exception? _fault;
    private int _window;
    private int _count;
    private bool _isEnded;
    private bool _isClosed;

    protected StreamSession(Serving serving, ServiceMember member, ulong client, CancellationTokenSource source)
    {
        _serving = serving;
        _member = member;
        _source = source;
        Client = client;
        Number = serving.Streams.NextNumber();
    }

    public ulong Client { get; }

    /// <summary>By which its client names it.</summary>
    public ulong Number { get; }

    protected CancellationToken Cancellation => _source.Token;

    private bool IsFull => _count >= _window || _values.Length >= MostBytes;

    /// <summary>Begins, with the request that opened it.</summary>
    public void Start(Message request, int window)
    {
        lock (_lock)
            Accept(request, window);
        _ = RunAsync();
        lock (_lock)
            WaitForValues();
    }

    /// <summary>The client asks for more.</summary>
    public void Pull(Message request, int window)
    {
        TaskCompletionSource? space = null;
        lock (_lock)
        {
            if (_hasRequest || _isClosed)
            {
                ServiceRoute.Refuse(request, BusErrors.Malformed, "The stream has been asked for more already, or is over.");
                return;
            }
            Accept(request, window);
            if (_count > 0 || _isEnded)
                Answer();
            else
                WaitForValues();
            if (!IsFull)
                (space, _space) = (_space, null);
        }
        // Here the service goes on, on this thread if it runs on the receiving one.
        space?.TrySetResult();
    }

    /// <summary>Ends it: the values are not wanted any more.</summary>
    public void Close()
    {
        TaskCompletionSource? space;
        lock (_lock)
        {
            if (_isClosed)
                return;
            // Whoever waits, and did not ask for this, must not take it for all the values there are.
            (_isEnded, _fault) = (true, _fault ?? new OperationCanceledException());
            if (_hasRequest)
                Answer();
            _isClosed = true;
            (space, _space) = (_space, null);
            _patience?.Dispose();
        }
        _serving.Streams.Remove(this);
        _serving.Cancel(_source);
        space?.TrySetCanceled();
    }

    /// <summary>Whether the client has not asked for so many milliseconds.</summary>
    public bool IsForgotten(long now, double lease)
    {
        lock (_lock)
            return !_hasRequest && now - _answeredAt > lease;
    }

    /// <summary>Enumerates the values.</summary>
    protected abstract ValueTask EnumerateAsync();

    /// <summary>The next value takes time: what is there is sent.</summary>
    protected void Offer()
    {
        lock (_lock)
        {
            if (_hasRequest && _count > 0)
                Answer();
        }
    }

    /// <summary>Adds a value. What is returned is to be awaited before the next one is made.</summary>
    protected Task Add<T>(T value)
    {
        lock (_lock)
        {
            _source.Token.ThrowIfCancellationRequested();
            int start = _values.Length;
            try
            {
                _values.WriteValue(_serving.Contract.Serializer, value);
            }
            catch
            {
                _values.CutTo(start);
                throw;
            }
            _count++;
            if (!IsFull)
                return Task.CompletedTask;
            if (_hasRequest)
            {
                Answer();
                return Task.CompletedTask;
            }
            _space = new TaskCompletionSource(_serving.RunsOnThreadPool ? TaskCreationOptions.RunContinuationsAsynchronously : TaskCreationOptions.None);
            return _space.Task;
        }
    }

    private async Task RunAsync()
    {
        _serving.BeginWork(_source);
        Exception? fault = null;
        try
        {
            await EnumerateAsync().ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            fault = failure;
        }
        if (fault is not null && _serving.Describe(fault).Name == BusErrors.Unhandled)
            _serving.Report(_member, Client, fault);
        lock (_lock)
        {
            (_isEnded, _fault) = (true, _fault ?? fault);
            if (_hasRequest && !_isClosed)
                Answer();
        }
        _serving.EndWork(_source);
        _source.Dispose();
    }

    private void Accept(Message request, int window)
    {
        _window = Math.Clamp(window, 1, Math.Max(1, _serving.Options.MaxStreamWindow));
        (_request, _hasRequest) = (request, true);
    }

    // Answers the request that waits, with what is there.
    private void Answer()
    {
        PayloadWriter writer = PayloadWriter.Rent();
        BatchFlags flags = (_isEnded ? BatchFlags.End : BatchFlags.None) | (_fault is not null ? BatchFlags.Failed : BatchFlags.None);
        AnswerWire.WriteHeader(writer, CallKind.Batch, _serving.Contract.Serializer.Id, flags);
        writer.Write((uint)_count);
        writer.Write(Number);
        writer.Write(_values.Written);
        if (_fault is not null)
        {
            (string name, string text) = _serving.Describe(_fault);
            writer.Advance(ErrorPayload.Write(writer.GetSpan(ErrorPayload.Room)[..ErrorPayload.Room], name, text).Length);
        }
        using (_request)
        {
            try
            {
                _request.Reply(writer.Written, new MessageOptions { PayloadType = PayloadTypes.Call });
                writer.Return();
            }
            catch (Exception failure) when (failure is BusException or ObjectDisposedException)
            {
                // Its client has gone or given up: the news of that, its word, or the lease ends the stream.
            }
        }
        _givenUp.Unregister();
        (_request, _hasRequest, _givenUp) = (default, false, default);
        _values.Clear();
        _count = 0;
        _answeredAt = Environment.TickCount64;
        if (_isEnded)
        {
            _isClosed = true;
            _patience?.Dispose();
            _serving.Streams.Remove(this);
        }
    }

    // Nothing is there yet: an empty answer goes out before the caller would think that nobody answers.
    private void WaitForValues()
    {
        if (!_hasRequest || _isClosed)
            return;
        long left = Math.Clamp((_request.Deadline - _serving.Connection.File.Now) / 1_000_000, 0, int.MaxValue);
        long wait = left - Math.Min(left / 2, MostMargin);
        _answerAt = Environment.TickCount64 + wait;
        _patience ??= new Timer(static session => ((StreamSession)session!).AnswerInTime(), this, Timeout.Infinite, Timeout.Infinite);
        _patience.Change(wait, Timeout.Infinite);

        // Who gives up waiting gives up the stream: its number may not be known to him yet.
        _givenUp = _request.Slot.CancellationSource.Token.UnsafeRegister(static session => ((StreamSession)session!).Close(), this);
    }

    private void AnswerInTime()
    {
        lock (_lock)
        {
            // The request for which the timer was set may have been answered, and another one be waiting.
            if (_hasRequest && Environment.TickCount64 >= _answerAt - 1)
                Answer();
        }
    }
}

/// <inheritdoc/>
internal sealed class StreamSession<T>(Serving serving, ServiceMember member, ulong client, IAsyncEnumerable<T> values, CancellationTokenSource source)
    : StreamSession(serving, member, client, source)
{
    protected override async ValueTask EnumerateAsync()
    {
        IAsyncEnumerator<T> enumerator = values.GetAsyncEnumerator(Cancellation);
        await using (enumerator.ConfigureAwait(false))
        {
            while (true)
            {
                ValueTask<bool> next = enumerator.MoveNextAsync();
                if (!next.IsCompleted)
                    Offer();
                if (!await next.ConfigureAwait(false))
                    return;
                await Add(enumerator.Current).ConfigureAwait(false);
            }
        }
    }
}
