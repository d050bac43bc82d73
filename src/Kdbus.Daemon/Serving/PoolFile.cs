using Kdbus.Abi;
using Kdbus.Engine;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>How a client's mapping of its pool comes to show what the daemon wrote.</summary>
internal enum PoolProfile
{
    /// <summary>The kernel maps our memfd itself: the client sees each write at once, without a copy.</summary>
    Passthrough,
    /// <summary>The client maps the page cache of the FUSE file, into which each slice is stored when it is published.</summary>
    PageCache,
}

/// <summary>
/// The memory of one pool: a memfd that is empty until HELLO gives it its size, and that this process maps only while
/// slices are in use. Memory is reserved with fallocate(2) before it is written, so that a host without memory refuses a
/// message instead of killing the daemon with SIGBUS.
/// </summary>
internal sealed unsafe class PoolFile : IPoolMemory, IDisposable
{
    /// <summary>Memory is reserved in steps of this, so that small messages rarely ask for more.</summary>
    private const ulong Step = 64 * 1024;

    private readonly int _memfd;
    private readonly PoolTrimmer? _trimmer;
    private nint _address;
    private ulong _size;
    private ulong _backed;
    private int _pins;
    private bool _disposed;

    private PoolFile(int memfd, ulong nodeId, PoolTrimmer? trimmer, bool isWritableByOwner)
    {
        _memfd = memfd;
        _trimmer = trimmer;
        NodeId = nodeId;
        IsWritableByOwner = isWritableByOwner;
    }

    /// <summary>The node whose mapping shows it.</summary>
    public ulong NodeId { get; }

    /// <inheritdoc/>
    public bool IsWritableByOwner { get; }

    /// <summary>The descriptor, for the kernel to map.</summary>
    public int Descriptor => _memfd;

    /// <summary>Bytes of the pool; 0 before HELLO.</summary>
    public ulong Size => _size;

    /// <summary>No slice is in use, but there are pages: <see cref="Trim"/> has something to do.</summary>
    public bool IsIdle { get; private set; }

    /// <summary>It was used since the trimmer looked last.</summary>
    public bool WasUsed { get; set; }

    /// <summary>The trimmer will look at it.</summary>
    public bool IsWatched { get; set; }

    /// <summary>A new empty file, or the errno of memfd_create(2).</summary>
    public static int Create(ulong nodeId, PoolTrimmer? trimmer, bool isWritableByOwner, out PoolFile? file)
    {
        var memfd = MemFd.Create("kdbus-pool");
        file = memfd < 0 ? null : new PoolFile(memfd, nodeId, trimmer, isWritableByOwner);
        return memfd < 0 ? memfd : 0;
    }

    /// <summary>
    /// Gives the file the size that HELLO asks for; it may be asked again until <see cref="Seal"/>, but not while somebody
    /// still copies into the pool of a HELLO that was undone: where it is mapped now, another pool may be mapped next.
    /// </summary>
    public bool TrySetSize(ulong size)
    {
        if (_pins > 0) return false;
        Unmap();
        if (size > long.MaxValue || MemFd.Truncate(_memfd, (long)size) < 0) return false;
        _size = size;
        return true;
    }

    /// <summary>The connection stands: nobody who can reach the file can change its size any more.</summary>
    public void Seal()
    {
        // Whoever was told may have closed the handle already: the descriptor's number can be that of another pool.
        if (!_disposed) MemFd.AddSeals(_memfd, MemFd.SealShrink | MemFd.SealGrow);
    }

    /// <inheritdoc/>
    public bool Back(ulong offset, ulong size)
    {
        IsIdle = false;
        WasUsed = true;
        if (_address == 0)
        {
            var address = MemFd.Map(_memfd, (nuint)_size, writable: true);
            if (address is < 0 and > -4096) return false;
            _address = address;
        }

        var end = offset + size;
        if (end <= _backed) return true;
        var target = Math.Min((end + Step - 1) & ~(Step - 1), _size);
        int allocated;
        // tmpfs gives up at any signal, and the runtime sends some.
        do allocated = MemFd.Allocate(_memfd, (long)_backed, (long)(target - _backed));
        while (allocated == -(int)Errno.EINTR);
        if (allocated < 0) return false;
        _backed = target;
        return true;
    }

    /// <inheritdoc/>
    public Span<byte> Room(ulong offset, int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        if (offset + (ulong)size > _backed) throw new ArgumentOutOfRangeException(nameof(offset), "Not a backed range of the pool.");
        return new Span<byte>((byte*)_address + offset, size);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Content(ulong offset, int size) =>
        IsWritableByOwner ? throw new InvalidOperationException("What the owner of a pool can write is not read back.") : Room(offset, size);

    /// <summary>The address of a backed range, for a copy that happens outside the engine's lock; see <see cref="Pin"/>.</summary>
    public byte* Address(ulong offset) => (byte*)_address + offset;

    /// <inheritdoc/>
    public void Unused()
    {
        IsIdle = true;
        if (!IsWatched) _trimmer?.Watch(this);
    }

    /// <summary>Gives the memory of an idle pool back to the host: an unused pool holds no pages.</summary>
    public void Trim()
    {
        // The trimmer may come when the handle is closed: by then the descriptor's number can be that of another pool.
        if (!IsIdle || _pins > 0 || _disposed) return;
        IsIdle = false;
        MemFd.PunchHole(_memfd, 0, (long)_size);
        Unmap();
    }

    /// <summary>Keeps the mapping although the handle may be closed meanwhile.</summary>
    public void Pin() => _pins++;

    /// <summary>Ends <see cref="Pin"/>.</summary>
    public void Unpin()
    {
        _pins--;
        if (_disposed && _pins == 0) Unmap();
    }

    /// <summary>Reads what a client may see of its pool, for the kernel's page cache.</summary>
    public int Read(Span<byte> buffer, ulong offset) =>
        offset > long.MaxValue ? 0 : FileDescriptor.Pread(_memfd, buffer, (long)offset);

    /// <summary>Closes the file; a client's mapping of it lives on.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        FileDescriptor.Close(_memfd);
        if (_pins == 0) Unmap();
    }

    private void Unmap()
    {
        if (_address != 0) MemFd.Unmap(_address, (nuint)_size);
        _address = 0;
        _backed = 0;
    }
}
