using System.Buffers;
using System.Text;

namespace Kdbus.Linux;

/// <summary>
/// A string as the C library wants it: UTF-8 and a terminating NUL, in room the caller lends (usually the stack) or in a rented array when
/// that is too small. A string with a NUL inside would silently name another file, so it is refused by <see cref="IsValid"/>, which every
/// caller checks.
/// </summary>
internal ref struct CString : IDisposable
{
    internal const int Room = 512;

    private readonly Span<byte> _bytes;
    private byte[]? _rented;

    internal CString(ReadOnlySpan<char> text, Span<byte> room)
    {
        int length = Encoding.UTF8.GetByteCount(text) + 1;
        if (length > room.Length)
            room = _rented = ArrayPool<byte>.Shared.Rent(length);
        Encoding.UTF8.GetBytes(text, room);
        room[length - 1] = 0;
        _bytes = room[..length];
        IsValid = !text.Contains('\0');
    }

    internal bool IsValid { get; }

    internal readonly ref byte GetPinnableReference() => ref _bytes[0];

    public void Dispose()
    {
        if (_rented is { } rented)
        {
            _rented = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
