using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// Unix sockets as a way for descriptors: messages with descriptors attached (SCM_RIGHTS, unix(7)), often one byte with one descriptor. A
/// received descriptor is a new one, owned by the receiver.
/// </summary>
public static unsafe class DescriptorSocket
{
    private const int SocketLevel = 1; // SOL_SOCKET
    private const int Rights = 1; // SCM_RIGHTS
    private const int ReceiveCloseOnExec = 0x40000000; // MSG_CMSG_CLOEXEC
    private const int NoSignal = 0x4000; // MSG_NOSIGNAL
    private const int DoNotWait = 0x40; // MSG_DONTWAIT
    private const int ControlTruncated = 0x8; // MSG_CTRUNC
    private const int ControlHeader = 16; // sizeof(struct cmsghdr)

    /// <summary>The most descriptors that one message can carry.</summary>
    public const int MostDescriptors = 253; // SCM_MAX_FD

    /// <summary>A connected pair of stream sockets: 0 and two descriptors the caller owns, or -errno.</summary>
    public static int CreatePair(out int first, out int second) => CreatePair(1 /* SOCK_STREAM */, out first, out second);

    /// <summary>A connected pair of sockets that keep messages apart: 0 and two descriptors the caller owns, or -errno.</summary>
    public static int CreateMessagePair(out int first, out int second) => CreatePair(5 /* SOCK_SEQPACKET */, out first, out second);

    private static int CreatePair(int type, out int first, out int second)
    {
        int* fds = stackalloc int[2] { -1, -1 };
        int result = Libc.Result(Libc.Socketpair(1 /* AF_UNIX */, type | OpenFlags.CloseOnExec, 0, fds));
        first = fds[0];
        second = fds[1];
        return result;
    }

    /// <summary>Sends a copy of a descriptor: 0 or -errno.</summary>
    public static int Send(int socket, int fd)
    {
        byte data = 0;
        var piece = new IoVec(&data, 1);
        var control = new DescriptorControl { Length = 20, Level = SocketLevel, Type = Rights, Descriptor = fd };
        MessageHeader message = OneByte(&piece, &control);
        return (int)Math.Min(Libc.Result(Libc.Sendmsg(socket, &message, NoSignal)), 0);
    }

    /// <summary>
    /// Sends bytes with copies of descriptors, if that can be done without waiting: 0, or -errno (-EAGAIN: there is no room now,
    /// -ETOOMANYREFS: too many descriptors are under way).
    /// </summary>
    /// <param name="socket">A unix socket.</param>
    /// <param name="data">At least one byte.</param>
    /// <param name="fds">At least one descriptor, at most 253.</param>
    public static int TrySend(int socket, ReadOnlySpan<byte> data, ReadOnlySpan<int> fds)
    {
        int length = ControlHeader + fds.Length * sizeof(int);
        Span<byte> control = stackalloc byte[(length + 7) & ~7];
        control.Clear();
        MemoryMarshal.Write(control, (nuint)length);
        MemoryMarshal.Write(control[8..], SocketLevel);
        MemoryMarshal.Write(control[12..], Rights);
        MemoryMarshal.AsBytes(fds).CopyTo(control[ControlHeader..]);
        fixed (byte* bytes = data)
        fixed (byte* attached = control)
        {
            var piece = new IoVec(bytes, (nuint)data.Length);
            var message = new MessageHeader { Iov = &piece, IovCount = 1, Control = attached, ControlLength = (nuint)control.Length };
            return (int)Math.Min(Libc.Result(Libc.Sendmsg(socket, &message, NoSignal | DoNotWait)), 0);
        }
    }

    /// <summary>Whether a descriptor is a unix socket; one opened with O_PATH is not.</summary>
    public static bool IsUnix(int fd)
    {
        const int Domain = 39; // SO_DOMAIN
        return TryGetOption(fd, Domain, out int domain) && domain == 1 /* AF_UNIX */;
    }

    /// <summary>Whether closing a socket may wait until its peer has taken what was sent (SO_LINGER, socket(7)).</summary>
    public static bool Lingers(int fd)
    {
        const int Linger = 13; // SO_LINGER
        Span<int> linger = stackalloc int[2];
        int length = 2 * sizeof(int);
        fixed (int* p = linger)
            return Libc.Getsockopt(fd, SocketLevel, Linger, p, &length) == 0 && linger[0] != 0;
    }

    /// <summary>
    /// Receives a descriptor (close-on-exec, owned by the caller), or -errno: -ENOTCONN when the other side closed without sending one,
    /// -EPROTO when the message carried none, -EMFILE when this process has no room for it.
    /// </summary>
    public static int Receive(int socket)
    {
        byte data;
        var piece = new IoVec(&data, 1);
        DescriptorControl control = default;
        nint result;
        MessageHeader message;
        do
        {
            message = OneByte(&piece, &control);
            result = Libc.Result(Libc.Recvmsg(socket, &message, ReceiveCloseOnExec));
        }
        while (result == -SystemError.EINTR);
        if (result < 0)
            return (int)result;
        if (result == 0)
            return -SystemError.ENOTCONN;
        if (message.ControlLength >= 20 && control.Level == SocketLevel && control.Type == Rights)
            return control.Descriptor;
        return (message.Flags & ControlTruncated) != 0 ? -SystemError.EMFILE : -SystemError.EPROTO;
    }

    /// <summary>
    /// Receives a message with all descriptors that come with it, without waiting: bytes received, 0 when the other side has closed, or
    /// -errno (-EAGAIN: there is none).
    /// </summary>
    /// <param name="socket">One of a pair for messages.</param>
    /// <param name="data">Room for the message's bytes; what does not fit is lost.</param>
    /// <param name="descriptors">Room for <see cref="MostDescriptors"/>.</param>
    /// <param name="count">How many came (close-on-exec, owned by the caller). Those for which this process had no room are lost.</param>
    public static int ReceiveMessage(int socket, Span<byte> data, Span<int> descriptors, out int count)
    {
        byte* control = stackalloc byte[ControlHeader + (MostDescriptors * sizeof(int)) + 4];
        count = 0;
        nint result;
        MessageHeader message;
        fixed (byte* p = data)
        {
            var piece = new IoVec(p, (nuint)data.Length);
            do
            {
                message = new()
                {
                    Iov = &piece,
                    IovCount = 1,
                    Control = control,
                    ControlLength = ControlHeader + (MostDescriptors * sizeof(int)) + 4,
                };
                result = Libc.Result(Libc.Recvmsg(socket, &message, ReceiveCloseOnExec | DoNotWait));
            }
            while (result == -SystemError.EINTR);
        }
        if (result < 0 || message.ControlLength < ControlHeader)
            return (int)result;
        var head = (DescriptorControl*)control;
        if (head->Level != SocketLevel || head->Type != Rights)
            return (int)result;
        count = (int)(head->Length - ControlHeader) / sizeof(int);
        new ReadOnlySpan<int>(control + ControlHeader, count).CopyTo(descriptors);
        return (int)result;
    }

    private static bool TryGetOption(int fd, int option, out int value)
    {
        int result = 0;
        int length = sizeof(int);
        bool isKnown = Libc.Getsockopt(fd, SocketLevel, option, &result, &length) == 0;
        value = result;
        return isKnown;
    }

    private static MessageHeader OneByte(IoVec* piece, DescriptorControl* control)
        => new() { Iov = piece, IovCount = 1, Control = control, ControlLength = (nuint)sizeof(DescriptorControl) };
}
