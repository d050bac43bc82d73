using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Commands;

/// <summary>
/// The checks that every command passes before its own: flags, then each item in order, then what is missing; and the
/// negotiation, by which a program asks what is known without doing anything.
/// </summary>
internal static class GenericStage
{
    private const int FlagsOffset = 8;
    private const int ReturnFlagsOffset = 16;

    /// <summary>
    /// Checks the frame and clears its return_flags. <paramref name="negotiated"/> means that the command was only a
    /// question and is answered. On <c>control</c> the name of an endpoint stands behind that of its bus.
    /// </summary>
    public static Errno Check(
        Domain domain, CommandLayout layout, Span<byte> frame, bool namesBus, ref Outcome outcome, out bool negotiated)
    {
        negotiated = false;
        var stores = default(Stores);
        var flags = MemoryMarshal.Read<ulong>(frame[FlagsOffset..]);
        var asks = (flags & Constants.FlagNegotiate) != 0;

        var result = (flags & ~(layout.Flags | Constants.FlagNegotiate)) != 0
            ? Errno.EINVAL
            : CheckItems(domain, layout, frame, namesBus, ref stores);
        if (result == Errno.OK && asks)
        {
            MemoryMarshal.Write(frame[FlagsOffset..], layout.Flags);
            stores.Flags = true;
            negotiated = true;
        }
        else if (MemoryMarshal.Read<ulong>(frame[ReturnFlagsOffset..]) != 0)
        {
            // What the caller's memory holds already need not be stored there.
            MemoryMarshal.Write(frame[ReturnFlagsOffset..], 0UL);
            stores.ReturnFlags = true;
        }

        outcome.Stores = stores;
        return result;
    }

    private static Errno CheckItems(Domain domain, CommandLayout layout, Span<byte> frame, bool namesBus, ref Stores stores)
    {
        var seen = 0u;
        var negotiate = (Offset: 0, Length: 0);
        var reader = new ItemReader(frame[layout.FixedSize..]);
        while (reader.TryRead(out var item))
        {
            var count = CountOf(domain, layout, item.Type);
            if (count == ItemCount.None) return Errno.EINVAL;
            var result = namesBus && item.Type == ItemType.MakeName
                ? MakeCommands.CheckPath(item.Payload, domain.Limits.SysNameLength)
                : ItemRules.Check(item.Type, item.Payload, domain.Limits.SysNameLength);
            if (result != Errno.OK) return result;

            var bit = layout.BitOf(item.Type);
            if (count != ItemCount.Many && (seen & bit) != 0) return Errno.EINVAL;
            seen |= bit;
            if (item.Type == ItemType.Negotiate)
            {
                negotiate = (layout.FixedSize + item.Offset + Item.HeaderSize, item.Payload.Length);
            }
        }

        if (reader.Error != Errno.OK) return reader.Error;
        foreach (var (type, count) in layout.Items)
        {
            if (count == ItemCount.Mandatory && (seen & layout.BitOf(type)) == 0) return Errno.EINVAL;
        }

        if (negotiate.Length != 0) Answer(domain, layout, frame, negotiate, ref stores);
        return Errno.OK;
    }

    private static ItemCount CountOf(Domain domain, CommandLayout layout, ItemType type) =>
        CommandLayout.IsExtension(type) && !domain.HasExtensions ? ItemCount.None : layout.CountOf(type);

    /// <summary>Zeroes the item types in a NEGOTIATE item that the command does not know.</summary>
    private static void Answer(Domain domain, CommandLayout layout, Span<byte> frame, (int Offset, int Length) negotiate, ref Stores stores)
    {
        // The frame lies 8-byte aligned in the caller's memory, not necessarily here.
        for (var at = negotiate.Offset; at < negotiate.Offset + negotiate.Length; at += sizeof(ulong))
        {
            var asked = Unsafe.ReadUnaligned<ItemType>(ref frame[at]);
            if (CountOf(domain, layout, asked) == ItemCount.None) Unsafe.WriteUnaligned(ref frame[at], 0UL);
        }

        stores.Negotiated = negotiate;
    }
}
