using System.Globalization;
using Kdbus.Engine.Tests.Simulation;

namespace Kdbus.Engine.Tests;

/// <summary>Who waits inside an EXCHANGE misses no message and gets none twice.</summary>
public sealed class WaitingReceiverTests
{
    private readonly TestDomain _world = new();
    private readonly TestPeer _sender;
    private readonly TestPeer _peer;

    public WaitingReceiverTests()
    {
        _sender = _world.Connect();
        _peer = _world.Connect();
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20), Random.Shared.Next()];

    [Fact]
    public void It_waits_until_it_is_served()
    {
        var waiting = _world.Receive(_peer, until: ulong.MaxValue);
        Assert.True(waiting.Waits);
        Assert.Equal(Errno.OK, _sender.Send(_peer.Id, 1).Result);
        Assert.Equal(Errno.OK, _sender.Send(_peer.Id, 2).Result);
        Assert.Empty(_world.Effects.Completions);
        _world.Domain.Serve();
        Assert.Equal([1UL, 2UL], waiting.Take(_world.Effects.Of(waiting.Request).Reception));
        Assert.False(_peer.IsReadable);
        _world.Domain.Serve();
        Assert.Single(_world.Effects.Completions);
    }

    [Fact]
    public void At_its_time_it_ends_without_a_message_and_without_an_error()
    {
        var waiting = _world.Receive(_peer, until: _world.Now.Monotonic + 1000);
        Assert.Equal(_world.Now.Monotonic + 1000, _world.Domain.NextDeadline);
        _world.Wait(999);
        Assert.Empty(_world.Effects.Completions);
        _world.Wait(1);
        var completion = _world.Effects.Of(waiting.Request);
        Assert.Equal((Errno.OK, 0, ulong.MaxValue), (completion.Result, completion.Reception.Messages, _world.Domain.NextDeadline));
    }

    [Fact]
    public void One_that_waits_for_ever_has_no_deadline()
    {
        Assert.True(_world.Receive(_peer, until: ulong.MaxValue).Waits);
        Assert.Equal(ulong.MaxValue, _world.Domain.NextDeadline);
    }

    [Fact]
    public void A_signal_ends_it_and_it_may_be_repeated()
    {
        var waiting = _world.Receive(_peer, until: ulong.MaxValue);
        _world.Domain.Interrupt(waiting.Request);
        var completion = _world.Effects.Of(waiting.Request);
        Assert.Equal((Errno.EINTR, true), (completion.Result, completion.Restart));
        Assert.Equal(Errno.OK, _sender.Send(_peer.Id, 1).Result);
        _world.Domain.Serve();
        _world.Domain.Interrupt(waiting.Request);
        Assert.Single(_world.Effects.Completions);
        Assert.Equal(1UL, _peer.Take().Cookie);
    }

    [Fact]
    public void The_end_of_the_connection_ends_all_that_wait_on_it()
    {
        ulong[] waiting = [_world.Receive(_peer, until: ulong.MaxValue).Request, _world.Receive(_peer, until: _world.Now.Monotonic + 5).Request];
        Assert.Equal(Errno.OK, _sender.Send(_peer.Id, 1).Result);
        _peer.Close();
        _world.Domain.Serve();
        Assert.All(waiting, request => Assert.Equal((Errno.ECONNRESET, false), (_world.Effects.Of(request).Result, _world.Effects.Of(request).Restart)));
        Assert.Equal(ulong.MaxValue, _world.Domain.NextDeadline);
    }

    [Fact]
    public void A_message_that_another_receiver_took_before_serving_wakes_nobody()
    {
        var waiting = _world.Receive(_peer, until: ulong.MaxValue);
        Assert.Equal(Errno.OK, _sender.Send(_peer.Id, 1).Result);
        Assert.Equal(1UL, _peer.Take().Cookie);
        _world.Domain.Serve();
        Assert.Empty(_world.Effects.Completions);
        Assert.Equal(Errno.OK, _sender.Send(_peer.Id, 2).Result);
        _world.Domain.Serve();
        Assert.Equal([2UL], waiting.Take(_world.Effects.Of(waiting.Request).Reception));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_happens_each_message_is_received_once_and_in_its_turn(int seed) => new Turmoil(seed).Run(3000);

    [Fact]
    public void The_same_inputs_have_the_same_effects()
    {
        foreach (var seed in (int[])[31, 32, 33])
        {
            Assert.Equal(new Turmoil(seed).Run(2000), new Turmoil(seed).Run(2000));
        }
    }

    /// <summary>Senders and receivers that do anything in any order, beside queues that are lists.</summary>
    private sealed class Turmoil
    {
        private readonly TestDomain _world = new();
        private readonly Chance _chance;
        private readonly List<string> _effects = [];
        private readonly TestPeer[] _senders;
        private readonly List<TestPeer> _peers = [];
        private readonly Dictionary<TestPeer, List<(ulong Cookie, long Priority)>> _queues = [];
        private readonly Dictionary<ulong, (Receiver Receiver, long? Urgent, ulong Until)> _waiting = [];
        private ulong _lastCookie;
        private int _seen;

        public Turmoil(int seed)
        {
            _chance = new Chance(seed);
            _world.Effects.Log = _effects.Add;
            _senders = [_world.Connect(attach: 0), _world.Connect(attach: 0)];
            for (var i = 0; i < 3; i++) Connect();
        }

        /// <summary>What the engine asked for.</summary>
        public List<string> Run(int steps)
        {
            for (var i = 0; i < steps; i++)
            {
                Step();
                Account();
            }

            _world.Domain.Serve();
            Account();
            Assert.All(_waiting.Values, waiting => Assert.DoesNotContain(_queues[waiting.Receiver.Peer], message => IsWanted(message.Priority, waiting.Urgent)));
            foreach (var peer in _peers)
            {
                Assert.Equal(_queues[peer].Count > 0, peer.IsReadable);
                foreach (var (cookie, _) in _queues[peer]) Assert.Equal(cookie, peer.Take().Cookie);
                Assert.Equal(Errno.EAGAIN, peer.Recv().Result);
                peer.Close();
            }

            Account();
            Assert.Empty(_waiting);
            return _effects;
        }

        private static bool IsWanted(long priority, long? urgent) => urgent == null || priority <= urgent;

        private void Connect()
        {
            _peers.Add(_world.Connect(attach: 0));
            _queues[_peers[^1]] = [];
        }

        private void Step()
        {
            var peer = _chance.Any(_peers);
            switch (_chance.Below(40))
            {
                case < 14:
                    var (cookie, priority) = (++_lastCookie, _chance.Below(5) - 2L);
                    if (_chance.Any(_senders).Send(peer.Id, cookie, _chance.Bytes(_chance.Of(0, 8, 100, 1500)), priority).Result == Errno.OK)
                    {
                        _queues[peer].Add((cookie, priority));
                    }

                    break;
                case < 26:
                    Receive(peer);
                    break;
                case < 33:
                    _world.Domain.Serve();
                    Account();
                    Assert.All(_waiting.Values, waiting => Assert.DoesNotContain(_queues[waiting.Receiver.Peer], message => IsWanted(message.Priority, waiting.Urgent)));
                    break;
                case < 35 when _waiting.Count > 0:
                    _world.Domain.Interrupt(_chance.Any([.. _waiting.Keys.Order()]));
                    break;
                case < 37:
                    _world.Wait((ulong)_chance.Below(300));
                    Account();
                    Assert.All(_waiting.Values, waiting => Assert.True(waiting.Until > _world.Now.Monotonic));
                    break;
                case 37:
                    var taken = peer.Take();
                    Account();
                    Assert.Equal(_queues[peer].Count > 0 ? Errno.OK : Errno.EAGAIN, taken.Result);
                    if (taken.Result == Errno.OK) Pop(peer, taken.Cookie, urgent: null);
                    break;
                case 38 when _chance.OneIn(10):
                    peer.Close();
                    _peers.Remove(peer);
                    Connect();
                    break;
            }
        }

        private void Receive(TestPeer peer)
        {
            var until = _chance.Of<ulong>(0, 1, _world.Now.Monotonic + (ulong)_chance.Below(500), ulong.MaxValue);
            long? urgent = _chance.OneIn(4) ? _chance.Below(5) - 2 : null;
            var atMost = (uint)_chance.Of(0, 0, 1, 2);
            var receiver = _world.Receive(peer, _chance.Of(24, 200, 2000), until, atMost, urgent);
            Account();
            Assert.Equal(Errno.OK, receiver.Outcome.Result);
            if (receiver.Waits)
            {
                Assert.True(until > _world.Now.Monotonic);
                _waiting.Add(receiver.Request, (receiver, urgent, until));
                return;
            }

            Assert.InRange(receiver.Outcome.Reception.Messages, 0, atMost == 0 ? int.MaxValue : (int)atMost);
            if (receiver.Outcome.Reception.Messages == 0) Assert.DoesNotContain(_queues[peer], message => IsWanted(message.Priority, urgent));
            Take(receiver, urgent, receiver.Outcome.Reception);
        }

        /// <summary>Calls that have ended since the last time.</summary>
        private void Account()
        {
            for (; _seen < _world.Effects.Completions.Count; _seen++)
            {
                var completion = _world.Effects.Completions[_seen];
                Assert.True(_waiting.Remove(completion.Request, out var waiting), $"{completion.Request} did not wait");
                var isAlive = waiting.Receiver.Peer.Connection.Alive;
                Assert.Equal(isAlive ? completion.Restart ? Errno.EINTR : Errno.OK : Errno.ECONNRESET, completion.Result);
                Take(waiting.Receiver, waiting.Urgent, completion.Reception);
            }
        }

        private void Take(Receiver receiver, long? urgent, Reception reception)
        {
            foreach (var cookie in receiver.Take(reception))
            {
                Pop(receiver.Peer, cookie, urgent);
                _effects.Add(string.Create(CultureInfo.InvariantCulture, $"{receiver.Request} received {cookie}"));
            }
        }

        private void Pop(TestPeer peer, ulong cookie, long? urgent)
        {
            var queue = _queues[peer];
            var next = urgent == null ? queue[0] : queue.Where(message => message.Priority <= urgent).MinBy(message => message.Priority);
            Assert.Equal(next.Cookie, cookie);
            queue.Remove(next);
        }
    }
}
