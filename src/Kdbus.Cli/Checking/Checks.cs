using System.Globalization;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>What kdbusfs needs of a machine, checked one by one.</summary>
internal static class Checks
{
    private const int CapSysPtrace = 19, CapSysAdmin = 21;
    private const long FewFiles = 4096;

    /// <summary>All of them, in the order in which they are shown.</summary>
    public static IReadOnlyList<Finding> All(IMachine machine) =>
    [
        Program(machine), Kernel(machine), Device(machine), Mounting(machine), Passthrough(machine), Others(machine), UserNamespaces(machine), CallersMemory(machine), OldPrograms(machine),
        ProcessIds(machine), OpenFiles(machine), LowLatency(machine), Metadata(machine), .. machine.Domains().Select(Domain),
    ];

    /// <summary>The program that serves domains.</summary>
    public static Finding Program(IMachine machine)
    {
        const string What = "kdbusfs";
        if (machine.FindServer() is not { } path)
            return new Finding(What, Health.Missing, "not found", "install it beside kdbusctl or in PATH, or say where it is: KDBUSFS_BIN=/path/to/kdbusfs", IsNeeded: true);
        return machine.Run(path, "--version") is { } version
            ? new Finding(What, Health.Ok, $"{path}, version {version.Replace("kdbusfs ", "", StringComparison.Ordinal)}", IsNeeded: true)
            : new Finding(What, Health.Missing, $"{path} cannot be run", "see what it says itself; it is built for one kind of processor and for a C library", IsNeeded: true);
    }

    /// <summary>Version of the kernel.</summary>
    public static Finding Kernel(IMachine machine)
    {
        string detail = $"Linux {machine.Kernel.ToString(2)}";
        return machine.Kernel < new Version(5, 6)
            ? new Finding("kernel", Health.Missing, $"{detail}, and 5.6 is needed", "boot a newer kernel", IsNeeded: true)
            : new Finding("kernel", Health.Ok, detail, IsNeeded: true);
    }

    /// <summary>The device through which file systems are served.</summary>
    public static Finding Device(IMachine machine)
    {
        const string What = "/dev/fuse", Load = "load the module: modprobe fuse; in a container, pass the device in: --device /dev/fuse";
        if (machine.Status(What) is null)
            return new Finding(What, Health.Missing, "is not there", Load, IsNeeded: true);
        int error = machine.TryOpen(What, OpenFlags.ReadWrite);
        if (error == 0)
            return new Finding(What, Health.Ok, "can be opened", IsNeeded: true);
        string detail = $"cannot be opened: {SystemError.Describe(error)}";
        // Who mounts with fusermount3 does not open it himself.
        if (-error is SystemError.EACCES && !machine.HasCapability(CapSysAdmin))
            return new Finding(What, Health.Limited, detail, "fusermount3 opens it for you; only if it says that it cannot: chmod 666 /dev/fuse", IsNeeded: true);
        return new Finding(What, Health.Missing, detail, -error is SystemError.EPERM ? "in a container, pass the device in: --device /dev/fuse" : Load, IsNeeded: true);
    }

    /// <summary>Who mounts.</summary>
    public static Finding Mounting(IMachine machine)
    {
        const string What = "mounting";
        if (machine.HasCapability(CapSysAdmin))
            return new Finding(What, Health.Ok, "directly (CAP_SYS_ADMIN)", IsNeeded: true);
        if (machine.FindFusermount() is not { } path)
        {
            return new Finding(
                What, Health.Missing, machine.Uid == 0 ? "root without CAP_SYS_ADMIN, and there is no fusermount3" : "an ordinary user needs fusermount3, which is not installed",
                "install the package fuse3, or mount as root", IsNeeded: true);
        }
        return machine.Status(path) is { Mode: var mode, Uid: 0 } && (mode & 0x800) != 0
            ? new Finding(What, Health.Ok, $"with {path}", IsNeeded: true)
            : new Finding(What, Health.Missing, $"{path} is not set-user-ID root", $"as root: chown root {path} && chmod u+s {path}; or mount as root", IsNeeded: true);
    }

    /// <summary>Whether clients map what the server writes.</summary>
    public static Finding Passthrough(IMachine machine)
    {
        const string What = "passthrough";
        string? why = machine.Kernel < new Version(6, 9) ? $"Linux {machine.Kernel.ToString(2)} does not have it, 6.9 does"
            : !machine.HasCapability(CapSysAdmin) ? "only a server with CAP_SYS_ADMIN may"
            : !machine.IsInitialUserNamespace ? "not from inside of a user namespace" : null;
        return why is null ? new Finding(What, Health.Ok, "pools are mapped as they are (profile passthrough)")
            : new Finding(What, Health.Limited, $"{why}; pools go through the page cache", "it works, slower with large payloads; as root on Linux 6.9 it would be the other profile");
    }

    /// <summary>Whether other users are let in.</summary>
    public static Finding Others(IMachine machine)
    {
        const string What = "other users";
        if (machine.Uid == 0)
            return new Finding(What, Health.Ok, "let in by default, as root mounts");
        bool allows = (machine.Read("/etc/fuse.conf") ?? "").Split('\n').Any(static line => line.Trim() == "user_allow_other");
        return allows ? new Finding(What, Health.Ok, "let in with -o allow_other")
            : new Finding(What, Health.Limited, "a domain that you mount is for you alone", "root can allow more: a line user_allow_other in /etc/fuse.conf, then mount with -o allow_other");
    }

    /// <summary>User namespaces, in which an ordinary user is root.</summary>
    public static Finding UserNamespaces(IMachine machine)
    {
        const string What = "user namespaces";
        string inside = machine.IsInitialUserNamespace ? "" : "this is one; ";
        if (machine.Read("/proc/sys/user/max_user_namespaces")?.Trim() is null or "0")
            return new Finding(What, Health.Limited, $"{inside}no more can be made", "nothing needs them; with them an ordinary user can mount as root of his own: sysctl user.max_user_namespaces=10000");
        if (machine.Uid != 0 && (machine.Read("/proc/sys/kernel/unprivileged_userns_clone")?.Trim() == "0" || machine.Read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")?.Trim() == "1"))
            return new Finding(What, Health.Limited, $"{inside}root alone makes them", "nothing needs them; an ordinary user mounts with fusermount3");
        return new Finding(What, Health.Ok, $"{inside}can be made");
    }

    /// <summary>Yama: the server reads commands and payloads in the memory of its callers, and copies their descriptors.</summary>
    public static Finding CallersMemory(IMachine machine)
    {
        const string What = "callers' memory";
        string? scope = machine.Read("/proc/sys/kernel/yama/ptrace_scope")?.Trim();
        bool isPrivileged = machine.HasCapability(CapSysPtrace);
        string whose = isPrivileged ? "the server reads that of everybody (CAP_SYS_PTRACE)" : "the server reads that of your own ordinary processes, and no other";
        if (scope == "3")
            return new Finding(What, Health.Missing, "Yama forbids all of it (ptrace_scope 3): commands fail with EFAULT", "it lasts until reboot: boot with kernel.yama.ptrace_scope below 3");
        if (scope is null or "0" || isPrivileged)
            return new Finding(What, Health.Ok, $"{whose}{(scope is null ? "" : $"; ptrace_scope {scope}")}");
        return new Finding(
            What, Health.Limited, $"Yama lets an ordinary user's server read no other process (ptrace_scope {scope}): commands with items fail with EFAULT, descriptors with EBADF",
            "mount as root, or as root: sysctl kernel.yama.ptrace_scope=0");
    }

    /// <summary><c>kdbusfs run</c>, which gives descriptors to programs of 2015.</summary>
    public static Finding OldPrograms(IMachine machine)
    {
        const string What = "kdbusfs run";
        if (machine.Kernel < new Version(5, 19) || machine.Read("/proc/sys/kernel/seccomp/actions_avail")?.Contains("user_notif", StringComparison.Ordinal) != true)
        {
            return new Finding(
                What, Health.Missing, machine.Kernel < new Version(5, 19) ? "needs Linux 5.19" : "this kernel has no seccomp user notification",
                "programs that ask for descriptors themselves (FD_SOCKET) get them all the same; so do those that use Kdbus.Client");
        }
        return machine.Kernel < new Version(6, 13)
            ? new Finding(What, Health.Limited, "runs programs, but no server before Linux 6.13 lets it act for them: descriptors come as -1", "boot Linux 6.13 or newer")
            : new Finding(What, Health.Ok, "gives programs of 2015 their descriptors");
    }

    /// <summary>Numbers of processes that are not used again.</summary>
    public static Finding ProcessIds(IMachine machine) => machine.Kernel < new Version(6, 9)
        ? new Finding("process identity", Health.Limited, "no pidfs before Linux 6.9: messages bring no PIDFS_ID", "compare START_TIME with the process id instead")
        : new Finding("process identity", Health.Ok, "pidfs numbers, used once until reboot");

    /// <summary>How many files the server may have open.</summary>
    public static Finding OpenFiles(IMachine machine)
    {
        const string What = "open files";
        string? line = machine.Read("/proc/self/limits")?.Split('\n').FirstOrDefault(static line => line.StartsWith("Max open files", StringComparison.Ordinal));
        string[] words = line?[14..].Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (words.Length < 2)
            return new Finding(What, Health.Limited, "the limit cannot be read in /proc/self/limits", "is /proc mounted?");
        // The server raises the soft limit itself, and root the hard one too.
        string? most = machine.Uid == 0 ? machine.Read("/proc/sys/fs/nr_open")?.Trim() ?? words[1] : words[1];
        bool isNumber = long.TryParse(most, NumberStyles.None, CultureInfo.InvariantCulture, out long limit);
        return isNumber && limit < FewFiles
            ? new Finding(What, Health.Limited, $"a server may have {limit}, and each client takes one or two", "raise the hard limit: ulimit -H -n, LimitNOFILE= of a unit")
            : new Finding(What, Health.Ok, $"a server may have {most}");
    }

    /// <summary>The mount option <c>low-latency</c>.</summary>
    public static Finding LowLatency(IMachine machine)
    {
        const string Device = "/dev/cpu_dma_latency";
        int error = machine.TryOpen(Device, OpenFlags.WriteOnly);
        return error == 0 ? new Finding("low latency", Health.Ok, $"{Device} can be opened (mount -o low-latency)")
            : new Finding("low latency", Health.Limited, $"{Device}: {SystemError.Describe(error)}", "only root can mount with -o low-latency; without it a call between two CPUs waits for the other one to wake");
    }

    /// <summary>Kinds of metadata that the kernel can tell.</summary>
    public static Finding Metadata(IMachine machine)
    {
        (string Kind, bool Is)[] kinds =
        [
            ("cgroup", machine.Read("/proc/self/cgroup") is { Length: > 0 }), ("audit", machine.Read("/proc/self/loginuid") is { Length: > 0 }),
            ("seclabel", machine.Read("/proc/self/attr/current") is { Length: > 0 }),
        ];
        string[] missing = [.. kinds.Where(static kind => !kind.Is).Select(static kind => kind.Kind)];
        return missing.Length == 0 ? new Finding("metadata", Health.Ok, "all kinds")
            : new Finding("metadata", Health.Limited, $"this kernel does not tell {string.Join(", ", missing)}", "nothing has to be done: such items are left out of messages");
    }

    /// <summary>A mounted domain.</summary>
    public static Finding Domain(DomainState domain)
    {
        string what = $"domain {domain.Path}";
        if (domain.Error is null)
            return new Finding(what, Health.Missing, "its server does not answer", $"see what it does; kdbusctl unmount --lazy {domain.Path} takes it away");
        if (domain.Error == -SystemError.EACCES)
            return new Finding(what, Health.Limited, "is not for you (EACCES)", "mount one of your own, or have it mounted with allow_other");
        if (domain.Error < 0)
            return new Finding(what, Health.Missing, $"its server is gone: {SystemError.Describe(domain.Error.Value)}", $"kdbusctl unmount --lazy {domain.Path}");
        string server = domain.Server is { } row ? $", {row.Profile}, version {row.Version}, process {row.Pid}{(row.Extensions ? "" : ", without extensions")}" : "";
        return new Finding(what, Health.Ok, string.Create(CultureInfo.InvariantCulture, $"{domain.Buses} {(domain.Buses == 1 ? "bus" : "buses")}{server}"));
    }
}
