namespace Kdbus.Linux;

/// <summary>Who this process is: user and group ids in its own user namespace, and the capabilities it has there.</summary>
public static class Credentials
{
    /// <summary>Number of CAP_SYS_ADMIN in capabilities(7): mounting, among much else.</summary>
    public const int CapSysAdmin = 21;

    /// <summary>Real user id.</summary>
    public static uint Uid => Libc.Getuid();

    /// <summary>Effective user id.</summary>
    public static uint EffectiveUid => Libc.Geteuid();

    /// <summary>Real group id.</summary>
    public static uint Gid => Libc.Getgid();

    /// <summary>Effective group id.</summary>
    public static uint EffectiveGid => Libc.Getegid();

    /// <summary>Whether the effective user is root of this user namespace. Root may still lack capabilities: see
    /// <see cref="HasCapability"/>.</summary>
    public static bool IsRoot => EffectiveUid == 0;

    /// <summary>Whether this process is in the machine's initial user namespace, in which its ids mean what they say everywhere.</summary>
    public static bool IsInitialUserNamespace
        => ProcessNamespace.Inode(Environment.ProcessId, NamespaceKind.User) == 0xeffffffd; // PROC_USER_INIT_INO

    /// <summary>The highest number of capabilities(7) that the kernel knows, or -errno.</summary>
    public static int LastCapability() => (int)ProcFile.ReadNumber("/proc/sys/kernel/cap_last_cap\0"u8);

    /// <summary>Whether this process has a capability effective in its own user namespace. False too if /proc cannot tell.</summary>
    /// <param name="capability">A number of capabilities(7).</param>
    public static bool HasCapability(int capability)
    {
        var status = new TaskStatus();
        return status.Read(Environment.ProcessId) == 0 && (status.CapEffective & (1UL << capability)) != 0;
    }
}
