using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Internal;

/// <summary>Takes the arguments of a request apart, from the front. Whatever is asked of it, it never looks outside what the kernel sent.</summary>
internal ref struct RequestBody(ReadOnlySpan<byte> arguments)
{
    private ReadOnlySpan<byte> _rest = arguments;

    /// <summary>What has not been taken yet.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    /// <summary>The next structure, in place.</summary>
    /// <returns>Whether there is one.</returns>
    public bool TryTake<T>(out T value)
        where T : unmanaged
    {
        if (!MemoryMarshal.TryRead(_rest, out value))
            return false;
        _rest = _rest[Unsafe.SizeOf<T>()..];
        return true;
    }

    /// <summary>A name that fills the rest: not empty, one NUL and that at the very end, no slash.</summary>
    public bool TryTakeName(out ReadOnlySpan<byte> name)
    {
        name = default;
        if (_rest.Length < 2 || _rest[^1] != 0)
            return false;
        ReadOnlySpan<byte> candidate = _rest[..^1];
        if (candidate.Length > FuseProtocol.NameMax || candidate.ContainsAny((byte)0, (byte)'/'))
            return false;
        name = candidate;
        _rest = default;
        return true;
    }

    /// <summary>Exactly so many bytes, which fill the rest.</summary>
    public bool TryTakeData(uint size, out ReadOnlySpan<byte> data)
    {
        data = _rest;
        if ((uint)_rest.Length != size)
            return false;
        _rest = default;
        return true;
    }
}
