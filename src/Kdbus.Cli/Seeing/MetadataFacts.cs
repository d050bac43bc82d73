using System.Globalization;
using System.Numerics;
using System.Text.Json.Nodes;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>Metadata, as labelled values.</summary>
internal static class MetadataFacts
{
    /// <summary>What is told about a process and its credentials.</summary>
    /// <param name="facts">Where to.</param>
    /// <param name="metadata">What is told.</param>
    /// <param name="process">The name of the process, if it is known otherwise; domains do not let it through unless mounted so.</param>
    public static void AddTo(Facts facts, Metadata metadata, string? process = null)
    {
        KdbusPids? pids = metadata.Process;
        KdbusCreds? creds = metadata.Credentials;
        _ = facts.Group("Process", "process")
            .Add("Process", "pid", Cell.Of(pids?.Pid))
            .Add("Thread", "tid", Cell.Of(pids?.Tid))
            .Add("Parent", "ppid", Cell.Of(pids?.Ppid))
            .Add("Unique id", "pidfsId", Cell.Of(metadata.UniqueProcessId))
            .Add("Name", "name", Cell.Of(metadata.ProcessName ?? process))
            .Add("Thread's name", "threadName", Cell.Of(metadata.ThreadName))
            .Add("Executable", "exe", Cell.Of(metadata.Executable))
            .Add("Command line", "cmdline", metadata.CommandLine.Count == 0 ? Cell.None : Cell.Of(metadata.CommandLine))
            .Add("Control group", "cgroup", Cell.Of(metadata.ControlGroup))
            .Add("Started", "started", metadata.StartTime is { } started ? Cell.Duration(started) with { Text = $"{Durations.Text(started)} after boot" } : Cell.None);
        _ = facts.Group("Credentials", "credentials")
            .Add("Users", "uids", Ids(creds is { } user ? [user.Uid, user.Euid, user.Suid, user.Fsuid] : null, Users.NameOf))
            .Add("Groups", "gids", Ids(creds is { } group ? [group.Gid, group.Egid, group.Sgid, group.Fsgid] : null, Users.NameOfGroup))
            .Add("Other groups", "auxgroups", metadata.Groups.Count == 0 ? Cell.None : Cell.Of(metadata.Groups.Select(static gid => Users.NameOfGroup((uint)gid))))
            .Add("Capabilities", "capabilities", Capabilities(metadata.EffectiveCapabilities))
            .Add("Security label", "seclabel", Cell.Of(metadata.SecurityLabel))
            .Add("Login", "loginuid", metadata.Audit is { LoginUid: not uint.MaxValue } audit ? Cell.Of(Users.NameOf(audit.LoginUid)) : Cell.None)
            .Add("Audit session", "audit", metadata.Audit is { SessionId: not uint.MaxValue } session ? Cell.Of((ulong)session.SessionId) : Cell.None);
    }

    // Real, effective, saved, of the file system: mostly four times the same.
    private static Cell Ids(ulong[]? ids, Func<uint, string> nameOf)
    {
        if (ids is null)
            return Cell.None;
        string[] names = [.. ids.Select(id => nameOf((uint)id))];
        string number = ids[0].ToString(CultureInfo.InvariantCulture);
        string text = names.Any(name => name != names[0]) ? $"{names[0]}, effective {names[1]}, saved {names[2]}, file system {names[3]}"
            : names[0] == number ? number : $"{names[0]} ({number})";
        return new Cell(Escaped.Text(text), new JsonArray([.. ids.Select(static id => (JsonNode?)JsonValue.Create(id))]));
    }

    private static Cell Capabilities(ulong? effective) => effective is not { } mask
        ? Cell.None
        : Cell.Of(mask) with { Text = mask == 0 ? "none" : string.Create(CultureInfo.InvariantCulture, $"{BitOperations.PopCount(mask)} effective (0x{mask:x})") };
}
