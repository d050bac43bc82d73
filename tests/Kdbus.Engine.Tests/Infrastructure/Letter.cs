using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>A message with descriptors: its items in the order in which they are added, and what is found behind them.</summary>
internal sealed class Letter
{
    private readonly List<byte[]> _items = [];
    private readonly List<SentFile> _files = [];
    private readonly List<byte> _payload = [];
    private int _lastNumber = 2;

    public SentFile[] Files => [.. _files];

    /// <summary>A pidfd of its sender, or 0.</summary>
    public ulong Pidfd { get; init; }

    /// <summary>Receivers are told of a pidfd, even if there is none.</summary>
    public bool TellsPidfd { get; init; }

    /// <summary>The sender, who waits for the answer, has said where descriptors can be sent to him.</summary>
    public bool TakesDescriptors { get; init; }

    public PayloadPlace Place { get; init; }

    public Letter Vec(ReadOnlySpan<byte> payload)
    {
        _payload.AddRange(payload);
        return Item(Frame.Item(ItemType.PayloadVec, new KdbusVec { Size = (ulong)payload.Length, Address = 0x1000 }));
    }

    /// <summary>As many zero bytes.</summary>
    public Letter Zeroes(ulong size) => Item(Frame.Item(ItemType.PayloadVec, new KdbusVec { Size = size }));

    public Letter Memfd(in SentFile file, ulong start = 0, ulong size = 10)
    {
        _files.Add(file);
        return Item(Frame.Item(ItemType.PayloadMemfd, new KdbusMemfd { Start = start, Size = size, Fd = ++_lastNumber }));
    }

    public Letter Fds(params ReadOnlySpan<SentFile> files)
    {
        _files.AddRange(files);
        var numbers = new byte[files.Length * sizeof(int)];
        for (var i = 0; i < files.Length; i++) BitConverter.TryWriteBytes(numbers.AsSpan(i * sizeof(int)), ++_lastNumber);
        return Item(Frame.Item(ItemType.Fds, numbers));
    }

    public Letter Item(byte[] item)
    {
        _items.Add(item);
        return this;
    }

    public Sending Send(TestPeer from, ulong destination, ulong cookie = 1) => Send(from, new KdbusMsg { DstId = destination, Cookie = cookie });

    /// <summary>As the answer to a request.</summary>
    public Sending Answer(TestPeer from, ulong destination, ulong request) =>
        Send(from, new KdbusMsg { DstId = destination, CookieReply = request, Cookie = request + 1_000_000 });

    public Sending Broadcast(TestPeer from)
    {
        Item(Frame.Item(ItemType.BloomFilter, new byte[8 + 64]));
        return Send(from, new KdbusMsg { DstId = Constants.DstIdBroadcast, Flags = (ulong)MessageFlags.Signal });
    }

    public Sending Send(TestPeer from, KdbusMsg message, SendFlags flags = 0)
    {
        message.PayloadType = Constants.PayloadDBus;
        var frame = Frame.Of(new KdbusCmdSend { MsgAddress = 0x10_0000, Flags = (ulong)flags });
        return from.Send(frame, Frame.Of(message, [.. _items]), _payload.ToArray(), Place, this);
    }
}
