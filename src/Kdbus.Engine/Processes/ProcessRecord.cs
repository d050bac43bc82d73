using Kdbus.Abi;

namespace Kdbus.Engine.Processes;

/// <summary>
/// What was true of a thread and its process at one moment, in the words of the domain's namespaces. It is shared by
/// all that tell of it and never changes; each reader gets it in the words of his own namespaces.
/// </summary>
public sealed class ProcessRecord
{
    /// <summary>What is recorded, of the kinds of <see cref="AttachMask.Process"/>. Members of other kinds mean nothing.</summary>
    public required AttachFlags Kinds { get; init; }

    /// <summary>CREDS.</summary>
    public TaskCreds Creds { get; init; }

    /// <summary>PIDS: the process. Null for a number that was given at HELLO as 0, here and below.</summary>
    public PidNumbers? Process { get; init; }

    /// <summary>PIDS: the thread.</summary>
    public PidNumbers? Thread { get; init; }

    /// <summary>PIDS: the real parent; null if it is not to be seen from the domain.</summary>
    public PidNumbers? Parent { get; init; }

    /// <summary>PIDFS_ID: the number of the process that no other one gets until reboot.</summary>
    public ulong PidfsId { get; init; }

    /// <summary>START_TIME: nanoseconds after boot, CLOCK_BOOTTIME, as precise as the kernel tells.</summary>
    public ulong StartTime { get; init; }

    /// <summary>The other kinds; not null if one of them is recorded.</summary>
    public ProcessDetails? Details { get; init; }
}

/// <summary>Four user and four group ids of a thread. 0xffffffff is none.</summary>
public readonly record struct TaskCreds(uint Uid, uint Euid, uint Suid, uint Fsuid, uint Gid, uint Egid, uint Sgid, uint Fsgid);

/// <summary>The kinds of metadata that few ask for. Texts are without NUL.</summary>
public sealed class ProcessDetails
{
    /// <summary>AUXGROUPS: in the kernel's order.</summary>
    public ReadOnlyMemory<uint> AuxGroups { get; init; }

    /// <summary>TID_COMM.</summary>
    public ReadOnlyMemory<byte> TidComm { get; init; }

    /// <summary>PID_COMM.</summary>
    public ReadOnlyMemory<byte> PidComm { get; init; }

    /// <summary>EXE: as seen from <see cref="Root"/>.</summary>
    public ReadOnlyMemory<byte> Exe { get; init; }

    /// <summary>EXE: only who has the same root directory is told.</summary>
    public RootDirectory Root { get; init; }

    /// <summary>CMDLINE: the first argument.</summary>
    public ReadOnlyMemory<byte> Cmdline { get; init; }

    /// <summary>CGROUP.</summary>
    public ReadOnlyMemory<byte> Cgroup { get; init; }

    /// <summary>CAPS.</summary>
    public CapabilitySets Caps { get; init; }

    /// <summary>CAPS: the user namespace in which they count. Only who is in it is told.</summary>
    public ulong UserNamespace { get; init; }

    /// <summary>SECLABEL.</summary>
    public ReadOnlyMemory<byte> Seclabel { get; init; }

    /// <summary>AUDIT: the session.</summary>
    public uint AuditSession { get; init; }

    /// <summary>AUDIT: who logged in; 0xffffffff is nobody.</summary>
    public uint LoginUid { get; init; }
}

/// <summary>Sets of capabilities(7), bit n for capability n; bits above the last one that the kernel knows are 0.</summary>
public readonly record struct CapabilitySets(uint LastCap, ulong Inheritable, ulong Permitted, ulong Effective, ulong Bounding);

/// <summary>A directory that is somebody's root: the mount and the place in it. The default value is none.</summary>
public readonly record struct RootDirectory(ulong Mount, ulong Device, ulong Inode);
