using System.Globalization;
using System.Text;
using Kdbus.Daemon.Mounting;
using Kdbus.Daemon.Serving;
using Kdbus.Engine;
using Kdbus.Spelling;

namespace Kdbus.Daemon.Cli;

/// <summary>
/// The language of <c>-o</c>: options separated by commas, a value after an equals sign, a backslash before a comma or backslash that is
/// part of a value. Options given later win. Every option is known from one table; unknown ones are an error that names them, because a
/// mistyped option that is silently ignored is a mount other than the one asked for. In a name a dash and an underscore are the same,
/// because mount options of other file systems are written either way.
/// </summary>
public static class MountOptions
{
    // Before the table: static members are set up in the order in which they are written.
    private static readonly (string, ProfileChoice)[] s_profiles =
        [("auto", ProfileChoice.Auto), ("passthrough", ProfileChoice.Passthrough), ("page-cache", ProfileChoice.PageCache)];

    /// <summary>Every option there is. The first ones are shown by help, in this order.</summary>
    public static IReadOnlyList<MountOption> Table { get; } =
    [
        MountOption.Flag("allow_other", "let other users in (default if root mounts)", o => o with { AllowOther = true }),
        MountOption.Flag("no_allow_other", "let only the mounting user in (default otherwise)", o => o with { AllowOther = false }),
        MountOption.Choice("profile", "how pools reach clients (default auto)", s_profiles, WithProfile),
        MountOption.Text("fsname", "NAME", "name shown as the mount's source (default kdbusfs)", (o, name) => o with { Source = name }),
        MountOption.Flag(
            "low-latency",
            "keep idle CPUs awake while messages fly: quicker calls, more power (root only)",
            o => o with { Server = o.Server with { LowLatency = true } }),
        MountOption.Choice(
            "extensions",
            "what goes beyond the interface of 2015 (default on)",
            [("on", true), ("off", false)],
            (o, on) => o with { Server = o.Server with { Extensions = on } }),
        MountOption.Flag("debug", "log every request", o => WithTrace(o)),
        MountOption.Mask(
            "attach-flags-mask",
            $"kinds of metadata that are let through at all (default 0x{(ulong)Domain.DefaultAttachMask:x})",
            (o, mask) => o with { Server = o.Server with { AttachMask = mask } }),
        .. DomainLimits.Table.Select(Limit),

        // What mount(8), fstab(5) and libfuse's mount helper pass along to every file system. The mount is nosuid, nodev, noexec and checks
        // permissions in any case: nothing on it could be executed or opened as a device, so asking for the opposite changes nothing
        // either.
        .. Accepted(
            "defaults", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async", "dirsync", "atime", "noatime",
            "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime", "iversion",
            "noiversion", "mand", "nomand", "silent", "loud", "auto", "noauto", "user", "nouser", "users", "nousers", "owner",
            "noowner", "group", "nogroup", "_netdev", "nofail", "default_permissions", "nonempty", "uhelper", "helper", "comment",
            "symfollow"),
        MountOption.Refused("ro", "a bus cannot be read-only: everything on it is done by opening files for writing"),
        MountOption.Refused("remount", "options cannot be changed while mounted; unmount and mount again"),
        MountOption.Refused("bind", "this is an operation of mount(8), not of a file system"),
    ];

    /// <summary>Applies option lists, in order.</summary>
    /// <param name="lists">What was given after each <c>-o</c>.</param>
    /// <param name="ignoreUnknown">Whether unknown options are passed over (<c>-s</c> of a mount helper).</param>
    /// <param name="options">The result, valid if null is returned.</param>
    /// <returns>Null, or what is wrong with the first option that is.</returns>
    public static Failure? Parse(IEnumerable<string> lists, bool ignoreUnknown, out MountSettings options)
    {
        options = new MountSettings();
        foreach (string list in lists)
        {
            foreach (string item in Split(list))
            {
                int equals = item.IndexOf('=', StringComparison.Ordinal);
                string name = equals < 0 ? item : item[..equals];
                string? value = equals < 0 ? null : item[(equals + 1)..];
                // Options of user-space mount programs (x-systemd.automount, X-mount.mkdir): not the file system's business, by convention.
                if (name.StartsWith("x-", StringComparison.Ordinal) || name.StartsWith("X-", StringComparison.Ordinal))
                    continue;
                MountOption? option = Table.FirstOrDefault(known => Dashed(known.Name) == Dashed(name));
                if (option is null)
                {
                    if (ignoreUnknown)
                        continue;
                    string? meant = EditDistance.Closest(name, Table.Select(known => known.Name));
                    return new Failure(ExitCode.Usage, $"unknown mount option '{item}'", meant is null ? null : $"did you mean '{meant}'?");
                }
                (options, string? error) = option.Apply(options, value);
                if (error is not null)
                    return new Failure(ExitCode.Usage, error);
            }
        }
        return null;
    }

    /// <summary>A value as it must be written in a list.</summary>
    public static string Escape(string value)
        => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);

    private static List<string> Split(string list)
    {
        var items = new List<string>();
        var item = new StringBuilder();
        for (int i = 0; i <= list.Length; i++)
        {
            if (i == list.Length || list[i] == ',')
            {
                // Empty ones come from concatenating lists ("rw,,debug") and mean nothing.
                if (item.Length > 0)
                    items.Add(item.ToString());
                _ = item.Clear();
                continue;
            }
            if (list[i] == '\\' && i + 1 < list.Length && list[i + 1] is ',' or '\\')
                i++;
            _ = item.Append(list[i]);
        }
        return items;
    }

    private static string Dashed(string name) => name.Replace('_', '-');

    private static MountOption Limit(DomainLimit limit)
    {
        string range = string.Create(
            CultureInfo.InvariantCulture, $"(default {limit.Get(new DomainLimits())}, {limit.Least} to {limit.Most})");
        return MountOption.Number(
            limit.Name,
            $"{limit.Counts} {range}",
            limit.Least,
            limit.Most,
            (o, number) => o with { Server = o.Server with { Limits = limit.Set(o.Server.Limits, (int)number) } });
    }

    private static MountSettings WithProfile(MountSettings settings, ProfileChoice profile)
        => settings with { Server = settings.Server with { Profile = profile } };

    internal static MountSettings WithTrace(MountSettings settings) => settings with { Server = settings.Server with { Trace = true } };

    private static IEnumerable<MountOption> Accepted(params string[] names) => names.Select(MountOption.Accepted);
}
