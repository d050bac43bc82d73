using Kdbus.Linux;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>
/// The address space of a fake process: a handful of mappings and nothing between them. The process itself and the daemon, which reads and
/// writes it as it would through process_vm_readv(2), see the same bytes and the same holes.
/// </summary>
internal sealed class FakeMemory
{
    private const ulong Page = 4096;
    private const ulong FirstAddress = 0x7f00_0000_0000;

    private readonly Lock _lock = new();
    private readonly List<Mapping> _mappings = [];
    private ulong _next = FirstAddress;

    /// <summary>mmap(2) of anonymous memory.</summary>
    public long MapAnonymous(ulong length, int protection) =>
        Add(length, protection, mayWrite: true, isShared: false, new AnonymousPages(RoundUp(length)), 0);

    /// <summary>mmap(2) of a file.</summary>
    public long MapFile(ulong length, int protection, bool isShared, bool mayWrite, IMappedFile file, ulong offset) =>
        Add(length, protection, mayWrite, isShared, file, offset);

    /// <summary>munmap(2).</summary>
    public int Unmap(ulong address, ulong length)
    {
        lock (_lock)
        {
            ulong end = address + RoundUp(length);
            foreach (Mapping mapping in _mappings.ToArray())
            {
                if (mapping.End <= address || mapping.Start >= end)
                    continue;
                _mappings.Remove(mapping);
                if (mapping.Start < address)
                    _mappings.Add(mapping with { End = address });
                if (mapping.End > end)
                    _mappings.Add(mapping with { Start = end, Offset = mapping.Offset + (end - mapping.Start) });
            }
            return 0;
        }
    }

    /// <summary>mprotect(2) of whole pages of one mapping.</summary>
    public int Protect(ulong address, ulong length, int protection)
    {
        lock (_lock)
        {
            ulong end = address + RoundUp(length);
            int index = _mappings.FindIndex(m => m.Start <= address && m.End >= end);
            if (index < 0)
                return -(int)Errno.ENOMEM;
            Mapping mapping = _mappings[index];
            if ((protection & Protection.Write) != 0 && !mapping.MayWrite)
                return -(int)Errno.EACCES;
            Unmap(address, length);
            _mappings.Add(mapping with
            {
                Start = address, End = end, Offset = mapping.Offset + (address - mapping.Start), Protection = protection,
            });
            return 0;
        }
    }

    /// <summary>Copies out of the memory, up to the first hole. Returns the bytes copied.</summary>
    public int Read(ulong address, Span<byte> to) => Transfer(address, to.Length, Protection.Read, to, default);

    /// <summary>Copies into the memory, up to the first hole or page that is not writable. Returns the bytes copied.</summary>
    public int Write(ulong address, ReadOnlySpan<byte> from) => Transfer(address, from.Length, Protection.Write, default, from);

    /// <summary>fork(2): private memory is copied, shared mappings stay shared.</summary>
    public FakeMemory Fork()
    {
        lock (_lock)
        {
            FakeMemory child = new() { _next = _next };
            Dictionary<IMappedFile, IMappedFile> copies = [];
            foreach (Mapping mapping in _mappings)
            {
                IMappedFile file = mapping.File;
                if (!mapping.IsShared && mapping.File is AnonymousPages pages)
                {
                    if (!copies.TryGetValue(pages, out IMappedFile? copy))
                        copies[pages] = copy = pages.Copy();
                    file = copy;
                }
                child._mappings.Add(mapping with { File = file });
            }
            return child;
        }
    }

    private static ulong RoundUp(ulong length) => (length + Page - 1) / Page * Page;

    private long Add(ulong length, int protection, bool mayWrite, bool isShared, IMappedFile file, ulong offset)
    {
        if (length == 0 || offset % Page != 0)
            return -(int)Errno.EINVAL;
        lock (_lock)
        {
            ulong start = _next;
            ulong end = start + RoundUp(length);
            _next = end + 16 * Page;
            _mappings.Add(new Mapping(start, end, protection, mayWrite, isShared, file, offset));
            return (long)start;
        }
    }

    private int Transfer(ulong address, int length, int access, Span<byte> to, ReadOnlySpan<byte> from)
    {
        lock (_lock)
        {
            int done = 0;
            while (done < length)
            {
                ulong at = address + (ulong)done;
                Mapping? mapping = _mappings.Find(m => m.Start <= at && at < m.End);
                if (mapping is null || (mapping.Protection & access) == 0)
                    break;
                int count = (int)Math.Min((ulong)(length - done), mapping.End - at);
                ulong offset = mapping.Offset + (at - mapping.Start);
                int copied = access == Protection.Read
                    ? mapping.File.Read(offset, to.Slice(done, count))
                    : mapping.File.Write(offset, from.Slice(done, count));
                done += copied;
                if (copied < count)
                    break;
            }
            return done;
        }
    }

    private sealed record Mapping(ulong Start, ulong End, int Protection, bool MayWrite, bool IsShared, IMappedFile File, ulong Offset);

    private sealed class AnonymousPages(ulong length) : IMappedFile
    {
        private byte[]? _bytes;

        public int Read(ulong offset, Span<byte> to)
        {
            if (_bytes is null)
                to.Clear();
            else
                _bytes.AsSpan((int)offset, to.Length).CopyTo(to);
            return to.Length;
        }

        public int Write(ulong offset, ReadOnlySpan<byte> from)
        {
            _bytes ??= new byte[length];
            from.CopyTo(_bytes.AsSpan((int)offset));
            return from.Length;
        }

        public AnonymousPages Copy() => new(length) { _bytes = (byte[]?)_bytes?.Clone() };
    }
}

/// <summary>What a mapping shows. Both return the bytes up to the end of the file's last page; behind that there is SIGBUS.</summary>
internal interface IMappedFile
{
    int Read(ulong offset, Span<byte> to);

    int Write(ulong offset, ReadOnlySpan<byte> from);
}

/// <summary>A file that a daemon has registered for passthrough: the kernel reads, writes and maps it by itself.</summary>
internal sealed class BackingFile(int descriptor) : IMappedFile, IDisposable
{
    private const long Page = 4096;

    /// <inheritdoc/>
    public int Read(ulong offset, Span<byte> to)
    {
        int within = Within(offset, to.Length);
        Span<byte> room = to[..within];
        while (!room.IsEmpty)
        {
            int n = FileDescriptor.Pread(descriptor, room, (long)offset + (within - room.Length));
            if (n <= 0)
            {
                room.Clear();
                break;
            }
            room = room[n..];
        }
        return within;
    }

    /// <inheritdoc/>
    public int Write(ulong offset, ReadOnlySpan<byte> from)
    {
        int within = Within(offset, from.Length);
        return FileDescriptor.Pwrite(descriptor, from[..within], (long)offset);
    }

    /// <inheritdoc/>
    public void Dispose() => FileDescriptor.Close(descriptor);

    private int Within(ulong offset, int length)
    {
        long end = (System.IO.RandomAccess.GetLength(Handle()) + Page - 1) / Page * Page;
        return (int)Math.Clamp(end - (long)offset, 0, length);
    }

    private Microsoft.Win32.SafeHandles.SafeFileHandle Handle() => new(descriptor, ownsHandle: false);
}

/// <summary>A file with nothing in it.</summary>
internal sealed class EmptyFile : IMappedFile
{
    public int Read(ulong offset, Span<byte> to) => 0;

    public int Write(ulong offset, ReadOnlySpan<byte> from) => 0;
}
