using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Commands;

/// <summary>Reading a checked command, and writing its results into it.</summary>
internal static class CommandFrame
{
    /// <summary>The fixed struct.</summary>
    public static ref T As<T>(this Span<byte> frame)
        where T : unmanaged => ref MemoryMarshal.AsRef<T>(frame);

    /// <summary>The chain of items behind the fixed struct.</summary>
    public static ReadOnlySpan<byte> Items<T>(this Span<byte> frame)
        where T : unmanaged => frame[Unsafe.SizeOf<T>()..];

    /// <summary>The first item of a type.</summary>
    public static bool TryFind(ReadOnlySpan<byte> items, ItemType type, out Item found)
    {
        var reader = new ItemReader(items);
        while (reader.TryRead(out found))
        {
            if (found.Type == type) return true;
        }

        return false;
    }

    /// <summary>Marks bytes behind return_flags as results to be stored.</summary>
    public static void StoreResults(this ref Outcome outcome, int offset, int length)
    {
        var stores = outcome.Stores;
        stores.Results = (offset, length);
        outcome.Stores = stores;
    }

    /// <summary>Marks return_flags as a result to be stored.</summary>
    public static void StoreReturnFlags(this ref Outcome outcome)
    {
        var stores = outcome.Stores;
        stores.ReturnFlags = true;
        outcome.Stores = stores;
    }
}
