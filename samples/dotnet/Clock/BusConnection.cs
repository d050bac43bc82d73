using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;
using Kdbus.Linux;

namespace Samples.Clock;

/// <summary>
/// A connection to a bus: an open endpoint, the id the bus gave it, and the mapped pool into which the bus writes what this connection receives. Methods return 0 or
/// -errno, as the kernel does. A message stays valid until <see cref="Free"/>.
/// </summary>
internal sealed unsafe class BusConnection : IDisposable
{
    private const uint PoolSize = 1 << 20;
    private const ulong PlainText = Constants.PayloadDBus + 1;

    private readonly int _fd;
    private readonly byte* _pool;

    private BusConnection(int fd, ulong id, byte* pool)
    {
        _fd = fd;
        _pool = pool;
        Id = id;
    }

    /// <summary>Unique in the domain and never used again.</summary>
    public ulong Id { get; }

    /// <summary>Opens the endpoint, says HELLO and maps the pool.</summary>
    public static int Open(string endpoint, string description, out BusConnection? connection)
    {
        connection = null;

        // Read-only: only then can nobody, not even we ourselves, change what the bus wrote into the pool.
        int fd = FileDescriptor.Open(endpoint, OpenFlags.ReadOnly);
        if (fd < 0) return fd;

        Span<byte> command = stackalloc byte[sizeof(KdbusCmdHello) + 128];
        var items = new ItemWriter(command[sizeof(KdbusCmdHello)..]);
        items.WriteString(ItemType.ConnDescription, Encoding.ASCII.GetBytes(description));
        ref var hello = ref MemoryMarshal.AsRef<KdbusCmdHello>(command);
        hello = new KdbusCmdHello
        {
            Size = (ulong)(sizeof(KdbusCmdHello) + items.Length),
            Flags = (ulong)HelloFlags.AcceptFd,
            AttachFlagsSend = (ulong)AttachFlags.Any,
            PoolSize = PoolSize,
        };
        int result = FileDescriptor.Ioctl(fd, (uint)Command.Hello, ref hello);
        nint pool = result < 0 ? result : MemFd.Map(fd, PoolSize, writable: false);
        if (pool < 0 && pool > -4096)
        {
            _ = FileDescriptor.Close(fd);
            return (int)pool;
        }

        // HELLO told the bloom parameters of the bus there. We neither send nor receive signals.
        connection = new BusConnection(fd, hello.Id, (byte*)pool);
        return connection.FreeOffset(hello.Offset);
    }

    public void Dispose()
    {
        _ = MemFd.Unmap((nint)_pool, PoolSize);
        _ = FileDescriptor.Close(_fd);
    }

    /// <summary>Answers the request with this cookie.</summary>
    public int Reply(ulong to, ulong cookie, string text) =>
        Send(SendFlags.None, new KdbusMsg { DstId = to, CookieReply = cookie }, text, out _);

    /// <summary>Sends a request. Its answer, or the news that there will be none, arrives like any other message.</summary>
    public int Request(ulong to, ulong cookie, string text, TimeSpan timeout) =>
        Send(SendFlags.None, RequestHeader(to, cookie, timeout), text, out _);

    /// <summary>Sends a request and waits for the answer in the same system call. Does not touch the queue.</summary>
    public int Call(ulong to, ulong cookie, string text, TimeSpan timeout, out Message answer)
    {
        int result = Send(SendFlags.SyncReply, RequestHeader(to, cookie, timeout), text, out var reply);
        answer = result < 0 ? default : new Message(_pool, reply.Offset);
        return result;
    }

    /// <summary>Waits for the next message and takes it; -ETIMEDOUT if nothing came. A negative time waits for ever.</summary>
    public int Receive(int timeoutMilliseconds, out Message message)
    {
        message = default;
        while (true)
        {
            var receive = new KdbusCmdRecv { Size = (ulong)sizeof(KdbusCmdRecv) };
            int result = FileDescriptor.Ioctl(_fd, (uint)Command.Recv, ref receive);
            if (result == 0) message = new Message(_pool, receive.Msg.Offset);
            if (result != -SystemError.EAGAIN) return result;

            result = FileDescriptor.Poll([new PollEntry(_fd, PollEvents.In)], timeoutMilliseconds);
            if (result < 0 && result != -SystemError.EINTR) return result;
            if (result == 0) return -SystemError.ETIMEDOUT;
        }
    }

    /// <summary>Gives the room of a message back to the pool.</summary>
    public int Free(in Message message) => FreeOffset(message.Offset);

    /// <summary>The lowest id on the bus that is not this connection's own; -ENOENT if there is nobody else.</summary>
    public int FindOther(out ulong id)
    {
        id = 0;
        var list = new KdbusCmdList { Size = (ulong)sizeof(KdbusCmdList), Flags = (ulong)ListFlags.Unique };
        int result = FileDescriptor.Ioctl(_fd, (uint)Command.List, ref list);
        if (result < 0) return result;

        for (ulong record = 0; record < list.ListSize;)
        {
            ref readonly var info = ref Unsafe.AsRef<KdbusInfo>(_pool + list.Offset + record);
            if (info.Id != Id && (id == 0 || info.Id < id)) id = info.Id;
            record += Item.Align8(info.Size);
        }

        result = FreeOffset(list.Offset);
        return result < 0 ? result : id == 0 ? -SystemError.ENOENT : 0;
    }

    private static KdbusMsg RequestHeader(ulong to, ulong cookie, TimeSpan timeout) => new()
    {
        Flags = (ulong)MessageFlags.ExpectReply,
        DstId = to,
        Cookie = cookie,
        TimeoutNs = (ulong)(Kdbus.Linux.Clock.MonotonicNanoseconds + (timeout.Ticks * 100)),
    };

    // A message with one item: the text, which stays where it is. The bus copies it from here straight into the receiver's pool.
    private int Send(SendFlags flags, KdbusMsg header, string text, out KdbusMsgInfo reply)
    {
        byte[] payload = Encoding.UTF8.GetBytes(text);
        Span<byte> message = stackalloc byte[128];
        fixed (byte* address = payload, start = message)
        {
            var items = new ItemWriter(message[sizeof(KdbusMsg)..]);
            items.Write(ItemType.PayloadVec, new KdbusVec { Size = (ulong)payload.Length, Address = (ulong)address });
            header.Size = (ulong)(sizeof(KdbusMsg) + items.Length);
            header.PayloadType = PlainText;
            MemoryMarshal.Write(message, in header);

            var send = new KdbusCmdSend { Size = (ulong)sizeof(KdbusCmdSend), Flags = (ulong)flags, MsgAddress = (ulong)start };
            int result = FileDescriptor.Ioctl(_fd, (uint)Command.Send, ref send);
            reply = send.Reply;
            return result;
        }
    }

    private int FreeOffset(ulong offset)
    {
        var free = new KdbusCmdFree { Size = (ulong)sizeof(KdbusCmdFree), Offset = offset };
        return FileDescriptor.Ioctl(_fd, (uint)Command.Free, ref free);
    }
}
