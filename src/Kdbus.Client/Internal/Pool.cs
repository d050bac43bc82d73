using System.Buffers;

namespace Kdbus.Client.Internal;

/// <summary>
/// The mapped pool of a connection. It stays mapped until the connection has been closed and no message is looked at any more, so that
/// memory handed out is never a hole.
/// </summary>
internal sealed unsafe class Pool : MemoryManager<byte>
{
    private readonly IEndpointFile _file;
    private readonly byte* _address;
    private readonly int _size;
    private int _users = 1;

    public Pool(IEndpointFile file, nint address, ulong size)
    {
        _file = file;
        _address = (byte*)address;
        _size = checked((int)size);
    }

    /// <inheritdoc/>
    public override Memory<byte> Memory => CreateMemory(_size);

    /// <summary>The bytes at an offset that the bus has told.</summary>
    public ReadOnlySpan<byte> At(ulong offset, ulong size) => new(_address + Offset(offset, size), (int)size);

    /// <summary>The same as memory, which is good as long as somebody uses the pool.</summary>
    public ReadOnlyMemory<byte> MemoryAt(ulong offset, ulong size) => CreateMemory(Offset(offset, size), (int)size);

    /// <summary>One more user, who must know that there is one: the connection itself, or a call that is under way.</summary>
    public void Use() => Interlocked.Increment(ref _users);

    /// <summary>One more user, unless it has been unmapped.</summary>
    public bool TryUse()
    {
        int users = Volatile.Read(ref _users);
        while (users > 0)
        {
            int seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
                return true;
            users = seen;
        }
        return false;
    }

    /// <summary>One user less; the last one unmaps it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            _file.UnmapPool((nint)_address, (ulong)_size);
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _users) <= 0, typeof(Message));
        return new Span<byte>(_address, _size);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _users) <= 0, typeof(Message));
        return new MemoryHandle(_address + elementIndex);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Mapped memory ends with its last user, see Release.
    }

    // The bus is trusted with the pool as with everything else, but a wrong number must not become a wild pointer.
    private int Offset(ulong offset, ulong size)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, (ulong)_size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, (ulong)_size - offset);
        return (int)offset;
    }
}
