using System.Runtime.InteropServices;
using System.Text;

namespace Kdbus.Linux;

/// <summary>
/// A list of strings as exec and posix_spawn want it: an array of pointers that ends with a null one, and what they point to. All of it is
/// native memory and gone when disposed of.
/// </summary>
internal readonly unsafe ref struct PinnedStrings : IDisposable
{
    /// <summary>Strings to which the NUL is added here, as UTF-8.</summary>
    internal PinnedStrings(IReadOnlyList<string> texts)
    {
        Pointers = Allocate(texts.Count);
        for (int i = 0; i < texts.Count; i++)
        {
            Span<byte> room = Allocate(i, Encoding.UTF8.GetByteCount(texts[i]) + 1);
            _ = Encoding.UTF8.GetBytes(texts[i], room);
            room[^1] = 0;
        }
    }

    /// <summary>Strings that are bytes and end with their NUL already.</summary>
    internal PinnedStrings(ReadOnlySpan<byte[]> texts)
    {
        Pointers = Allocate(texts.Length);
        for (int i = 0; i < texts.Length; i++)
            texts[i].CopyTo(Allocate(i, texts[i].Length));
    }

    internal byte** Pointers { get; }

    public void Dispose()
    {
        for (byte** pointer = Pointers; *pointer != null; pointer++)
            NativeMemory.Free(*pointer);
        NativeMemory.Free(Pointers);
    }

    private static byte** Allocate(int count) => (byte**)NativeMemory.AllocZeroed((nuint)count + 1, (nuint)sizeof(byte*));

    private Span<byte> Allocate(int index, int length)
    {
        Pointers[index] = (byte*)NativeMemory.Alloc((nuint)length);
        return new Span<byte>(Pointers[index], length);
    }
}
