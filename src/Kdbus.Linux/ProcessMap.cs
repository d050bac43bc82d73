using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>A mapping of a process: a range of its address space and the file behind it.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">First address after it.</param>
/// <param name="Permissions">What the process may do there.</param>
/// <param name="Offset">Offset in the file, bytes.</param>
/// <param name="DeviceMajor">Major number of the file's device; 0 and 0 for anonymous memory.</param>
/// <param name="DeviceMinor">Minor number of the file's device; for a FUSE file the number of its connection.</param>
/// <param name="Inode">The file's inode number; 0 for anonymous memory.</param>
public readonly record struct ProcessMapping(
    ulong Start, ulong End, MappingPermissions Permissions, ulong Offset, uint DeviceMajor, uint DeviceMinor, ulong Inode)
{
    /// <summary>Whether there is no file behind it (shared anonymous memory and memfds do have one, on the kernel's internal
    /// tmpfs).</summary>
    public bool IsAnonymous => Inode == 0 && DeviceMajor == 0 && DeviceMinor == 0;
}

/// <summary>What a process may do with a mapping (the flags of PROCMAP_QUERY).</summary>
[Flags]
public enum MappingPermissions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Read.</summary>
    Readable = 1,

    /// <summary>Write.</summary>
    Writable = 2,

    /// <summary>Execute.</summary>
    Executable = 4,

    /// <summary>Writes are seen by others who map the same file.</summary>
    Shared = 8,
}

/// <summary>
/// The mappings of one process, by address. It holds a descriptor of <c>/proc/PID/maps</c>, which names that process for ever and can be
/// asked while one of the process' own threads, or a thread of ours copying from it, is stuck in a page fault. Kernels before 6.11 lack the
/// ioctl; then the text is read. Thread safe.
/// </summary>
public sealed unsafe class ProcessMap : IDisposable
{
    private const uint QueryRequest = (3u << 30) | (104u << 16) | (0x66u << 8) | 17; // PROCMAP_QUERY

    private int _fd;

    private ProcessMap(int fd) => _fd = fd;

    /// <summary>Opens a process' map: 0 and the map, or -errno (-ENOENT or -ESRCH: no such process, -EACCES: no ptrace access).</summary>
    public static int Open(int pid, out ProcessMap? map)
    {
        int fd = ProcFile.Open(pid, "maps"u8, OpenFlags.ReadOnly);
        map = fd < 0 ? null : new ProcessMap(fd);
        return Math.Min(fd, 0);
    }

    /// <summary>The mapping that covers an address: 0, or -errno (-ENOENT: nothing is mapped there, -ESRCH: the process is gone).</summary>
    public int Query(ulong address, out ProcessMapping mapping)
    {
        int result = QueryByIoctl(address, out mapping);
        return result == -SystemError.ENOTTY ? QueryByText(address, out mapping) : result;
    }

    /// <summary>
    /// The minor numbers of all devices with major number 0 (FUSE mounts, tmpfs and other file systems without a block device) that a file mapping is of.
    /// Empty if the map cannot be read.
    /// </summary>
    public IReadOnlyCollection<uint> UnnamedDevices()
    {
        var devices = new HashSet<uint>();
        for (ulong address = 0; QueryNextFile(address, out ProcessMapping mapping) >= 0; address = mapping.End)
        {
            if (mapping.DeviceMajor == 0)
                devices.Add(mapping.DeviceMinor);
        }
        return devices;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        int fd = Interlocked.Exchange(ref _fd, -1);
        if (fd >= 0)
            _ = FileDescriptor.Close(fd);
    }

    internal int QueryByIoctl(ulong address, out ProcessMapping mapping) => Query(address, queryFlags: 0, out mapping);

    private int QueryNextFile(ulong address, out ProcessMapping mapping)
    {
        const ulong CoveringOrNext = 0x10, FileBacked = 0x20; // PROCMAP_QUERY_*
        return Query(address, CoveringOrNext | FileBacked, out mapping);
    }

    private int Query(ulong address, ulong queryFlags, out ProcessMapping mapping)
    {
        var query = new MapQuery { Size = (ulong)sizeof(MapQuery), Address = address, QueryFlags = queryFlags };
        int result = FileDescriptor.Ioctl(_fd, QueryRequest, ref query);
        mapping = default;
        if (result < 0)
            return result;
        var permissions = (MappingPermissions)(query.Flags & 0xf);
        mapping = new ProcessMapping(query.Start, query.End, permissions, query.Offset, query.DeviceMajor, query.DeviceMinor, query.Inode);
        return 0;
    }

    internal int QueryByText(ulong address, out ProcessMapping mapping)
    {
        mapping = default;
        byte[] text = new byte[65536];
        int length = 0;
        while (true)
        {
            if (length == text.Length)
                Array.Resize(ref text, length * 2);
            int count = FileDescriptor.Pread(_fd, text.AsSpan(length), length);
            if (count == -SystemError.EINTR)
                continue;
            if (count < 0)
                return count;
            if (count == 0)
                break;
            length += count;
        }
        return Find(text.AsSpan(0, length), address, out mapping);
    }

    internal static int Find(ReadOnlySpan<byte> text, ulong address, out ProcessMapping mapping)
    {
        mapping = default;
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            if (!TryParse(line, out mapping))
                return -SystemError.EPROTO;
            if (address >= mapping.Start && address < mapping.End)
                return 0;
        }
        mapping = default;
        return -SystemError.ENOENT;
    }

    // 7f01a000-7f01c000 r-xp 00001000 fe:02 4711    /path
    private static bool TryParse(ReadOnlySpan<byte> line, out ProcessMapping mapping)
    {
        mapping = default;
        if (!Hex(ref line, (byte)'-', out ulong start) || !Hex(ref line, (byte)' ', out ulong end) || line.Length < 5)
            return false;
        var permissions = MappingPermissions.None;
        permissions |= line[0] == 'r' ? MappingPermissions.Readable : MappingPermissions.None;
        permissions |= line[1] == 'w' ? MappingPermissions.Writable : MappingPermissions.None;
        permissions |= line[2] == 'x' ? MappingPermissions.Executable : MappingPermissions.None;
        permissions |= line[3] == 's' ? MappingPermissions.Shared : MappingPermissions.None;
        line = line[5..];
        if (!Hex(ref line, (byte)' ', out ulong offset) || !Hex(ref line, (byte)':', out ulong major)
            || !Hex(ref line, (byte)' ', out ulong minor) || !Utf8Parser.TryParse(line, out ulong inode, out _))
            return false;
        mapping = new ProcessMapping(start, end, permissions, offset, (uint)major, (uint)minor, inode);
        return true;
    }

    private static bool Hex(ref ReadOnlySpan<byte> line, byte terminator, out ulong number)
    {
        if (!Utf8Parser.TryParse(line, out number, out int used, 'x') || used >= line.Length || line[used] != terminator)
            return false;
        line = line[(used + 1)..];
        return true;
    }

    // struct procmap_query.
    [StructLayout(LayoutKind.Sequential, Size = 104)]
    private struct MapQuery
    {
        public ulong Size;
        public ulong QueryFlags;
        public ulong Address;
        public ulong Start;
        public ulong End;
        public ulong Flags;
        public ulong PageSize;
        public ulong Offset;
        public ulong Inode;
        public uint DeviceMajor;
        public uint DeviceMinor;
        public uint NameSize;
        public uint BuildIdSize;
        public ulong NameAddress;
        public ulong BuildIdAddress;
    }
}
