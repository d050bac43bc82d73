using Kdbus.Engine.Processes;

namespace Kdbus.Conformance.Worlds;

/// <summary>
/// What a process says of its main thread: ids and numbers as its own namespaces have them, the rest as the tester sees it. What the system does
/// not have is null.
/// </summary>
public sealed record Self(TaskCreds Creds, TaskNumbers Numbers, IReadOnlyList<uint> Groups)
{
    /// <summary>All that can be told of it, the extensions aside.</summary>
    public AttachFlags Kinds =>
        AttachFlags.Creds | AttachFlags.Pids | AttachFlags.AuxGroups | AttachFlags.TidComm | AttachFlags.PidComm | AttachFlags.Exe
        | AttachFlags.Cmdline | AttachFlags.Caps
        | (Cgroup is null ? AttachFlags.None : AttachFlags.Cgroup)
        | (Seclabel is null ? AttachFlags.None : AttachFlags.Seclabel)
        | (Audit is null ? AttachFlags.None : AttachFlags.Audit);

    /// <summary>The name of the thread.</summary>
    public required string ThreadName { get; init; }

    /// <summary>The name of the process.</summary>
    public required string Name { get; init; }

    /// <summary>The executable.</summary>
    public required string Exe { get; init; }

    /// <summary>The first argument.</summary>
    public required string FirstArgument { get; init; }

    /// <summary>The sets of capabilities.</summary>
    public required CapabilitySets Caps { get; init; }

    /// <summary>The control group.</summary>
    public required string? Cgroup { get; init; }

    /// <summary>What a security module calls it.</summary>
    public required string? Seclabel { get; init; }

    /// <summary>Who logged in.</summary>
    public required AuditIds? Audit { get; init; }
}

/// <summary>getpid(2), gettid(2) and getppid(2).</summary>
public readonly record struct TaskNumbers(ulong Pid, ulong Tid, ulong Ppid);

/// <summary>The audit session, and the user who began it; all ones for none.</summary>
public readonly record struct AuditIds(uint Session, uint LoginUid);

/// <summary>What a thread changes of itself.</summary>
/// <param name="Creds">The ids to have; all ones leaves one as it is, or makes a file system id follow the effective one.</param>
/// <param name="Name">prctl(2) with PR_SET_NAME; nothing if empty.</param>
public readonly record struct ThreadChange(TaskCreds Creds, string Name = "")
{
    /// <summary>Ids that leave all as they are.</summary>
    public static TaskCreds Same { get; } = new(Unchanged, Unchanged, Unchanged, Unchanged, Unchanged, Unchanged, Unchanged, Unchanged);

    private const uint Unchanged = uint.MaxValue;

    /// <summary>Another name only.</summary>
    public static ThreadChange Rename(string name) => new(Same, name);
}
