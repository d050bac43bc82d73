namespace Kdbus.Conformance.Statements;

/// <summary>A program that sends again and again from the same place in its memory, and what it changes there in between.</summary>
public class RepeatedSendStatements
{
    [Theory, Worlds]
    public void REP_01_each_message_is_the_one_that_stands_there_when_it_is_sent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        ulong first = a.Process.Scratch.Place("first payload"u8);
        ulong second = a.Process.Scratch.Place("second one"u8);
        ulong place = a.Process.Scratch.Allocate(256);

        foreach ((ulong address, int size) in ((ulong, int)[])[(first, 5), (first, 5), (first, 13), (second, 6), (second, 10), (first, 1)])
        {
            ulong payload = address;
            Assert.Equal(Errno.OK, Send(a, place, (payload, size)));
            byte[] expected = new byte[size];
            Assert.Equal(0, a.Process.Peek(payload, expected));
            Assert.Equal(expected, a.Receive().Payload);
        }

        Assert.Equal(0, a.Process.Poke(first, "FIRST"u8));
        Assert.Equal(Errno.OK, Send(a, place, (first, 5)));
        Assert.Equal("FIRST"u8, a.Receive().Payload);
        Assert.Equal(Errno.OK, Send(a, place, (first, 5), (second, 6)));
        Assert.Equal("FIRSTsecond"u8, a.Receive().Payload);
        Assert.Equal(Errno.OK, Send(a, place));
        Assert.Equal(""u8, a.Receive().Payload);
        Assert.Equal(Errno.OK, Send(a, place, (first, 5)));
        Assert.Equal("FIRST"u8, a.Receive().Payload);
    }

    [Theory, Worlds]
    public void REP_02_memory_that_is_gone_is_EFAULT_and_memory_that_is_not_needed_any_more_is_not_missed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        ulong kept = a.Process.Scratch.Place("kept"u8);
        ulong page = (ulong)a.Process.Map(4096, Protection.Read | Protection.Write, MapFlags.Private | MapFlags.Anonymous, -1, 0);
        ulong place = a.Process.Scratch.Allocate(256);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(Errno.OK, Send(a, place, (page, 8)));
            a.Receive();
        }

        Assert.Equal(0, a.Process.Unmap(page, 4096));
        Assert.Equal(Errno.EFAULT, Send(a, place, (page, 8)));
        Assert.Equal(Errno.OK, Send(a, place, (kept, 4)));
        Assert.Equal("kept"u8, a.Receive().Payload);
    }

    /// <summary>Sends a message that is put together at a place, to its sender, with these vectors.</summary>
    private static Errno Send(Peer peer, ulong place, params ReadOnlySpan<(ulong Address, int Size)> vectors)
    {
        WireStruct message = WireStruct.Of(new KdbusMsg { DstId = peer.Id, PayloadType = Constants.PayloadDBus });
        foreach ((ulong address, int size) in vectors)
            message.Item(ItemType.PayloadVec, new KdbusVec { Size = (ulong)size, Address = address });
        Assert.Equal(0, peer.Process.Poke(place, message.ToArray()));
        return peer.Handle.Run(Command.Send, WireStruct.Of(new KdbusCmdSend { MsgAddress = place })).Result;
    }
}
