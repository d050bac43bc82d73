namespace Kdbus.Linux;

/// <summary>
/// Unix sockets as a way for descriptors: each message is one byte with one descriptor attached (SCM_RIGHTS, unix(7)). A received
/// descriptor is a new one, owned by the receiver.
/// </summary>
public static unsafe class DescriptorSocket
{
    private const int SocketLevel = 1; // SOL_SOCKET
    private const int Rights = 1; // SCM_RIGHTS
    private const int ReceiveCloseOnExec = 0x40000000; // MSG_CMSG_CLOEXEC
    private const int NoSignal = 0x4000; // MSG_NOSIGNAL
    private const int ControlTruncated = 0x8; // MSG_CTRUNC

    /// <summary>A connected pair of stream sockets: 0 and two descriptors the caller owns, or -errno.</summary>
    public static int CreatePair(out int first, out int second)
    {
        int* fds = stackalloc int[2] { -1, -1 };
        int result = Libc.Result(Libc.Socketpair(1 /* AF_UNIX */, 1 /* SOCK_STREAM */ | OpenFlags.CloseOnExec, 0, fds));
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

    private static MessageHeader OneByte(IoVec* piece, DescriptorControl* control)
        => new() { Iov = piece, IovCount = 1, Control = control, ControlLength = (nuint)sizeof(DescriptorControl) };
}
