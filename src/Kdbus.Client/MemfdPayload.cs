using System.Buffers;
using Kdbus.Linux;
using Microsoft.Win32.SafeHandles;

namespace Kdbus.Client;

/// <summary>A piece of memory in a file, written by <see cref="MemfdPayload.Create(long, MemfdWriter)"/>.</summary>
/// <param name="memory">All of it, zero at first.</param>
public delegate void MemfdWriter(Span<byte> memory);

/// <summary>
/// Payload in a sealed memfd (memfd_create(2)): it is written once, can never be changed by anybody any more, and travels as a descriptor, so that a
/// gigabyte costs as much as a byte. Mapped when it is looked at first. One that came with a message belongs to the message and ends with it.
/// </summary>
public sealed unsafe class MemfdPayload : MemoryManager<byte>
{
    private readonly long _start;
    private readonly Lock _lock = new();
    private byte* _mapping;
    private nuint _mapped;
    private bool _disposed;

    internal MemfdPayload(int descriptor, long start, long length)
    {
        Handle = new SafeFileHandle(descriptor, ownsHandle: true);
        _start = start;
        Length = length;
    }

    /// <summary>The file, sealed against every change.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>The first byte in the file.</summary>
    internal long Start => _start;

    /// <inheritdoc/>
    public override Memory<byte> Memory => CreateMemory(checked((int)Length));

    /// <summary>Makes a file, lets it be written, and seals it.</summary>
    /// <param name="length">Bytes, 1 to 2 GiB - 1.</param>
    /// <param name="write">Writes it.</param>
    /// <exception cref="IOException">No memory, or no descriptor, is left.</exception>
    public static MemfdPayload Create(long length, MemfdWriter write)
    {
        ArgumentNullException.ThrowIfNull(write);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, int.MaxValue);
        int descriptor = Check(MemFd.Create("kdbus-payload"), "make a memfd");
        try
        {
            _ = Check(MemFd.Truncate(descriptor, length), "make a memfd as large as wanted");
            nint mapping = MemFd.Map(descriptor, (nuint)length, writable: true);
            if (mapping is < 0 and > -4096)
                _ = Check((int)mapping, "map a memfd");
            try
            {
                write(new Span<byte>((void*)mapping, (int)length));
            }
            finally
            {
                // A file that somebody has mapped writable cannot be sealed.
                _ = MemFd.Unmap(mapping, (nuint)length);
            }
            _ = Check(MemFd.AddSeals(descriptor, MemFd.SealSeal | MemFd.SealShrink | MemFd.SealGrow | MemFd.SealWrite), "seal a memfd");
            return new MemfdPayload(descriptor, 0, length);
        }
        catch
        {
            _ = FileDescriptor.Close(descriptor);
            throw;
        }
    }

    /// <summary>Makes a file of these bytes, which are copied.</summary>
    public static MemfdPayload Create(ReadOnlySpan<byte> content)
    {
        fixed (byte* from = content)
        {
            nint address = (nint)from;
            int length = content.Length;
            return Create(length, memory => new ReadOnlySpan<byte>((void*)address, length).CopyTo(memory));
        }
    }

    /// <summary>Another one of the same file, with a life of its own.</summary>
    internal MemfdPayload Share()
    {
        bool held = false;
        try
        {
            Handle.DangerousAddRef(ref held);
            return new MemfdPayload(Check(FileDescriptor.Duplicate((int)Handle.DangerousGetHandle()), "share a memfd"), _start, Length);
        }
        finally
        {
            if (held)
                Handle.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => new(Mapping() + Slack, checked((int)Length));

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new(Mapping() + Slack + elementIndex);

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <summary>Closes the file and unmaps it: spans of it must not be used any more.</summary>
    public void Dispose() => ((IDisposable)this).Dispose();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_mapping is not null)
                _ = MemFd.Unmap((nint)_mapping, _mapped);
            _mapping = null;
        }
        Handle.Dispose();
    }

    // Mapped from the first byte of the file, because a mapping begins at a page and a payload where it likes.
    private long Slack => _start;

    private byte* Mapping()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_mapping is not null)
                return _mapping;
            if (Handle.IsInvalid)
                throw new IOException("The payload did not arrive: this process had no room for its descriptor, or no way to receive it.");
            nuint size = (nuint)(_start + Length);
            bool held = false;
            try
            {
                Handle.DangerousAddRef(ref held);
                nint mapping = MemFd.Map((int)Handle.DangerousGetHandle(), size, writable: false);
                if (mapping is < 0 and > -4096)
                    _ = Check((int)mapping, "map a payload");
                _mapped = size;
                return _mapping = (byte*)mapping;
            }
            finally
            {
                if (held)
                    Handle.DangerousRelease();
            }
        }
    }

    private static int Check(int result, string what) =>
        result >= 0 ? result : throw new IOException($"Cannot {what}: {SystemError.Describe(result)}.");
}
