using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Words;

/// <summary>An EXCHANGE being put together, right or wrong. Unless told otherwise it has room for a page.</summary>
public sealed class Exchange(Peer peer)
{
    /// <summary>Bytes of the struct.</summary>
    public const int Header = 80;

    /// <summary>The most room there can be.</summary>
    public const int MaxRoom = 16376;

    /// <summary>A wait without end.</summary>
    public const long Forever = -1;

    private readonly WireStruct _items = new();
    private readonly List<byte> _messages = [];
    private KdbusCmdExchange _head = new()
    {
        ReturnFlags = ulong.MaxValue, DroppedMsgs = ulong.MaxValue, Sent = uint.MaxValue, Received = uint.MaxValue, Error = uint.MaxValue,
    };
    private int _room = 4096;
    private ulong? _claimed;
    private ulong? _claimedMessages;

    /// <summary>Adds flags.</summary>
    public Exchange Flags(ExchangeFlags flags)
    {
        _head.Flags |= (ulong)flags;
        return this;
    }

    /// <summary>Only asks which flags and items are known.</summary>
    public Exchange Asks()
    {
        _head.Flags |= Constants.FlagNegotiate;
        return this;
    }

    /// <summary>Receives what is there, or waits until a time for something.</summary>
    public Exchange Receives(long until = 0)
    {
        _head.WaitNs = (ulong)until;
        return Flags(ExchangeFlags.Recv);
    }

    /// <summary>Receives only what is urgent enough, the most urgent first.</summary>
    public Exchange Urgent(long priority)
    {
        _head.Priority = priority;
        return Flags(ExchangeFlags.UsePriority);
    }

    /// <summary>Receives no more than so many.</summary>
    public Exchange AtMost(uint messages)
    {
        _head.MaxMsgs = messages;
        return this;
    }

    /// <summary>Waits for the reply to the one message.</summary>
    public Exchange Calls() => Flags(ExchangeFlags.SyncReply);

    /// <summary>Gives slices back.</summary>
    public Exchange Frees(params ReadOnlySpan<ulong> offsets) => Item(ItemType.Free, MemoryMarshal.AsBytes(offsets));

    /// <summary>Appends an item of the command's own.</summary>
    public Exchange Item(ItemType type, ReadOnlySpan<byte> payload)
    {
        _items.Item(type, payload);
        return this;
    }

    /// <summary>Appends an item of the command's own whose payload is a number.</summary>
    public Exchange Item(ItemType type, int number) => Item(type, BitConverter.GetBytes(number));

    /// <summary>Sends a message behind those before.</summary>
    public Exchange Sends(Action<OutgoingMessage> build)
    {
        OutgoingMessage message = new(peer.Process.Scratch);
        build(message);
        return Appends(message.ToArray());
    }

    /// <summary>Sends a message with this payload, which it carries.</summary>
    public Exchange Sends(Peer to, ulong cookie, ReadOnlySpan<byte> payload)
    {
        byte[] copy = payload.ToArray();
        return Sends(m => m.To(to.Id).Cookie(cookie).Inline(copy));
    }

    /// <summary>Appends bytes where messages stand, and what is lacking to a multiple of 8.</summary>
    public Exchange Appends(ReadOnlySpan<byte> bytes)
    {
        _messages.AddRange(bytes);
        while (_messages.Count % 8 != 0)
            _messages.Add(0);
        return this;
    }

    /// <summary>Does not give back, nor send the first messages: another command has done that.</summary>
    public Exchange GoesOnAfter(uint sent)
    {
        _head.Progress = sent + 1UL;
        return this;
    }

    /// <summary>Has this much room.</summary>
    public Exchange Room(int bytes)
    {
        _room = bytes;
        return this;
    }

    /// <summary>Says this size, whatever it is.</summary>
    public Exchange Claim(ulong size)
    {
        _claimed = size;
        return this;
    }

    /// <summary>Says that its messages have this size, whatever they have.</summary>
    public Exchange ClaimMessages(ulong size)
    {
        _claimedMessages = size;
        return this;
    }

    /// <summary>The number of the command.</summary>
    public uint Number => (uint)Command.Exchange | ((uint)_room << 16);

    /// <summary>Gives the command.</summary>
    public Exchanged Run()
    {
        byte[] input = ToArray();
        ulong address = peer.Process.Scratch.Place(input);
        Errno result = peer.Handle.Run(Number, address);
        return Exchanged.At(peer, result, address, _room);
    }

    /// <summary>Gives it and must succeed, with all messages sent.</summary>
    public Exchanged Succeeds()
    {
        Exchanged done = Run();
        Assert.Equal((Errno.OK, Errno.OK), (done.Result, done.Error));
        return done;
    }

    /// <summary>Gives it in a thread of its own.</summary>
    public ExchangeCall Start()
    {
        ulong address = peer.Process.Scratch.Place(ToArray());
        return new ExchangeCall(peer, address, Number, _room, peer.Process.IoctlInThread(peer.Handle.Descriptor, Number, address));
    }

    private byte[] ToArray()
    {
        KdbusCmdExchange head = _head;
        byte[] items = _items.Length == 0 ? [] : _items.Bytes();
        head.Size = _claimed ?? (ulong)(Header + items.Length);
        head.MsgsSize = _claimedMessages ?? (ulong)_messages.Count;
        byte[] bytes = [.. MemoryMarshal.AsBytes(new ReadOnlySpan<KdbusCmdExchange>(in head)), .. items, .. _messages];
        int length = bytes.Length;
        Array.Resize(ref bytes, Math.Max(_room, length));
        bytes.AsSpan(length).Fill(0xa5);
        return bytes;
    }
}

/// <summary>An EXCHANGE under way.</summary>
public sealed class ExchangeCall(Peer peer, ulong address, uint number, int room, Pending pending)
{
    /// <summary>The id of the thread that waits.</summary>
    public int Thread => pending.Thread;

    /// <summary>The system call.</summary>
    public Pending Pending => pending;

    /// <summary>Does it go on waiting for this long?</summary>
    public bool StaysBlocked(int milliseconds = 50) => pending.StaysBlocked(milliseconds);

    /// <summary>Waits for its end, of which its process knows nothing any more.</summary>
    public void Ends() => pending.Result();

    /// <summary>Waits for its end.</summary>
    public Exchanged Result() => Exchanged.At(peer, Handle.Outcome(pending.Result()), address, room);

    /// <summary>Waits for its end, which must be a success.</summary>
    public Exchanged Succeeds()
    {
        Exchanged done = Result();
        Assert.Equal((Errno.OK, Errno.OK), (done.Result, done.Error));
        return done;
    }

    /// <summary>Gives the command once more, as it then stands, when it has come back.</summary>
    public ExchangeCall Again() => new(peer, address, number, room, peer.Process.IoctlInThread(peer.Handle.Descriptor, number, address));
}

/// <summary>What an EXCHANGE returned.</summary>
public sealed record Exchanged(Errno Result, KdbusCmdExchange Command, IReadOnlyList<Arrival> Arrivals)
{
    /// <summary>Why a message was not sent.</summary>
    public Errno Error => (Errno)Command.Error;

    /// <summary>Messages sent.</summary>
    public uint Sent => Command.Sent;

    /// <summary>The messages received.</summary>
    public IReadOnlyList<ReceivedMessage> Messages => [.. Arrivals.Select(static a => a.Message)];

    /// <summary>The cookies of those.</summary>
    public IReadOnlyList<ulong> Cookies => [.. Messages.Select(static m => m.Header.Cookie)];

    /// <summary>The one arrival there must be.</summary>
    public Arrival Arrival => Assert.Single(Arrivals);

    /// <summary>The one message there must be.</summary>
    public ReceivedMessage Message => Arrival.Message;

    internal static Exchanged At(Peer peer, Errno result, ulong address, int room)
    {
        byte[] memory = peer.Process.Scratch.Read(address, Math.Max(room, Exchange.Header));
        KdbusCmdExchange command = MemoryMarshal.Read<KdbusCmdExchange>(memory);
        if (result != Errno.OK || (command.Flags & Constants.FlagNegotiate) != 0 || command.ReturnFlags == ulong.MaxValue)
            return new Exchanged(result, command, []);

        List<Arrival> arrivals = [];
        int at = Exchange.Header;
        for (uint i = 0; i < command.Received; i++)
        {
            KdbusMsgInfo info = MemoryMarshal.Read<KdbusMsgInfo>(memory.AsSpan(at));
            at += Marshal.SizeOf<KdbusMsgInfo>();
            bool isInline = info.Offset == Constants.OffsetInline;
            byte[] bytes = isInline ? memory[at..(at + (int)info.MsgSize)] : peer.Pool(info.Offset, info.MsgSize);
            if (isInline)
                at += bytes.Length;
            arrivals.Add(new Arrival(info, address + (ulong)(at - bytes.Length), bytes, new ReceivedMessage(info.Offset, bytes)));
        }
        Assert.Equal((ulong)(at - Exchange.Header), command.MsgsSize);
        Assert.Equal(0UL, command.Progress);
        return new Exchanged(result, command, arrivals);
    }
}

/// <summary>A message that an EXCHANGE received: what its record says, where it lies if it is inline, all its bytes, and what they mean.</summary>
public sealed record Arrival(KdbusMsgInfo Info, ulong Address, byte[] Bytes, ReceivedMessage Message)
{
    /// <summary>It stands in the answer and not in the pool.</summary>
    public bool IsInline => Info.Offset == Constants.OffsetInline;
}
