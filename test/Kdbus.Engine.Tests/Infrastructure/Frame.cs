using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>Commands and messages as bytes: a fixed struct and items behind it, <c>size</c> filled in.</summary>
internal static class Frame
{
    public static byte[] Of<T>(in T fixedPart, params ReadOnlySpan<byte[]> items)
        where T : unmanaged
    {
        var frame = new List<byte>(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in fixedPart)).ToArray());
        foreach (var item in items) frame.AddRange(item);
        var bytes = frame.ToArray();
        MemoryMarshal.Write(bytes, (ulong)bytes.Length);
        return bytes;
    }

    public static byte[] Item<T>(ItemType type, in T payload)
        where T : unmanaged => Item(type, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in payload)));

    public static byte[] Item(ItemType type, ReadOnlySpan<byte> payload)
    {
        var item = new byte[Abi.Item.SizeInChain(payload.Length)];
        new ItemWriter(item).Write(type, payload);
        return item;
    }

    public static byte[] Item(ItemType type, string text) => Item(type, Encoding.ASCII.GetBytes(text + '\0'));

    public static ref T As<T>(byte[] frame)
        where T : unmanaged => ref MemoryMarshal.AsRef<T>(frame.AsSpan(0, Unsafe.SizeOf<T>()));
}
