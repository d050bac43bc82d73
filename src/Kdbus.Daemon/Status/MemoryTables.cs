using Kdbus.Engine.Status;

namespace Kdbus.Daemon.Status;

/// <summary>What the memory of the daemon came to, in numbers of its runtime.</summary>
/// <param name="Name">Which number.</param>
/// <param name="Value">The number.</param>
internal readonly record struct MemoryRow(string Name, ulong Value);

/// <summary>What the daemon takes for itself.</summary>
internal static class MemoryTables
{
    public static Table<MemoryRow> Memory { get; } = new Table<MemoryRow>()
        .Column("MEMORY", "name", Format.Prose, row => row.Name)
        .Column("VALUE", "value", Format.Number, row => row.Value);

    /// <summary>As of now. The exact count would stop all threads.</summary>
    public static Listing<MemoryRow> Rows() => new([new MemoryRow("allocated bytes", (ulong)GC.GetTotalAllocatedBytes(precise: false))]);
}
