using Kdbus.Abi;

namespace Kdbus.Client.Internal;

/// <summary>
/// The requests of a connection whose answers are awaited. The bus has room for some at a time; what is more waits here for its turn, so any number of calls
/// can be under way.
/// </summary>
internal sealed class PendingCalls(BusConnection connection, int most)
{
    private const int Spares = 256;

    private readonly Lock _lock = new();

    // By cookie. A call that was given up keeps its place, with nobody behind it, until the bus has freed it.
    private readonly Dictionary<ulong, PendingCall?> _calls = [];
    private readonly LinkedList<ParkedCall> _parked = [];
    private readonly Stack<PendingCall> _spare = new();
    private Exception? _end;

    /// <summary>Whether an answer is awaited.</summary>
    public bool Any
    {
        get
        {
            lock (_lock)
                return _calls.Count > 0;
        }
    }

    /// <summary>Sends a request, now or when there is room for it.</summary>
    public ValueTask<Message> Begin(ref Draft draft, Destination destination, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
            return ValueTask.FromCanceled<Message>(cancellation);
        PendingCall call;
        ValueTask<Message> task;
        bool isParked;
        lock (_lock)
        {
            if (_end is not null)
                return ValueTask.FromException<Message>(_end);
            if (!_spare.TryPop(out call!))
                call = new PendingCall(this);
            call.Open(draft.Header.Cookie, destination);
            task = call.Task;
            isParked = _calls.Count >= most || _parked.Count > 0;
            if (isParked)
                _parked.AddLast(new ParkedCall(call, in draft));
            else
                _calls.Add(call.Cookie, call);
        }
        connection.Receiver.Pulse();
        call.CancelWith(cancellation);
        if (!isParked)
            Send(call, ref draft);
        return task;
    }

    /// <summary>An answer has come: somebody waited for it, or it is given back.</summary>
    public void Complete(ulong cookie, Message answer)
    {
        if (!TryRemove(cookie, out PendingCall? call))
        {
            answer.Dispose();
            return;
        }
        SendParked();
        if (call is null)
            answer.Dispose();
        else
            call.Complete(answer);
    }

    /// <summary>No answer will come.</summary>
    public void Fail(ulong cookie, PeerFailure failure)
    {
        if (!TryRemove(cookie, out PendingCall? call))
            return;
        SendParked();
        call?.Fail(Failures.NoAnswer(failure, call.Destination));
    }

    /// <summary>The answer is an error.</summary>
    public void Fail(Message error)
    {
        PeerFailedException reason;
        ulong cookie = error.ReplyCookie;
        using (error)
            reason = ErrorPayload.Read(error.Payload);
        if (!TryRemove(cookie, out PendingCall? call))
            return;
        SendParked();
        call?.Fail(reason);
    }

    /// <summary>The bus did not take a request. One that only came too early waits for its turn.</summary>
    public void NotSent(ParkedCall parked, int error)
    {
        lock (_lock)
        {
            _calls.Remove(parked.Call.Cookie);
            bool comesTooEarly = (Errno)(-error) is Errno.EMLINK or Errno.ENOBUFS;
            if (comesTooEarly && _calls.Count > 0 && _end is null)
            {
                _parked.AddFirst(parked);
                return;
            }
        }
        parked.Call.FailElsewhere(Failures.Refused($"call {parked.Call.Destination}", error));
    }

    /// <summary>The caller has given up: the service is told, and the place of the call stays taken until the bus has freed it.</summary>
    public void Abandon(PendingCall call)
    {
        lock (_lock)
        {
            if (!_calls.TryGetValue(call.Cookie, out PendingCall? known) || known != call)
                return;
            _calls[call.Cookie] = null;
        }
        connection.SendCancel(call.Destination, call.Cookie);
    }

    /// <summary>The connection is at its end: nobody gets an answer any more.</summary>
    public void End(Exception reason)
    {
        List<PendingCall> lost = [];
        lock (_lock)
        {
            _end ??= reason;
            foreach (PendingCall? call in _calls.Values)
            {
                if (call is not null)
                    lost.Add(call);
            }
            lost.AddRange(_parked.Select(static parked => parked.Call));
            _calls.Clear();
            _parked.Clear();
        }
        lost.ForEach(call => call.Fail(reason));
    }

    /// <summary>A call whose caller has been told is used again.</summary>
    public void Return(PendingCall call)
    {
        lock (_lock)
        {
            if (_spare.Count < Spares)
                _spare.Push(call);
        }
    }

    private bool TryRemove(ulong cookie, out PendingCall? call)
    {
        lock (_lock)
            return _calls.Remove(cookie, out call);
    }

    private void Send(PendingCall call, ref Draft draft)
    {
        if (connection.Receiver.TryPutOff(ref draft, call))
            return;
        connection.Receiver.Flush();
        int error = connection.Wire.Send(draft);
        if (error < 0)
            NotSent(new ParkedCall(call, in draft), error);
    }

    private void SendParked()
    {
        while (true)
        {
            ParkedCall parked;
            lock (_lock)
            {
                if (_parked.Count == 0 || _calls.Count >= most)
                    return;
                parked = _parked.First!.Value;
                _parked.RemoveFirst();
                if (parked.Call.IsOver)
                    continue;
                _calls.Add(parked.Call.Cookie, parked.Call);
            }
            Draft draft = parked.Draft;
            Send(parked.Call, ref draft);
            lock (_lock)
            {
                // The bus would not have it even now: the next answer gives another chance.
                if (_parked.First?.Value.Call == parked.Call)
                    return;
            }
        }
    }
}
