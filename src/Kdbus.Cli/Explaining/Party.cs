using System.Globalization;
using Kdbus.Cli.Status;

namespace Kdbus.Cli;

/// <summary>A connection in a sentence.</summary>
internal static class Party
{
    /// <summary>connection 12 (org.example.Clock, process 812 clockd).</summary>
    public static string Title(ConnectionRow row)
    {
        List<string> known = [.. row.Names.Take(2)];
        if (row.Names.Count > known.Count)
            known.Add("…");
        if (row.Kind != "ordinary")
            known.Add(row.Kind);
        if (row.Pid is { } pid)
            known.Add(row.Process is { } process ? $"process {pid} {Escaped.Text(process)}" : $"process {pid}, which has ended");
        return string.Create(CultureInfo.InvariantCulture, $"connection {row.Id}{(known.Count == 0 ? "" : $" ({string.Join(", ", known)})")}");
    }

    /// <summary>The same of one that may be gone.</summary>
    public static string Title(IEnumerable<ConnectionRow> connections, ulong? id) => id is null ? "the bus itself"
        : connections.FirstOrDefault(row => row.Id == id) is { } row ? Title(row)
        : string.Create(CultureInfo.InvariantCulture, $"connection {id}, which is gone");
}
