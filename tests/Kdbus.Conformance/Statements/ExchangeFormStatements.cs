using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Statements;

/// <summary>The form of an EXCHANGE: what is EINVAL before anything is done.</summary>
public class ExchangeFormStatements
{
    [Theory, Worlds]
    public void XCH_80_sizes_that_contradict_each_other_are_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Exchange().Room(79).Run().Result);
        Assert.Equal(Errno.EINVAL, a.Exchange().Room(0).Run().Result);
        foreach (ulong size in (ulong[])[0, 79, 4097, uint.MaxValue, ulong.MaxValue, ulong.MaxValue - 7])
            Assert.Equal(Errno.EINVAL, a.Exchange().Claim(size).Sends(a, 1, "x"u8).Run().Result);
        foreach (ulong size in (ulong[])[4096 - 80 + 1, uint.MaxValue, ulong.MaxValue, 1UL << 63])
            Assert.Equal(Errno.EINVAL, a.Exchange().ClaimMessages(size).Run().Result);
        a.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_80_flags_and_items_that_do_not_belong_together_are_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int cancel = a.Process.EventFd();
        Action<OutgoingMessage> request = m => m.To(a.Id).ExpectReply(7, a.Deadline(1000));
        Exchange[] refused =
        [
            a.Exchange().Calls(),
            a.Exchange().Calls().Sends(request).Sends(request),
            a.Exchange().Calls().Receives().Sends(request),
            a.Exchange().Urgent(0),
            a.Exchange().Calls().Urgent(0).Sends(request),
            a.Exchange().Item(ItemType.CancelFd, cancel),
            a.Exchange().Receives().Item(ItemType.CancelFd, cancel),
            a.Exchange().Flags((ExchangeFlags)8),
            a.Exchange().Flags((ExchangeFlags)(1UL << 62)),
            a.Exchange().Item(ItemType.OnBehalf, 0),
            a.Exchange().Item(ItemType.Name, 0),
            a.Exchange().Frees(1).Frees(2),
            a.Exchange().Item(ItemType.Free, new byte[7]),
            a.Exchange().Item(ItemType.FdSocket, 3).Item(ItemType.FdSocket, 3),
            a.Exchange().Receives().Room(Exchange.Header + 23),
        ];
        Assert.Equal(Enumerable.Repeat(Errno.EINVAL, refused.Length), refused.Select(static x => x.Run().Result));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_81_a_message_that_is_none_is_EINVAL_behind_those_before_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (ulong size in (ulong[])[0, 63, 73, uint.MaxValue, ulong.MaxValue])
        {
            byte[] broken = new byte[72];
            BitConverter.TryWriteBytes(broken, size);
            Exchanged done = a.Exchange().Sends(a, 1, "good"u8).Appends(broken).Run();
            Assert.Equal((Errno.OK, 1U, Errno.EINVAL), (done.Result, done.Sent, done.Error));
            Assert.Equal(1UL, a.ReceiveAndFree().Header.Cookie);
            a.HasNothing();
        }
    }

    [Theory, Worlds]
    public void XCH_82_the_last_message_needs_no_padding_and_items_may_be_unpadded(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        byte[] message = new OutgoingMessage(a.Process.Scratch).To(a.Id).Cookie(3).Inline("12345"u8).ToArray()[..(64 + 16 + 5)];
        BitConverter.TryWriteBytes(message, (ulong)message.Length);
        Assert.Equal(1U, a.Exchange().Appends(message).ClaimMessages((ulong)message.Length).Succeeds().Sent);
        Assert.Equal("12345"u8, a.ReceiveAndFree().Payload);
        a.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_83_any_room_will_do(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (int room in (int[])[Exchange.Header + 80, 200, 1001, 4095, 4096, 4097, 8192, 16000, Exchange.MaxRoom])
            Assert.Equal(1U, a.Exchange().Room(room).Sends(m => m.To(a.Id).Cookie(1)).Succeeds().Sent);
        Assert.Equal(9, a.Exchange().Room(Exchange.MaxRoom).Receives().Succeeds().Messages.Count);
    }

    [Theory, Worlds]
    public void XCH_84_negotiation_tells_flags_and_items_and_does_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        ulong[] asked = [(ulong)ItemType.Free, (ulong)ItemType.Name, (ulong)ItemType.FdSocket, (ulong)ItemType.CancelFd];
        Exchanged done = a.Exchange().Asks().Sends(a, 1, "no"u8).Item(ItemType.Negotiate, MemoryMarshal.AsBytes<ulong>(asked)).Run();
        Assert.Equal((Errno.OK, 7UL), (done.Result, done.Command.Flags));
        a.HasNothing();
        Assert.Equal(Errno.EINVAL, a.Exchange().Asks().Flags((ExchangeFlags)8).Run().Result);
    }
}
