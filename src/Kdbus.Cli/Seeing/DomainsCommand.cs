using Kdbus.Cli.Status;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl domains</c>: what is mounted.</summary>
internal static class DomainsCommand
{
    private static readonly Sheet<Row> s_sheet = new Sheet<Row>()
        .Column("DOMAIN", "path", static row => Cell.Of(row.Domain.Path, "green"))
        .Column("SOURCE", "source", static row => Cell.Of(row.Mount.Source), rank: 4)
        .Column("OWNER", "owner", static row => row.Mount.FuseOwner is { } uid ? Cell.Of(Users.NameOf(uid)) : Cell.None, rank: 1)
        .Column("PROFILE", "profile", static row => row.Server is { } server ? Cell.Of(server.Profile) : Cell.Of(row.Trouble, "red"))
        .Column("MOUNTED", "age", static row => Cell.Duration(row.Server?.Started.Since), rank: 1, isNumber: true)
        .Column("SERVER", "pid", static row => Cell.Of((long?)row.Server?.Pid), rank: 2, isNumber: true)
        .Column("VERSION", "version", static row => Cell.Of(row.Server?.Version.Split('+')[0]), rank: 3)
        .Column("FUSE", "fuse", static row => Cell.Of(row.Server?.Fuse), rank: 5)
        .Column("EXTENSIONS", "extensions", static row => row.Server is { } server ? Cell.Of(server.Extensions) : Cell.None, rank: 5)
        .Column("BUSES", "buses", static row => Cell.Of(row.Domain.Buses()));

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Command command = new("domains", "Show the domains that are mounted here: profile, since when, served by whom, which buses.") { CommonOptions.Json, CommonOptions.Color };
        Invocation.SetAction(command, static invocation =>
        {
            Row[] rows = [.. MountedDomain.All().SelectMany(Row.Of)];
            if (rows.Length == 0 && !invocation.Output.IsJson)
                Invocation.Note("no kdbusfs domain is mounted here; mount one: mkdir -p /tmp/kdbus && kdbusctl mount /tmp/kdbus");
            else
                invocation.Output.Write(s_sheet, rows);
            return Task.FromResult(ExitCode.Success);
        });
        return command;
    }

    private sealed class Row
    {
        private Row(MountedDomain domain, MountInfo mount)
        {
            (Domain, Mount) = (domain, mount);
            Server = StatusFiles.Server(domain);
            int error = FileStatus.Of(Path.Combine(domain.Path, MountedDomain.Control), out _);
            Trouble = error == 0 ? Server is null ? "unknown" : null : error == -SystemError.ENOTCONN ? "its server is dead: unmount it" : SystemError.Describe(error);
        }

        public MountedDomain Domain { get; }

        public MountInfo Mount { get; }

        public ServerRow? Server { get; }

        /// <summary>A row, or none if it is unmounted by now.</summary>
        public static IEnumerable<Row> Of(MountedDomain domain) => Mounts.Find(domain.Path, out MountInfo? mount) == 1 ? [new Row(domain, mount!)] : [];

        /// <summary>Why it does not say who serves it.</summary>
        public string? Trouble { get; }
    }
}
