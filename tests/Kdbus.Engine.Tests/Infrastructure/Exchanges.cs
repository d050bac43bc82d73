using System.Runtime.InteropServices;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>An EXCHANGE that receives, or waits for something.</summary>
internal sealed record Receiver(TestPeer Peer, ulong Request, Outcome Outcome, byte[] Answer)
{
    public bool Waits => Outcome.Kind == OutcomeKind.Pending;

    /// <summary>The cookies of what has come into the answer; what stayed in the pool is read there and given back.</summary>
    public List<ulong> Take(Reception reception)
    {
        var cookies = new List<ulong>();
        var at = 0;
        for (var i = 0; i < reception.Messages; i++)
        {
            var info = MemoryMarshal.Read<KdbusMsgInfo>(Answer.AsSpan(at));
            at += Marshal.SizeOf<KdbusMsgInfo>();
            if (info.Offset == Constants.OffsetInline)
            {
                cookies.Add(MemoryMarshal.Read<KdbusMsg>(Answer.AsSpan(at, (int)info.MsgSize)).Cookie);
                at += (int)info.MsgSize;
            }
            else
            {
                Assert.Equal(1, reception.Messages);
                cookies.Add(Peer.Read(info).Cookie);
                Assert.Equal(Errno.OK, Peer.Free(info.Offset));
            }
        }

        Assert.Equal(at, reception.Bytes);
        return cookies;
    }
}

internal static class Exchanges
{
    /// <summary>Receives, with this much room for records, until a time at most so many messages.</summary>
    public static Receiver Receive(this TestDomain world, TestPeer peer, int room = 2000, ulong until = 0, uint atMost = 0, long? urgent = null)
    {
        var answer = new byte[room];
        var call = new Invocation
        {
            Handle = peer.Handle,
            Request = world.NextRequest(),
            Ioctl = (uint)Command.Exchange,
            Caller = TestDomain.CallerOf(peer.Uid),
            Now = world.Now,
            Frame = Frame.Of(new KdbusCmdExchange
            {
                Flags = (ulong)(ExchangeFlags.Recv | (urgent == null ? 0 : ExchangeFlags.UsePriority)), WaitNs = until, MaxMsgs = atMost, Priority = urgent ?? 0,
            }),
            Answer = answer,
        };
        world.Effects.Answers[call.Request] = answer;
        var outcome = world.Domain.Execute(ref call);
        if (outcome.Result == Errno.OK) outcome = world.Domain.Receive(ref call);
        return new Receiver(peer, call.Request, outcome, answer);
    }
}
