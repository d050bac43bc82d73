using System.Buffers;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client.Services;

/// <summary>
/// The streams that clients of a service have open. A stream ends with its values, when its client says so, when that leaves the bus, and when it has not asked for more for too long.
/// </summary>
internal sealed class StreamTable(Serving serving)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(ulong Client, ulong Number), StreamSession> _sessions = [];
    private readonly Dictionary<ulong, Watched> _clients = [];
    private Timer? _lease;
    private ulong _lastNumber;
    private bool _isStopped;

    public int Count
    {
        get
        {
            lock (_lock)
                return _sessions.Count;
        }
    }

    public ulong NextNumber() => Interlocked.Increment(ref _lastNumber);

    /// <summary>Adds a stream. False if its client has too many, or the service is being stopped.</summary>
    public bool TryAdd(StreamSession session)
    {
        Watched? client;
        bool isFirst;
        lock (_lock)
        {
            isFirst = !_clients.TryGetValue(session.Client, out client);
            if (_isStopped || client?.Streams >= serving.Options.MaxStreamsPerClient)
                return false;
            if (isFirst)
                _clients.Add(session.Client, client = new Watched());
            client!.Streams++;
            _sessions.Add((session.Client, session.Number), session);
            TimeSpan look = Look;
            _lease ??= new Timer(static table => ((StreamTable)table!).EndForgotten(), this, look, look);
        }
        if (isFirst)
            Watch(session.Client, client);
        return true;
    }

    /// <summary>A stream is over.</summary>
    public void Remove(StreamSession session)
    {
        Subscription<PeerChange>? news = null;
        lock (_lock)
        {
            if (!_sessions.Remove((session.Client, session.Number)))
                return;
            if (_clients.TryGetValue(session.Client, out Watched? client) && --client.Streams == 0)
            {
                _clients.Remove(session.Client);
                news = client.News;
            }
            if (_sessions.Count == 0)
            {
                _lease?.Dispose();
                _lease = null;
            }
        }
        _ = news?.DisposeAsync().AsTask();
    }

    /// <summary>A client asks for more, or ends a stream.</summary>
    public void Take(Message message, CallKind kind, ReadOnlySequence<byte> body)
    {
        var reader = new ValueReader(body);
        uint window = 0;
        if (!reader.TryRead(out ulong number) || (kind == CallKind.Next && !reader.TryRead(out window)))
        {
            ServiceRoute.Refuse(message, BusErrors.Malformed, "The number of the stream is cut off.");
            return;
        }
        StreamSession? session;
        lock (_lock)
            _sessions.TryGetValue((message.Sender, number), out session);
        if (kind == CallKind.Close)
        {
            message.Dispose();
            session?.Close();
        }
        else if (session is null || !message.IsRequest)
        {
            ServiceRoute.Refuse(message, BusErrors.UnknownStream, "The stream is over: its client let it wait for too long, or the service was stopped.");
        }
        else
        {
            session.Pull(message, (int)Math.Min(window, int.MaxValue));
        }
    }

    public void Stop()
    {
        lock (_lock)
            _isStopped = true;
        Close(static _ => true);
    }

    private TimeSpan Look => TimeSpan.FromMilliseconds(Math.Clamp(serving.Options.StreamLease.TotalMilliseconds / 4, 50, int.MaxValue));

    private void EndForgotten()
    {
        long now = Environment.TickCount64;
        double lease = serving.Options.StreamLease.TotalMilliseconds;
        Close(session => session.IsForgotten(now, lease));
    }

    private void Close(Func<StreamSession, bool> which)
    {
        StreamSession[] sessions;
        lock (_lock)
            sessions = [.. _sessions.Values];
        foreach (StreamSession session in sessions)
        {
            if (which(session))
                session.Close();
        }
    }

    private void Watch(ulong id, Watched client)
    {
        try
        {
            Subscription<PeerChange> news = serving.Connection.SubscribeToPeers(id, capacity: 2);
            bool isOver;
            lock (_lock)
            {
                client.News = news;
                isOver = client.Streams == 0;
            }
            if (isOver)
                _ = news.DisposeAsync().AsTask();
            else
                _ = FollowAsync(id, news);
            // It may have gone before the match was there.
            if (serving.Connection.FindPeer(id, Abi.AttachFlags.None) is null)
                CloseAllOf(id);
        }
        catch (Exception refusal) when (refusal is BusException or ObjectDisposedException)
        {
            // More matches than the bus allows: then the lease alone says when a client has been gone for too long.
        }
    }

    private async Task FollowAsync(ulong id, Subscription<PeerChange> news)
    {
        try
        {
            await foreach (PeerChange change in news.ReadAllAsync().ConfigureAwait(false))
            {
                if (!change.IsThere)
                    CloseAllOf(id);
            }
        }
        catch (BusException)
        {
            // The connection is at its end, and with it all streams.
        }
    }

    private void CloseAllOf(ulong id) => Close(session => session.Client == id);

    /// <summary>A client that has streams open.</summary>
    private sealed class Watched
    {
        public int Streams { get; set; }

        public Subscription<PeerChange>? News { get; set; }
    }
}
