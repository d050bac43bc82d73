using Kdbus.Daemon.Cli;
using Kdbus.Daemon.Serving;

namespace Kdbus.Daemon.Mounting;

/// <summary>Which kernel is needed for what. The version only makes for an early and clear message; what a kernel really offers is found
/// out when FUSE is initialised.</summary>
public static class KernelVersion
{
    /// <summary>The oldest kernel that has everything no profile can do without: taking descriptors from a caller (pidfd_getfd) came with
    /// 5.6.</summary>
    public static Version Oldest { get; } = new(5, 6);

    /// <summary>The oldest kernel with passthrough of mappings to a backing file.</summary>
    public static Version OldestWithPassthrough { get; } = new(6, 9);

    /// <summary>Whether a kernel is new enough for a profile.</summary>
    /// <param name="kernel">Its version.</param>
    /// <param name="profile">What was asked for.</param>
    public static Failure? Check(Version kernel, ProfileChoice profile)
    {
        if (kernel < Oldest)
            return new Failure(ExitCode.KernelRefuses, $"this kernel is {kernel.ToString(2)}, kdbusfs needs {Oldest} or newer");
        if (profile is ProfileChoice.Passthrough && kernel < OldestWithPassthrough)
        {
            return new Failure(
                ExitCode.KernelRefuses,
                $"this kernel is {kernel.ToString(2)}, profile=passthrough needs {OldestWithPassthrough} or newer",
                "profile=auto uses passthrough where it is available");
        }
        return null;
    }
}
