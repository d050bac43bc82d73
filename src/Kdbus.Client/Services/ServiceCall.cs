using System.Buffers;
using System.ComponentModel;
using System.Diagnostics;
using Kdbus.Abi;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client.Services;

/// <summary>
/// A call that is being served: its arguments, and where its result goes. Generated code reads the arguments in order, and then gives the result, once. That ends the call, or hands it over
/// to who waits for the handler; the request is given back in either case.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct ServiceCall
{
    private readonly Serving _serving;
    private readonly Message _request;
    private readonly int _member;
    private readonly ActivityContext _trace;
    private readonly int _window;
    private ValueReader _arguments;
    private int _left;
    private CancellationTokenSource? _source;
    private RpcSpan _span;
    private bool _isHandedOver;

    internal ServiceCall(Serving serving, Message request, int member, in CallHeader header, ReadOnlySequence<byte> arguments, int window)
    {
        _serving = serving;
        _request = request;
        _member = member;
        _trace = RpcSpan.IsTracing ? header.Trace : default;
        _window = window;
        _arguments = new ValueReader(arguments);
        _left = header.Arguments;
    }

    /// <summary>Cancelled when the caller gives up, at the deadline of the call, and when the serving is disposed.</summary>
    public CancellationToken Cancellation
    {
        get
        {
            if (_source is null)
            {
                _source = Member.IsStream ? new CancellationTokenSource() : _request.Slot.CancellationSource;
                // There a handler may block, and has to be told while it does.
                if (IsWatched)
                {
                    _serving.BeginWork(_source);
                    _serving.EndAtDeadline(_source, _request.Deadline);
                }
            }
            return _source.Token;
        }
    }

    private readonly bool IsWatched => _source is not null && _serving.RunsOnThreadPool && !Member.IsStream;

    private readonly ServiceMember Member => _serving.Contract[_member];

    /// <summary>The next argument.</summary>
    /// <param name="mayBeNull">Whether the interface allows null; its callers may have been compiled without that being checked.</param>
    public T Argument<T>(bool mayBeNull = true)
    {
        if (_left == 0)
            MalformedException.Throw("An argument is missing.");
        _left--;
        T value = _arguments.ReadValue<T>(_serving.Contract.Serializer);
        if (!mayBeNull && value is null)
            MalformedException.Throw("An argument is null that must not be.");
        return value;
    }

    /// <summary>The next argument; what it is by default if the caller, in an older version, does not send it.</summary>
    public T ArgumentOr<T>(T missing, bool mayBeNull = true) => _left == 0 ? missing : Argument<T>(mayBeNull);

    /// <summary>The member has no result, and is done.</summary>
    public readonly void Return()
    {
        PayloadWriter writer = PayloadWriter.Rent();
        AnswerWire.WriteHeader(writer, CallKind.Answer, _serving.Contract.Serializer.Id);
        Answer(writer);
    }

    /// <summary>The result.</summary>
    public readonly void Return<T>(T value)
    {
        IBusSerializer serializer = _serving.Contract.Serializer;
        PayloadWriter writer = PayloadWriter.Rent();
        AnswerWire.WriteHeader(writer, CallKind.Answer, serializer.Id);
        serializer.Write(writer, value);
        Answer(writer);
    }

    /// <summary>The call is done when a task is.</summary>
    public void Await(Task task) => Await(new ValueTask(task));

    /// <summary>The result is that of a task.</summary>
    public void Await<T>(Task<T> task) => Await(new ValueTask<T>(task));

    /// <inheritdoc cref="Await(Task)"/>
    public void Await(ValueTask task)
    {
        if (task.IsCompleted)
        {
            task.GetAwaiter().GetResult();
            Return();
        }
        else
        {
            _isHandedOver = true;
            _ = FinishAsync(this, task);
        }
    }

    /// <inheritdoc cref="Await{T}(Task{T})"/>
    public void Await<T>(ValueTask<T> task)
    {
        if (task.IsCompleted)
        {
            Return(task.GetAwaiter().GetResult());
        }
        else
        {
            _isHandedOver = true;
            _ = FinishAsync(this, task);
        }
    }

    /// <summary>The values of a stream.</summary>
    public void Stream<T>(IAsyncEnumerable<T> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        _ = Cancellation;
        StreamSession<T> session = new(_serving, Member, _request.Sender, values, _source!);
        if (!_serving.Streams.TryAdd(session))
        {
            _source!.Dispose();
            throw new PeerFailedException(BusErrors.TooManyStreams, $"This client has {_serving.Options.MaxStreamsPerClient} streams of {Member.Interface} open.");
        }
        session.Start(_request, _window);
        _span.End();
    }

    /// <summary>Lets the member run.</summary>
    internal void Run(object service)
    {
        _span = RpcSpan.StartServer(Member, _trace);
        try
        {
            _serving.Contract.Invoke(_member, service, ref this);
        }
        catch (Exception fault)
        {
            Fail(fault);
        }
        _span.Leave();
        if (IsWatched)
            _serving.EndWork(_isHandedOver ? null : _source);
    }

    private static async Task FinishAsync(ServiceCall call, ValueTask task)
    {
        call.BeginWaiting();
        try
        {
            await task.ConfigureAwait(false);
            call.Return();
        }
        catch (Exception fault)
        {
            call.Fail(fault);
        }
        call._serving.EndWork(call._source);
    }

    private static async Task FinishAsync<T>(ServiceCall call, ValueTask<T> task)
    {
        call.BeginWaiting();
        try
        {
            call.Return(await task.ConfigureAwait(false));
        }
        catch (Exception fault)
        {
            call.Fail(fault);
        }
        call._serving.EndWork(call._source);
    }

    // Only a handler that is not done at once needs somebody to end it.
    private readonly void BeginWaiting()
    {
        _serving.BeginWork(_source);
        if (_source is not null)
            _serving.EndAtDeadline(_source, _request.Deadline);
    }

    private readonly void Answer(PayloadWriter writer)
    {
        Exception? fault = null;
        using (_request)
        {
            try
            {
                _request.Reply(writer.Written, new MessageOptions { PayloadType = PayloadTypes.Call });
                writer.Return();
            }
            catch (Exception failure) when (failure is BusException or ObjectDisposedException)
            {
                fault = failure;
                if (failure is BusRefusedException { Error: not (Errno.EPERM or Errno.ENXIO) } refusal)
                    TryTell(BusErrors.Unhandled, $"The answer could not be sent: {refusal.Error}.");
            }
        }
        if (fault is null)
        {
            _span.End();
            return;
        }
        _span.End(fault);
        // That the caller has gone meanwhile is no failure of the service.
        if (fault is BusRefusedException { Error: not (Errno.EPERM or Errno.ENXIO) })
            _serving.Report(Member, 0, fault);
    }

    private readonly void Fail(Exception fault)
    {
        (string name, string text) = _serving.Describe(fault);

        // Before its caller knows: who looks for the reason then finds it.
        if (name == BusErrors.Unhandled)
            _serving.Report(Member, _request.Sender, fault);
        using (_request)
            TryTell(name, text);
        _span.End(name, text);
    }

    private readonly void TryTell(string error, string text)
    {
        try
        {
            _request.ReplyError(error, text);
        }
        catch (Exception failure) when (failure is BusException or ObjectDisposedException)
        {
            // Nobody is there any more to hear it.
        }
    }
}
