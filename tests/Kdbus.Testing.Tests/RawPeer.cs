using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Client.Internal;

namespace Kdbus.Testing.Tests;

/// <summary>A connection by bare ioctls on an endpoint. Results are 0 or more, or -errno.</summary>
internal sealed unsafe class RawPeer : IDisposable
{
    private const ulong PoolSize = 1 << 20;
    private const int RoomSize = 1024;

    private readonly byte* _pool;
    private ulong _lastCookie;

    public RawPeer(IEndpointFile file)
    {
        File = file;
        var hello = new KdbusCmdHello { Size = (ulong)sizeof(KdbusCmdHello), PoolSize = PoolSize, Flags = (ulong)HelloFlags.AcceptFd };
        Assert.Equal(0, file.Ioctl((uint)Command.Hello, &hello));
        Id = hello.Id;
        nint pool = file.MapPool(PoolSize);
        Assert.False(pool is < 0 and > -4096);
        _pool = (byte*)pool;
    }

    public IEndpointFile File { get; }

    public ulong Id { get; }

    /// <summary>An item of payload that stands in the sender's memory.</summary>
    public static void AddVec(ref ItemWriter items, byte* payload, int length) =>
        items.Write(ItemType.PayloadVec, new KdbusVec { Address = (ulong)payload, Size = (ulong)length });

    /// <summary>Sends bytes in this process' memory.</summary>
    public int Send(ulong to, ReadOnlySpan<byte> payload, ulong answers = 0)
    {
        fixed (byte* p = payload)
        {
            Span<byte> room = stackalloc byte[RoomSize];
            var items = new ItemWriter(room[sizeof(KdbusMsg)..]);
            AddVec(ref items, p, payload.Length);
            return Send(room, items.Length, new KdbusMsg { DstId = to, CookieReply = answers }, SendFlags.None, out _);
        }
    }

    /// <summary>Sends a request and waits for the reply: its payload.</summary>
    public int Call(ulong to, ReadOnlySpan<byte> payload, TimeSpan timeout, out byte[] reply)
    {
        reply = [];
        fixed (byte* p = payload)
        {
            Span<byte> room = stackalloc byte[RoomSize];
            var items = new ItemWriter(room[sizeof(KdbusMsg)..]);
            AddVec(ref items, p, payload.Length);
            int result = Send(room, items.Length, Request(to, timeout), SendFlags.SyncReply, out KdbusMsgInfo info);
            if (result == 0)
                reply = Payload((KdbusMsg*)(_pool + info.Offset));
            return result;
        }
    }

    /// <summary>Sends a memfd.</summary>
    public int SendMemfd(ulong to, int memfd, int length)
    {
        Span<byte> room = stackalloc byte[RoomSize];
        var items = new ItemWriter(room[sizeof(KdbusMsg)..]);
        items.Write(ItemType.PayloadMemfd, new KdbusMemfd { Fd = memfd, Size = (ulong)length });
        return Send(room, items.Length, new KdbusMsg { DstId = to }, SendFlags.None, out _);
    }

    /// <summary>Receives a message that is there: who sent it, its number and its payload.</summary>
    public int Receive(out (ulong Sender, ulong Cookie, byte[] Payload) received)
    {
        received = default;
        var command = new KdbusCmdRecv { Size = (ulong)sizeof(KdbusCmdRecv) };
        int result = File.Ioctl((uint)Command.Recv, &command);
        if (result == 0)
        {
            var message = (KdbusMsg*)(_pool + command.Msg.Offset);
            received = (message->SrcId, message->Cookie, Payload(message));
        }
        return result;
    }

    /// <summary>Receives a message, and has its descriptors sent on a socket.</summary>
    public int ReceiveWithSocket(int socket)
    {
        byte* room = stackalloc byte[sizeof(KdbusCmdRecv) + 24];
        var items = new ItemWriter(new Span<byte>(room + sizeof(KdbusCmdRecv), 24));
        items.Write(ItemType.FdSocket, in socket);
        var command = (KdbusCmdRecv*)room;
        *command = new KdbusCmdRecv { Size = (ulong)(sizeof(KdbusCmdRecv) + items.Length) };
        return File.Ioctl((uint)Command.Recv, room);
    }

    /// <summary>Waits for a message, as a program does that knows nothing but poll(2), and receives it.</summary>
    public (ulong Sender, ulong Cookie, byte[] Payload) Await()
    {
        while (true)
        {
            if (Receive(out var received) == 0)
                return received;
            Assert.Equal(1, File.Wait(-1));
        }
    }

    /// <summary>An EXCHANGE: a request whose reply is waited for, if there is one to send, else a receiving that waits.</summary>
    public int Exchange(ulong to, ReadOnlySpan<byte> payload, long until, out (KdbusCmdExchange Command, KdbusMsg Message, byte[] Payload) outcome)
    {
        byte* room = stackalloc byte[RoomSize];
        new Span<byte>(room, RoomSize).Clear();
        var command = (KdbusCmdExchange*)room;
        *command = new KdbusCmdExchange { Size = (ulong)sizeof(KdbusCmdExchange), Flags = (ulong)ExchangeFlags.Recv, WaitNs = (ulong)until };
        if (!payload.IsEmpty)
        {
            var message = (KdbusMsg*)(command + 1);
            var items = new ItemWriter(new Span<byte>(message + 1, 256));
            items.Write(ItemType.PayloadInline, payload);
            *message = Request(to, TimeSpan.FromMinutes(1));
            message->PayloadType = 1;
            message->Size = (ulong)(sizeof(KdbusMsg) + items.Length);
            message->Cookie = ++_lastCookie;
            command->Flags = (ulong)ExchangeFlags.SyncReply;
            command->MsgsSize = message->Size;
        }
        int result = File.Ioctl((uint)Command.Exchange | RoomSize << 16, room);
        outcome = (*command, default, []);
        if (result == 0 && command->Received == 1)
        {
            var info = (KdbusMsgInfo*)(command + 1);
            Assert.Equal(Constants.OffsetInline, info->Offset);
            outcome = (*command, *(KdbusMsg*)(info + 1), Payload((KdbusMsg*)(info + 1)));
        }
        return result;
    }

    public void Dispose()
    {
        File.Dispose();
        File.UnmapPool((nint)_pool, PoolSize);
    }

    private KdbusMsg Request(ulong to, TimeSpan timeout) => new()
    {
        DstId = to,
        Flags = (ulong)MessageFlags.ExpectReply,
        TimeoutNs = (ulong)(File.Now + (long)timeout.TotalNanoseconds),
    };

    private int Send(Span<byte> room, int items, KdbusMsg header, SendFlags flags, out KdbusMsgInfo reply)
    {
        header.Size = (ulong)(sizeof(KdbusMsg) + items);
        header.PayloadType = 1;
        header.Cookie = ++_lastCookie;
        MemoryMarshal.Write(room, in header);
        fixed (byte* message = room)
        {
            var send = new KdbusCmdSend { Size = (ulong)sizeof(KdbusCmdSend), Flags = (ulong)flags, MsgAddress = (ulong)message };
            int result = File.Ioctl((uint)Command.Send, &send);
            reply = send.Reply;
            return result;
        }
    }

    private static byte[] Payload(KdbusMsg* message)
    {
        var items = new ItemReader(new ReadOnlySpan<byte>(message + 1, (int)message->Size - sizeof(KdbusMsg)));
        while (items.TryRead(out Item item))
        {
            if (item.Type == ItemType.PayloadOff)
            {
                KdbusVec vec = item.As<KdbusVec>();
                return new ReadOnlySpan<byte>((byte*)message + vec.Offset, (int)vec.Size).ToArray();
            }
        }
        return [];
    }
}
