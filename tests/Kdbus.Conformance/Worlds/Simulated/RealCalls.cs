using System.Runtime.InteropServices;
using Kdbus.Linux;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>System calls on real files that nobody but a test makes. They return a value of zero or more, or a negative errno.</summary>
internal static unsafe partial class RealCalls
{
    private const int CloseOnExec = 0x80000; // SOCK_CLOEXEC
    private const int DoNotWait = 0x40; // MSG_DONTWAIT
    private const int ReceiveCloseOnExec = 0x40000000; // MSG_CMSG_CLOEXEC
    private const int HeaderSize = 16; // struct cmsghdr
    private const int MostDescriptors = 253;

    public static int FileControl(int fd, int command, int argument) => Result(Fcntl(fd, command, argument));

    public static long Seek(int fd, long offset) => Result(Lseek(fd, (nint)offset, 0));

    public static int Socket(int family, int type) => Result(SocketCall(family, type | CloseOnExec, 0));

    public static int SocketPair(int type, out int first, out int second)
    {
        int* fds = stackalloc int[2] { -1, -1 };
        int result = Result(SocketPairCall(Sockets.Unix, type | CloseOnExec, 0, fds));
        (first, second) = (fds[0], fds[1]);
        return result;
    }

    /// <summary>Does not wait. The descriptors belong to the caller.</summary>
    public static int ReceiveDescriptors(int socket, Span<byte> data, out int[] descriptors)
    {
        byte[] control = new byte[HeaderSize + MostDescriptors * sizeof(int) + 4];
        fixed (byte* bytes = data)
        fixed (byte* attached = control)
        {
            IoVec piece = new(bytes, (nuint)data.Length);
            MessageHeader message = new() { Pieces = &piece, PieceCount = 1, Control = attached, ControlLength = (nuint)control.Length };
            int result = (int)Result(Recvmsg(socket, &message, DoNotWait | ReceiveCloseOnExec));
            int length = result < 0 || message.ControlLength < HeaderSize ? 0 : (int)MemoryMarshal.Read<nuint>(control) - HeaderSize;
            descriptors = MemoryMarshal.Cast<byte, int>(control.AsSpan(HeaderSize, length)).ToArray();
            return result;
        }
    }

    private static int Result(int value) => value < 0 ? -Marshal.GetLastPInvokeError() : value;

    private static long Result(nint value) => value < 0 ? -Marshal.GetLastPInvokeError() : value;

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Fcntl(int fd, int command, int argument);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial nint Lseek(int fd, nint offset, int whence);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int SocketCall(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static partial int SocketPairCall(int family, int type, int protocol, int* fds);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint Recvmsg(int fd, MessageHeader* message, int flags);

    /// <summary><c>struct msghdr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVec* Pieces;
        public nuint PieceCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }
}
