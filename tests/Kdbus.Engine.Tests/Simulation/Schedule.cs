using System.Globalization;
using System.Runtime.InteropServices;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>
/// Peers of several users doing anything in any order, all of it from one seed. Beside the engine runs a model that knows only
/// what a peer can know: what it sent, what it was told. Whatever the engine says is written down, so that two runs can be
/// compared.
/// </summary>
internal sealed class Schedule
{
    private readonly Random _random;
    private readonly TestDomain _world = new();
    private readonly List<TestPeer> _peers = [];
    private readonly List<TestPeer> _everyPeer = [];
    private readonly List<(TestPeer Sender, Sending Sending, Outgoing Message)> _copying = [];
    private readonly Dictionary<ulong, List<Outgoing>> _queues = [];
    private readonly Dictionary<ulong, Outgoing> _requests = [];
    private readonly Dictionary<ulong, Outgoing> _waiting = [];
    private readonly List<Outgoing> _interrupted = [];
    private readonly Dictionary<TestPeer, List<ulong>> _slices = [];
    private readonly HashSet<ulong> _ended = [];
    private int _completionsSeen;
    private ulong _lastCookie;

    public Schedule(int seed)
    {
        _random = new Random(seed);
        _world.Effects.Log = Transcript.Add;
    }

    /// <summary>All that the engine said, in order.</summary>
    public List<string> Transcript { get; } = [];

    /// <summary>User messages that were received and found right.</summary>
    public int Delivered { get; private set; }

    /// <summary>Notifications about requests.</summary>
    public int Notified { get; private set; }

    /// <summary>Synchronous calls that got their answer.</summary>
    public int Answered { get; private set; }

    /// <summary>Runs it to the end, where everything is closed.</summary>
    public void Run(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            Step();
            NoteCompletions();
            if (i % 16 == 0) CheckBooks();
        }

        while (_peers.Count > 0) Close(Any(_peers));
        while (_copying.Count > 0) Commit();
        _world.Close(_world.BusOwner);
        NoteCompletions();
        CheckNothingLeft();
        foreach (var peer in _everyPeer) Write($"pool {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(peer.Pool.Bytes))}");
    }

    private void Step()
    {
        var choice = _random.Next(100);
        if (_peers.Count < 2 || (choice < 4 && _peers.Count < 12))
        {
            Connect();
            return;
        }

        switch (choice)
        {
            case < 6: Close(Any(_peers)); break;
            case < 8: Byebye(Any(_peers)); break;
            case < 9: Undo(Any(_peers)); break;
            case < 30: Send(Any(_peers)); break;
            case < 42: Answer(Any(_peers)); break;
            case < 66: Receive(Any(_peers)); break;
            case < 78: Free(Any(_peers)); break;
            case < 82: Interrupt(); break;
            case < 86: Repeat(); break;
            case < 90: Commit(); break;
            case < 94: Pass(); break;
            case < 96: Any(_peers).Pool.IsExhausted ^= true; break;
            default: Query(Any(_peers)); break;
        }
    }

    private void Connect()
    {
        var uid = new[] { 0u, 1000u, 1000u, 1001u }[_random.Next(4)];
        var pool = new PoolMemory(4096 << (2 * _random.Next(3))) { IsExhausted = _random.Next(20) == 0 };
        var peer = new TestPeer(_world, _world.Open(_world.Bus.DefaultEndpoint, uid), uid, pool);
        var result = peer.Hello();
        Write($"hello {peer.Handle} {uid}: {result} {peer.Id}");
        if (result != Errno.OK)
        {
            Assert.True(pool.IsExhausted);
            _world.Close(peer.Handle);
            return;
        }

        _peers.Add(peer);
        _everyPeer.Add(peer);
        _queues.Add(peer.Id, []);
        _slices.Add(peer, [0]);
    }

    private void Close(TestPeer peer)
    {
        Write($"close {peer.Handle}");
        peer.Close();
        Gone(peer);
    }

    private void Byebye(TestPeer peer)
    {
        var result = peer.Byebye();
        Write($"byebye {peer.Id}: {result}");
        if (result != Errno.OK)
        {
            Assert.Equal(Errno.EBUSY, result);
            return;
        }

        Assert.Empty(_queues[peer.Id]);
        peer.Close();
        Gone(peer);
    }

    private void Undo(TestPeer peer)
    {
        Write($"undo {peer.Handle}");
        _world.Domain.Undo(peer.Handle, _world.Now);
        _world.Close(peer.Handle);
        Gone(peer);
    }

    private void Gone(TestPeer peer)
    {
        _peers.Remove(peer);
        _queues[peer.Id].Clear();
        _interrupted.RemoveAll(message => message.Sender == peer);
    }

    private void Send(TestPeer sender)
    {
        var message = new Outgoing
        {
            Sender = sender,
            Receiver = Any(_peers),
            Cookie = ++_lastCookie,
            Priority = _random.Next(3) == 0 ? _random.Next(-2, 3) : 0,
            Payload = new byte[_random.Next(6) == 0 ? _random.Next(4000) : _random.Next(100)],
            Place = _random.Next(8) switch { 0 => PayloadPlace.Unreadable, 1 or 2 => PayloadPlace.Remote, _ => PayloadPlace.Here },
        };
        new Random((int)message.Cookie).NextBytes(message.Payload);
        if (_random.Next(2) == 0)
        {
            message.Deadline = _world.Now.Monotonic + (ulong)_random.Next(2000) + (_random.Next(5) == 0 ? 0UL : 1_000_000);
            message.IsCall = _random.Next(2) == 0;
            _requests.Add(message.Cookie, message);
        }

        Issue(message);
    }

    private void Answer(TestPeer sender)
    {
        var open = _requests.Values.Where(request => request.Receiver == sender && !_ended.Contains(request.Cookie)).ToArray();
        var request = open.Length > 0 && _random.Next(8) > 0 ? Any(open) : null;
        var message = new Outgoing
        {
            Sender = sender,
            Receiver = request?.Sender ?? Any(_peers),
            Cookie = ++_lastCookie,
            CookieReply = request?.Cookie ?? 1 + (ulong)_random.Next((int)_lastCookie),
            Payload = new byte[_random.Next(500)],
            Place = _random.Next(8) switch { 0 => PayloadPlace.Unreadable, 1 or 2 => PayloadPlace.Remote, _ => PayloadPlace.Here },
        };
        new Random((int)message.Cookie).NextBytes(message.Payload);
        Issue(message);
    }

    private void Issue(Outgoing message)
    {
        var sending = message.Sender.Send(
            new KdbusMsg
            {
                DstId = message.Receiver.Id,
                Cookie = message.Cookie,
                Priority = message.Priority,
                Flags = message.Deadline != 0 ? (ulong)MessageFlags.ExpectReply : 0,
                TimeoutNs = message.Deadline != 0 ? message.Deadline : message.CookieReply,
            },
            message.Payload,
            message.IsCall ? SendFlags.SyncReply : 0,
            message.Payload.Length > 0 ? message.Place : PayloadPlace.Here);
        Write($"send {message.Sender.Id} to {message.Receiver.Id} #{message.Cookie} ={message.CookieReply} {message.Deadline} {message.IsCall}: {Text(sending)}");
        if (sending.Kind == OutcomeKind.Copy) _copying.Add((message.Sender, sending, message));
        else Sent(message, sending);
    }

    private void Commit()
    {
        if (_copying.Count == 0) return;
        var index = _random.Next(_copying.Count);
        var (sender, sending, message) = _copying[index];
        _copying.RemoveAt(index);
        var copied = _random.Next(5) == 0 ? Errno.EFAULT : Errno.OK;
        var delivery = sending.Outcome.Transfer!.Deliveries[0];
        if (copied == Errno.OK) message.Payload.CopyTo(delivery.Memory.Room(delivery.AreaOffset, message.Payload.Length));
        sender.Commit(sending, copied);
        Write($"commit #{message.Cookie} {copied}: {Text(sending)}");
        Sent(message, sending);
    }

    /// <summary>A SEND came back from the engine.</summary>
    private void Sent(Outgoing message, Sending sending)
    {
        var accepted = sending.Kind == OutcomeKind.Pending || sending.Result == Errno.OK;
        if (message.IsCall) Assert.True(sending.Kind == OutcomeKind.Pending || sending.Result != Errno.OK, "a call came back OK at once");
        if (sending.Kind == OutcomeKind.Pending) Waits(message, sending);
        if (message.CookieReply != 0 && _requests.GetValueOrDefault(message.CookieReply) is { } request)
        {
            if (accepted) Assert.True(_ended.Add(request.Cookie), $"#{request.Cookie} was answered after its end");
            if (accepted && request.IsCall)
            {
                // It is with the caller, or kept for a caller that was interrupted; it is in no queue.
                request.Answer = message;
                return;
            }
        }

        if (accepted) _queues[message.Receiver.Id].Add(message);
    }

    private void Receive(TestPeer peer)
    {
        RecvFlags flags = _random.Next(6) switch { 0 => RecvFlags.Peek, 1 => RecvFlags.Drop, 2 => RecvFlags.UsePriority, _ => 0 };
        var limit = _random.Next(-3, 4);
        var queue = _queues[peer.Id];
        _world.Wait(0); // a deadline that has passed puts its notification first
        var dropped = flags == RecvFlags.Drop ? peer.Connection.Queue.First : null;
        var received = peer.Recv(flags, limit);
        Write($"recv {peer.Id} {flags}: {received.Result} {RecordedEffects.Text(received.Info)} {received.Source} #{received.Cookie} ={received.CookieReply}");
        if (received.Result == Errno.EAGAIN)
        {
            Assert.DoesNotContain(queue, message => flags != RecvFlags.UsePriority || message.Priority <= limit);
            return;
        }

        Assert.Equal(Errno.OK, received.Result);
        if (dropped != null)
        {
            // What was dropped can be told from its priority and size only; a notification is charged on the bus.
            if (dropped.User.Uid != null) queue.RemoveAt(0);
            return;
        }

        if (!_slices[peer].Contains(received.Info.Offset)) _slices[peer].Add(received.Info.Offset);
        if (received.Source == 0)
        {
            if (flags != RecvFlags.Peek) Notification(peer, received);
            return;
        }

        var expected = flags == RecvFlags.UsePriority ? queue.MinBy(message => message.Priority) : queue.FirstOrDefault();
        Assert.NotNull(expected);
        Assert.Equal((expected.Sender.Id, expected.Cookie), (received.Source, received.Cookie));
        Assert.Equal(expected.Payload, received.Payload);
        if (flags == RecvFlags.Peek) return;
        queue.Remove(expected);
        Delivered++;
    }

    private void Notification(TestPeer peer, Received received)
    {
        var request = _requests[received.CookieReply];
        Assert.Same(peer, request.Sender);
        Assert.False(request.IsCall);
        Assert.True(_ended.Add(request.Cookie), $"the end of #{request.Cookie} was told twice, or after its answer");
        if (received.FirstItem == ItemType.ReplyTimeout) Assert.InRange(_world.Now.Monotonic, request.Deadline, ulong.MaxValue);
        else Assert.Equal(ItemType.ReplyDead, received.FirstItem);
        Notified++;
    }

    private void Free(TestPeer peer)
    {
        var slices = _slices[peer];
        var index = slices.Count == 0 ? -1 : _random.Next(slices.Count);
        var offset = index < 0 ? 4UL : slices[index];
        var result = peer.Free(offset);
        Write($"free {peer.Id} {offset}: {result}");
        Assert.Equal(index < 0 ? Errno.ENXIO : Errno.OK, result);
        if (index >= 0) slices.RemoveAt(index);
    }

    private void Interrupt()
    {
        var request = _waiting.Count > 0 && _random.Next(5) > 0 ? Any([.. _waiting.Keys.Order()]) : 1 + (ulong)_random.Next(1000);
        Write($"interrupt {request}");
        _world.Domain.Interrupt(request);
    }

    private void Repeat()
    {
        if (_interrupted.Count == 0) return;
        var message = Any(_interrupted);
        _interrupted.Remove(message);
        var queued = _queues.Values.Sum(queue => queue.Count);
        var sending = message.Sender.Send(
            new KdbusMsg
            {
                DstId = message.Receiver.Id, Cookie = message.Cookie, Flags = (ulong)MessageFlags.ExpectReply, TimeoutNs = message.Deadline,
            },
            default,
            SendFlags.SyncReply);
        Write($"repeat #{message.Cookie}: {Text(sending)}");
        Assert.Equal(queued, _queues.Values.Sum(queue => queue.Count));
        if (sending.Kind == OutcomeKind.Pending) Waits(message, sending);
        else if (sending.Result == Errno.OK) TakeAnswer(message, sending.Reply);
    }

    private void Pass()
    {
        var nanoseconds = _random.Next(4) == 0 ? (ulong)_random.Next(3_000_000) : (ulong)_random.Next(2000);
        Write($"pass {nanoseconds}");
        if (_random.Next(2) == 0) _world.Pass(nanoseconds);
        else _world.Wait(nanoseconds);
    }

    private void Query(TestPeer peer)
    {
        var command = Any([Command.List, Command.ConnInfo, Command.BusCreatorInfo, Command.Update]);
        var frame = command switch
        {
            Command.List => Frame.Of(new KdbusCmdList { Flags = (ulong)ListFlags.Unique }),
            // What it wants to be told decides how large its messages are from now on.
            Command.Update => Frame.Of(new KdbusCmd(), Frame.Item(ItemType.AttachFlagsRecv, (ulong)_random.Next(1 << 14))),
            _ => Frame.Of(new KdbusCmdInfo { Id = Any(_everyPeer).Id, AttachFlags = ulong.MaxValue }),
        };
        var outcome = _world.Run(peer.Handle, command, frame, peer.Uid);
        Write($"{command} {peer.Id}: {outcome.Result} {outcome.Published}");
        if (outcome.Published.Size > 0) _slices[peer].Add(outcome.Published.Offset);
    }

    /// <summary>Whoever drives the engine learns that a call waits when it comes back: it cannot have ended before.</summary>
    private void Waits(Outgoing message, Sending sending)
    {
        Assert.DoesNotContain(_world.Effects.Completions.Skip(_completionsSeen), completion => completion.Request == sending.Request);
        _waiting.Add(sending.Request, message);
    }

    private void NoteCompletions()
    {
        for (; _completionsSeen < _world.Effects.Completions.Count; _completionsSeen++)
        {
            var completion = _world.Effects.Completions[_completionsSeen];
            Assert.True(_waiting.Remove(completion.Request, out var call), $"{completion.Request} ended and was not waiting");
            Assert.Equal(call.Sender.Handle, completion.Handle);
            Assert.Equal(completion.Result == Errno.EINTR, completion.Restart);
            if (completion.Restart) _interrupted.Add(call);
            else if (completion.Result == Errno.OK) TakeAnswer(call, completion.Reply);
            else _ended.Add(call.Cookie);
        }
    }

    private void TakeAnswer(Outgoing call, KdbusMsgInfo reply)
    {
        var answer = call.Answer;
        Assert.NotNull(answer);
        call.Answer = null;
        var received = call.Sender.Read(reply);
        Assert.Equal((answer.Sender.Id, answer.Cookie, call.Cookie), (received.Source, received.Cookie, received.CookieReply));
        Assert.Equal(answer.Payload, received.Payload);
        _slices[call.Sender].Add(reply.Offset);
        Answered++;
    }

    /// <summary>What the engine charges is what there is, no more and no less.</summary>
    private void CheckBooks()
    {
        foreach (var peer in _everyPeer)
        {
            var connection = peer.Connection;
            var (bytes, trackers) = (0UL, 0);
            for (var message = connection.Queue.First; message != null; message = message.Next) bytes += message.Size;
            for (var tracker = connection.Requests.Newest; tracker != null; tracker = tracker.OlderRequest)
            {
                trackers++;
                bytes += tracker.Answer?.Size ?? 0;
            }

            foreach (var (_, sending, _) in _copying)
            {
                var transfer = sending.Outcome.Transfer!;
                foreach (var delivery in transfer.Deliveries.Where(delivery => delivery.Receiver == connection)) bytes += delivery.Message.Size;
                if (transfer.Sender == connection && transfer.Request != null) trackers++;
            }

            var unread = _everyPeer.Sum(other => Unread(other.Connection, connection));
            Assert.Equal((bytes, trackers + unread), (Inside.AccountedBytes(connection), connection.RequestSlots));
            CheckPool(connection.Pool);
        }
    }

    /// <summary>Requests of a connection that have ended and still lie in the other's queue.</summary>
    private static int Unread(Connection receiver, Connection requester)
    {
        var count = 0;
        for (var message = receiver.Queue.First; message != null; message = message.Next)
        {
            if (message.Request is { Ended: true } request && request.Requester == requester) count++;
        }

        return count;
    }

    private static void CheckPool(Pool pool)
    {
        var end = 0UL;
        var used = 0UL;
        foreach (var slice in Inside.UsedSlices(pool).OrderBy(slice => slice.Offset))
        {
            Assert.True(slice.Offset >= end, "Two slices overlap.");
            end = slice.Offset + slice.Size;
            used += slice.Size;
        }

        Assert.True(end <= pool.Size);
        Assert.Equal(pool.Size, used + Inside.FreeBytes(pool));
    }

    private void CheckNothingLeft()
    {
        Assert.Empty(_waiting);
        Assert.Equal((0, 0, 0), (_world.Domain.OpenHandles, Inside.KnownUsers(_world.Domain), Inside.WaitingCalls(_world.Domain)));
        Assert.Equal((ulong.MaxValue, 0), (_world.Domain.NextDeadline, _world.Domain.BusItself.Messages));
        foreach (var peer in _everyPeer)
        {
            Assert.Equal((0UL, 0, 0), (Inside.AccountedBytes(peer.Connection), peer.Connection.RequestSlots, peer.Connection.Queued));
            Assert.All(Inside.UsedSlices(peer.Connection.Pool), slice => Assert.False(slice.HeldByBus));
        }
    }

    private void Write(string line) => Transcript.Add(line);

    private static string Text(Sending sending) => string.Create(
        CultureInfo.InvariantCulture, $"{sending.Request} {sending.Kind} {sending.Result} {Convert.ToHexString(MemoryMarshal.AsBytes([sending.Reply]))}");

    private T Any<T>(IReadOnlyList<T> choices) => choices[_random.Next(choices.Count)];

    private sealed class Outgoing
    {
        public required TestPeer Sender { get; init; }

        public required TestPeer Receiver { get; init; }

        public required ulong Cookie { get; init; }

        public ulong CookieReply { get; init; }

        public ulong Deadline { get; set; }

        public bool IsCall { get; set; }

        public long Priority { get; init; }

        public required byte[] Payload { get; init; }

        public PayloadPlace Place { get; init; }

        /// <summary>What was sent in answer to this call and has not been picked up.</summary>
        public Outgoing? Answer { get; set; }
    }
}
