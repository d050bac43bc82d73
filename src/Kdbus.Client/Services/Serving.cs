using System.Buffers;
using System.Text;
using Kdbus.Client.Services;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client;

/// <summary>An interface that is being served, until this is disposed or the connection is.</summary>
public sealed class Serving : IAsyncDisposable
{
    private readonly object _service;
    private readonly Lock _lock = new();
    private readonly HashSet<CancellationTokenSource> _sources = [];
    private TaskCompletionSource? _idle;
    private int _atWork;
    private bool _isStopped;

    internal Serving(BusConnection connection, ServiceContract contract, object service, ServeOptions options)
    {
        Connection = connection;
        Contract = contract;
        Options = options;
        _service = service;
        Streams = new StreamTable(this);
        Route = ServiceRoute.Of(connection);
    }

    /// <summary>Where it is served.</summary>
    public BusConnection Connection { get; }

    /// <summary>Name of the interface.</summary>
    public string Interface => Contract.Interface;

    /// <summary>The well-known name that was acquired for it; null if none was.</summary>
    public OwnedName? Name { get; internal set; }

    /// <summary>Streams that clients have open now.</summary>
    public int OpenStreams => Streams.Count;

    internal ServiceContract Contract { get; }

    internal ServeOptions Options { get; }

    internal ServiceRoute Route { get; }

    internal StreamTable Streams { get; }

    internal bool RunsOnThreadPool => Options.RunOn == ServeThread.ThreadPool;

    /// <summary>
    /// Releases the name, takes no more calls, cancels the tokens of handlers that are at work, ends streams, and waits for the handlers, up to <see cref="ServeOptions.StopTimeout"/>.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Name is not null)
            await Name.DisposeAsync().ConfigureAwait(false);
        Route.Remove(this);
        Stop();
        Task idle;
        lock (_lock)
        {
            if (_atWork == 0)
                return;
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            idle = _idle.Task;
        }
        await Task.WhenAny(idle, Task.Delay(Options.StopTimeout)).ConfigureAwait(false);
    }

    /// <summary>A message for this interface. It is given back in any case.</summary>
    internal void Take(Message message, in CallHeader header)
    {
        if (header.Serializer != Contract.Serializer.Id)
        {
            ServiceRoute.Refuse(message, BusErrors.Malformed,
                $"{Interface} speaks {Contract.Serializer.Name} (serializer {Contract.Serializer.Id}); the request was written with serializer {header.Serializer}.");
            return;
        }
        int member = Contract.IndexOf(header.Member);
        if (member < 0)
        {
            ServiceRoute.Refuse(message, BusErrors.UnknownMember, $"{Interface} has no member {Encoding.UTF8.GetString(header.Member)} in the version that is served here.");
            return;
        }
        ReadOnlySequence<byte> body = message.Payload.Slice(header.Length);
        if (header.Kind is CallKind.Next or CallKind.Close)
        {
            Streams.Take(message, header.Kind, body);
            return;
        }
        int window = 0;
        if (Contract[member].IsStream != (header.Kind == CallKind.Open) || (header.Kind == CallKind.Open && !TryReadWindow(ref body, out window)))
        {
            ServiceRoute.Refuse(message, BusErrors.Malformed, $"{Contract[member].FullName} {(Contract[member].IsStream ? "answers with a stream" : "answers once")}, and is called otherwise.");
            return;
        }
        // Without somebody who waits for the result, a call is nothing.
        if (!message.IsRequest || Volatile.Read(ref _isStopped))
        {
            ServiceRoute.Refuse(message, BusErrors.UnknownInterface, $"{Interface} is not served any more.");
            return;
        }
        ServiceCall call = new(this, message, member, header, body, window);
        if (!RunsOnThreadPool)
        {
            call.Run(_service);
            return;
        }
        BeginWork(null);
        ThreadPool.UnsafeQueueUserWorkItem(
            static work =>
            {
                work.Call.Run(work.Serving._service);
                work.Serving.EndWork(null);
            },
            (Serving: this, Call: call), preferLocal: false);
    }

    /// <summary>Somebody is at work who is not done at once.</summary>
    internal void BeginWork(CancellationTokenSource? source)
    {
        bool isLate;
        lock (_lock)
        {
            _atWork++;
            if (source is not null)
                _sources.Add(source);
            isLate = _isStopped;
        }
        if (isLate && source is not null)
            Cancel(source);
    }

    /// <summary>He is done.</summary>
    internal void EndWork(CancellationTokenSource? source)
    {
        lock (_lock)
        {
            if (source is not null)
                _sources.Remove(source);
            if (--_atWork == 0)
                _idle?.TrySetResult();
        }
    }

    /// <summary>Cancels a token when nobody waits for the answer any more.</summary>
    internal void EndAtDeadline(CancellationTokenSource source, long deadline)
    {
        try
        {
            // The bus has its own limit for how far away a deadline is; a timer has this one.
            source.CancelAfter((int)Math.Clamp((deadline - Connection.File.Now) / 1_000_000, 0, int.MaxValue));
        }
        catch (ObjectDisposedException)
        {
            // It was done faster than it could be watched.
        }
    }

    /// <summary>Takes nothing more, and tells everybody who is at work.</summary>
    internal void Stop()
    {
        CancellationTokenSource[] sources;
        lock (_lock)
        {
            _isStopped = true;
            sources = [.. _sources];
        }
        foreach (CancellationTokenSource source in sources)
            Cancel(source);
        Streams.Stop();
    }

    /// <summary>Cancels; what the handler's own callbacks throw is reported.</summary>
    internal void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It was done just now.
        }
        catch (AggregateException faults)
        {
            Report(null, 0, faults);
        }
    }

    /// <summary>An exception as it crosses the bus.</summary>
    internal (string Name, string Text) Describe(Exception fault) => fault switch
    {
        MalformedException => (BusErrors.Malformed, fault.Message),
        PeerFailedException { ErrorName.Length: > 0 and <= 255 } failure => (failure.ErrorName, failure.Message),
        OperationCanceledException => (BusErrors.Canceled, "The call was cancelled."),
        _ => (BusErrors.Unhandled, Options.TellDetails ? fault.ToString() : $"The service failed ({fault.GetType().Name})."),
    };

    /// <summary>Tells who serves of what nobody else is told.</summary>
    internal void Report(ServiceMember? member, ulong caller, Exception fault)
    {
        try
        {
            Options.OnError?.Invoke(new ServiceFault(Interface, member?.Name ?? "", caller, fault));
        }
        catch (Exception)
        {
            // As its documentation says: nobody is left to be told.
        }
    }

    private static bool TryReadWindow(ref ReadOnlySequence<byte> body, out int window)
    {
        var reader = new ValueReader(body);
        bool isRead = reader.TryRead(out uint wanted);
        window = (int)Math.Min(wanted, int.MaxValue);
        body = reader.Rest;
        return isRead;
    }
}
