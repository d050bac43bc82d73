namespace Kdbus.Conformance.Worlds;

public partial interface IProcess
{
    /// <summary>memfd_create(2) of a file that can be sealed, with this content, and these seals upon it.</summary>
    int SealedFile(ReadOnlySpan<byte> content, int seals = Seals.All);

    /// <summary>fcntl(2).</summary>
    int FileControl(int descriptor, int command, int argument = 0);

    /// <summary>fstat(2).</summary>
    int StatDescriptor(int descriptor, out FileStatus status);

    /// <summary>lseek(2) by which the next read(2) begins at an offset.</summary>
    long Seek(int descriptor, long offset);

    /// <summary>pread(2).</summary>
    long ReadAt(int descriptor, Span<byte> data, long offset);

    /// <summary>socket(2), close-on-exec.</summary>
    int Socket(int family, int type);

    /// <summary>socketpair(2) of unix sockets, close-on-exec. Returns 0.</summary>
    int SocketPair(int type, out int first, out int second);

    /// <summary>
    /// recvmsg(2) that does not wait, of one message with descriptors, which get close-on-exec. Returns the bytes of the message; where the
    /// process can have no more descriptors there are fewer than were sent.
    /// </summary>
    int ReceiveDescriptors(int socket, Span<byte> data, out int[] descriptors);

    /// <summary>The numbers of its open files from 3 on, in order.</summary>
    IReadOnlyList<int> OpenDescriptors();

    /// <summary>setrlimit(2) of RLIMIT_NOFILE: new descriptors have numbers below this one.</summary>
    int LimitDescriptors(int limit);
}
