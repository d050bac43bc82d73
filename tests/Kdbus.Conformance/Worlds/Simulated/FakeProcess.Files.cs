using Kdbus.Linux;
using Errno = Kdbus.Abi.Errno;

namespace Kdbus.Conformance.Worlds.Simulated;

internal sealed partial class FakeProcess
{
    private int _limit = int.MaxValue;

    public int SealedFile(ReadOnlySpan<byte> content, int seals)
    {
        int made = MemFd.Create("fake");
        _ = FileDescriptor.Write(made, content);
        _ = MemFd.AddSeals(made, seals);
        return InstallReal(made);
    }

    public int FileControl(int descriptor, int command, int argument) =>
        WithReal(descriptor, real => RealCalls.FileControl(real, command, argument));

    public int StatDescriptor(int descriptor, out FileStatus status)
    {
        FileStatus found = default;
        int result = WithReal(descriptor, real =>
        {
            int error = Linux.FileStatus.Of(real, out Linux.FileStatus s);
            found = new FileStatus(s.Mode, s.Uid, s.Gid, s.Links, s.Size, s.Inode);
            return error;
        });
        status = found;
        return result;
    }

    public long Seek(int descriptor, long offset) => WithReal(descriptor, real => (int)RealCalls.Seek(real, offset));

    public long ReadAt(int descriptor, Span<byte> data, long offset) =>
        FindOther(descriptor) is { } other ? FileDescriptor.Pread(other.Descriptor, data, offset) : -(int)Errno.EBADF;

    public int Socket(int family, int type) => InstallReal(RealCalls.Socket(family, type));

    public int SocketPair(int type, out int first, out int second)
    {
        int result = RealCalls.SocketPair(type, out int one, out int other);
        (first, second) = (InstallReal(one), InstallReal(other));
        return result;
    }

    public int ReceiveDescriptors(int socket, Span<byte> data, out int[] descriptors)
    {
        descriptors = [];
        if (FindOther(socket) is not { } other)
            return -(int)Errno.EBADF;
        int result = RealCalls.ReceiveDescriptors(other.Descriptor, data, out int[] received);
        // As in the kernel, those for which there is no number are lost.
        descriptors = [.. received.Select(InstallReal).Where(static number => number >= 0)];
        return result;
    }

    public IReadOnlyList<int> OpenDescriptors()
    {
        lock (_files)
            return [.. _files.Keys.Concat(_others.Keys).Order()];
    }

    public int LimitDescriptors(int limit)
    {
        _limit = limit;
        return 0;
    }

    /// <summary>What is in the domain and is no opened file of it: another file is as good, for nobody looks into it.</summary>
    private int OpenStandIn(string path, string standIn, int flags)
    {
        int found = _paths.With(_main, Credentials, path, static _ => 0);
        return found < 0 ? found : InstallReal(FileDescriptor.Open(standIn, flags));
    }

    private int WithReal(int descriptor, Func<int, int> call) =>
        FindOther(descriptor) is { } other ? call(other.Descriptor) : -(int)Errno.EBADF;
}
