using System.Globalization;
using System.Reflection;
using Kdbus.Daemon.Serving;
using Kdbus.Engine.Status;
using Kdbus.Linux;

namespace Kdbus.Daemon.Status;

/// <summary>The server of the domain: who it is and how it serves. It does not change while the domain is mounted.</summary>
/// <param name="Profile">How pools are shown.</param>
/// <param name="FuseMinor">Minor version of the FUSE protocol that the kernel and the server speak; the major one is 7.</param>
/// <param name="Started">CLOCK_MONOTONIC time at which the kernel began to ask, nanoseconds.</param>
/// <param name="Extensions">What goes beyond the interface of 2015 can be used.</param>
/// <param name="LowLatency">Idle CPUs are kept awake while requests come quickly.</param>
internal sealed record ServerRow(PoolProfile Profile, uint FuseMinor, ulong Started, bool Extensions, bool LowLatency)
{
    /// <summary>Version of the program.</summary>
    public static string Version { get; } = typeof(ServerRow).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}

/// <summary>What everybody may know of a domain.</summary>
internal static class ServerTables
{
    public static Table<ServerRow> Server { get; } = new Table<ServerRow>()
        .Column("VERSION", "version", Format.Word, _ => ServerRow.Version)
        .Column("PID", "pid", Format.Number, _ => (ulong)Environment.ProcessId)
        .Column("UID", "uid", Format.Number, _ => Credentials.EffectiveUid)
        .Column("PROFILE", "profile", Format.Word, row => Words.Of(row.Profile))
        .Column("FUSE", "fuse", Format.Word, row => string.Create(CultureInfo.InvariantCulture, $"7.{row.FuseMinor}"))
        .Column("STARTED", "started", Format.Age, (row, rendering) => new Moment(row.Started, rendering.Now))
        .Column("EXTENSIONS", "extensions", Format.YesNo, row => row.Extensions)
        .Column("LOW LATENCY", "lowLatency", Format.YesNo, row => row.LowLatency);

    /// <summary>One row.</summary>
    public static Listing<ServerRow> Rows(ServerRow server) => new([server]);
}
