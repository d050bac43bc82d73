namespace Kdbus.Abi;

/// <summary>
/// Kinds of metadata, one bit each: bit n stands for the item of type 0x1000 + n. Both sides must agree to a kind,
/// the sender with what it allows and the receiver with what it asks for.
/// </summary>
[Flags]
public enum AttachFlags : ulong
{
    /// <summary>No metadata.</summary>
    None = 0,
    /// <summary>Sequence number and times of sending.</summary>
    Timestamp = 1UL << 0,
    /// <summary>User and group ids.</summary>
    Creds = 1UL << 1,
    /// <summary>Process, thread and parent ids.</summary>
    Pids = 1UL << 2,
    /// <summary>Supplementary groups.</summary>
    AuxGroups = 1UL << 3,
    /// <summary>Well-known names owned.</summary>
    Names = 1UL << 4,
    /// <summary>Name of the thread.</summary>
    TidComm = 1UL << 5,
    /// <summary>Name of the process.</summary>
    PidComm = 1UL << 6,
    /// <summary>Path of the executable.</summary>
    Exe = 1UL << 7,
    /// <summary>Command line.</summary>
    Cmdline = 1UL << 8,
    /// <summary>Control group.</summary>
    Cgroup = 1UL << 9,
    /// <summary>Capabilities.</summary>
    Caps = 1UL << 10,
    /// <summary>Security label.</summary>
    Seclabel = 1UL << 11,
    /// <summary>Audit session and login uid.</summary>
    Audit = 1UL << 12,
    /// <summary>Description given at HELLO.</summary>
    ConnDescription = 1UL << 13,
    /// <summary>An extension: the 64-bit number of the process that no other one gets until reboot.</summary>
    PidfsId = 1UL << 32,
    /// <summary>An extension: when the process was started.</summary>
    StartTime = 1UL << 33,
    /// <summary>An extension: a pidfd of the process.</summary>
    Pidfd = 1UL << 34,
    /// <summary>The fourteen kinds of 2015.</summary>
    All = (1UL << 14) - 1,
    /// <summary>From callers: whatever there is; taken as <see cref="All"/>.</summary>
    Any = ulong.MaxValue,
}

/// <summary>Sets of <see cref="AttachFlags"/>, and what callers may say with them.</summary>
public static class AttachMask
{
    /// <summary>Kinds beyond the fourteen. They must be asked for by name: <see cref="AttachFlags.Any"/> does not mean them.</summary>
    public const AttachFlags Extensions = AttachFlags.PidfsId | AttachFlags.StartTime | AttachFlags.Pidfd;

    /// <summary>Kinds about the connection; all others are about the process.</summary>
    public const AttachFlags Connection = AttachFlags.Timestamp | AttachFlags.Names | AttachFlags.ConnDescription;

    /// <summary>Kinds about the process.</summary>
    public const AttachFlags Process = (AttachFlags.All | Extensions) & ~Connection;

    /// <summary>What each kind is called in text, in the order of their bits.</summary>
    public static IReadOnlyList<(string Name, AttachFlags Kind)> Names { get; } =
    [
        ("timestamp", AttachFlags.Timestamp),
        ("creds", AttachFlags.Creds),
        ("pids", AttachFlags.Pids),
        ("auxgroups", AttachFlags.AuxGroups),
        ("names", AttachFlags.Names),
        ("tid-comm", AttachFlags.TidComm),
        ("pid-comm", AttachFlags.PidComm),
        ("exe", AttachFlags.Exe),
        ("cmdline", AttachFlags.Cmdline),
        ("cgroup", AttachFlags.Cgroup),
        ("caps", AttachFlags.Caps),
        ("seclabel", AttachFlags.Seclabel),
        ("audit", AttachFlags.Audit),
        ("conn-description", AttachFlags.ConnDescription),
        ("pidfs-id", AttachFlags.PidfsId),
        ("start-time", AttachFlags.StartTime),
        ("pidfd", AttachFlags.Pidfd),
    ];

    /// <summary>
    /// Takes a mask as a caller gave it: all-ones becomes <see cref="AttachFlags.All"/>, any other bit that is no kind is EINVAL.
    /// </summary>
    public static Errno Sanitize(ulong given, out AttachFlags mask)
    {
        mask = given == ulong.MaxValue ? AttachFlags.All : (AttachFlags)given;
        return (mask & ~(AttachFlags.All | Extensions)) == 0 ? Errno.OK : Errno.EINVAL;
    }
}
