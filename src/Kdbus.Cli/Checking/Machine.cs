using System.Diagnostics;
using Kdbus.Cli.Status;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>What the checks ask of a machine. There is the real one, and those that tests make up.</summary>
internal interface IMachine
{
    /// <summary>Version of the kernel.</summary>
    Version Kernel { get; }

    /// <summary>Effective user.</summary>
    uint Uid { get; }

    /// <summary>In the initial user namespace.</summary>
    bool IsInitialUserNamespace { get; }

    /// <summary>CPUs that programs may use.</summary>
    int Cpus { get; }

    /// <summary>Whether this process has a capability.</summary>
    bool HasCapability(int capability);

    /// <summary>Opens a file and closes it again: 0 or -errno.</summary>
    int TryOpen(string path, int flags);

    /// <summary>The text of a file; null if it cannot be read.</summary>
    string? Read(string path);

    /// <summary>Mode and owner of a file; null if there is none.</summary>
    (uint Mode, uint Uid)? Status(string path);

    /// <summary>Where kdbusfs is; null if nowhere.</summary>
    string? FindServer();

    /// <summary>Where fusermount3 is; null if nowhere.</summary>
    string? FindFusermount();

    /// <summary>What a program prints; null if it cannot be run.</summary>
    string? Run(string program, string argument);

    /// <summary>The domains that are mounted here.</summary>
    IReadOnlyList<DomainState> Domains();
}

/// <summary>A mounted domain.</summary>
/// <param name="Path">Where.</param>
/// <param name="Error">0: it answers; -errno: it does not; null: not in time.</param>
/// <param name="Buses">How many buses are there.</param>
/// <param name="Server">What its server says of itself; null: it is too old to.</param>
internal sealed record DomainState(string Path, int? Error, int Buses, ServerRow? Server);

/// <summary>The machine this runs on.</summary>
internal sealed class Machine : IMachine
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <inheritdoc/>
    public Version Kernel => Environment.OSVersion.Version;

    /// <inheritdoc/>
    public uint Uid => Credentials.EffectiveUid;

    /// <inheritdoc/>
    public bool IsInitialUserNamespace => Credentials.IsInitialUserNamespace;

    /// <inheritdoc/>
    public int Cpus => Environment.ProcessorCount;

    /// <inheritdoc/>
    public bool HasCapability(int capability) => Credentials.HasCapability(capability);

    /// <inheritdoc/>
    public int TryOpen(string path, int flags)
    {
        int file = FileDescriptor.Open(path, flags);
        if (file >= 0)
            _ = FileDescriptor.Close(file);
        return Math.Min(file, 0);
    }

    /// <inheritdoc/>
    public string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public (uint Mode, uint Uid)? Status(string path) => FileStatus.Of(path, out FileStatus status) == 0 ? (status.Mode, status.Uid) : null;

    /// <inheritdoc/>
    public string? FindServer() => Kdbusfs.Find() is { } path && File.Exists(path) ? path : null;

    /// <inheritdoc/>
    public string? FindFusermount() => Fusermount.Find();

    /// <inheritdoc/>
    public string? Run(string program, string argument)
    {
        try
        {
            using Process? process = Process.Start(new ProcessStartInfo(program, [argument]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true });
            if (process is null)
                return null;
            string text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? text.Trim() : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<DomainState> Domains() => [.. MountedDomain.All().Select(static domain => Ask(domain))];

    /// <summary>A server that hangs keeps everybody waiting who asks it, for ever: somebody else asks.</summary>
    private static DomainState Ask(MountedDomain domain)
    {
        Task<DomainState> asking = Task.Run(() =>
        {
            int file = FileDescriptor.Open(Path.Combine(domain.Path, MountedDomain.Control), OpenFlags.ReadOnly);
            if (file < 0)
                return new DomainState(domain.Path, file, 0, null);
            _ = FileDescriptor.Close(file);
            return new DomainState(domain.Path, 0, domain.Buses().Count, StatusFiles.Server(domain));
        });
        return asking.Wait(s_patience) ? asking.Result : new DomainState(domain.Path, null, 0, null);
    }
}
