using System.Globalization;
using System.Text;

namespace Kdbus.Linux;

/// <summary>What fusermount3 did.</summary>
/// <param name="Error">0, or -errno: -ENOENT when the program is not installed, -EPERM when it refused or failed for a reason given in
/// <paramref name="Message"/>.</param>
/// <param name="Descriptor">After a successful mount the /dev/fuse descriptor, owned by the caller; else -1.</param>
/// <param name="Message">What the program wrote to its standard error, one line or more, trimmed; empty if nothing.</param>
public readonly record struct FusermountResult(int Error, int Descriptor, string Message);

/// <summary>
/// Mounting without privileges, by the set-user-ID program fusermount3(1): it checks that the user may mount there, opens /dev/fuse,
/// mounts, and passes the descriptor back over a socket whose number it finds in the variable _FUSE_COMMFD. Its own words are the best
/// explanation of a refusal, so they are carried along.
/// </summary>
public static class Fusermount
{
    private const string Program = "fusermount3";
    private const int SocketNumber = 3;

    /// <summary>Mounts: on success the caller owns the descriptor and must answer the kernel's INIT on it.</summary>
    /// <param name="directory">Mount point, writable by and accessible to the user.</param>
    /// <param name="options">Mount options, comma separated, as fusermount3 takes them (<c>fsname=</c>, <c>subtype=</c>,
    /// <c>allow_other</c>, …).</param>
    public static FusermountResult Mount(string directory, string options)
    {
        int error = DescriptorSocket.CreatePair(out int ours, out int theirs);
        if (error < 0)
            return new FusermountResult(error, -1, "");
        string variable = string.Create(CultureInfo.InvariantCulture, $"_FUSE_COMMFD={SocketNumber}");
        List<string> environment = [.. ChildProcess.CurrentEnvironment(), variable];
        int descriptor = -1;
        FusermountResult result = Run(
            [Program, "-o", options, "--", directory],
            environment,
            theirs,
            () =>
            {
                // With our copy of its end closed, a program that ends without sending is an end of file here, not a wait for ever.
                _ = FileDescriptor.Close(theirs);
                theirs = -1;
                descriptor = DescriptorSocket.Receive(ours);
            });
        if (theirs >= 0)
            _ = FileDescriptor.Close(theirs);
        _ = FileDescriptor.Close(ours);
        if (result.Error == 0)
            return descriptor >= 0 ? result with { Descriptor = descriptor } : result with { Error = descriptor };
        if (descriptor >= 0)
            _ = FileDescriptor.Close(descriptor);
        return result;
    }

    /// <summary>Unmounts a FUSE mount of this user (<c>-u</c>).</summary>
    /// <param name="directory">The mount point.</param>
    /// <param name="lazy">Out of the tree at once, gone when no longer in use (<c>-z</c>).</param>
    public static FusermountResult Unmount(string directory, bool lazy)
        => Run(lazy ? [Program, "-u", "-z", "--", directory] : [Program, "-u", "--", directory], null, -1, static () => { });

    /// <summary>Where fusermount3 is: in PATH, else in the directories of system programs; null if it is not installed.</summary>
    public static string? Find()
    {
        string path = Environment.GetEnvironmentVariable("PATH") + ":/usr/local/bin:/usr/bin:/bin:/run/wrappers/bin";
        foreach (string directory in path.Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            string candidate = Path.Combine(directory, Program);
            if (File.Exists(candidate))
                return candidate;
        }
        return null;
    }

    private static FusermountResult Run(IReadOnlyList<string> arguments, IReadOnlyList<string>? environment, int socket, Action started)
    {
        string? program = Find();
        if (program is null)
            return new FusermountResult(-SystemError.ENOENT, -1, "");
        int error = FileDescriptor.Pipe(out int readEnd, out int writeEnd);
        if (error < 0)
            return new FusermountResult(error, -1, "");
        Span<PassedDescriptor> all = [new PassedDescriptor(writeEnd, 2), new PassedDescriptor(socket, SocketNumber)];
        int pid = ChildProcess.Spawn(program, arguments, environment, socket < 0 ? all[..1] : all);
        _ = FileDescriptor.Close(writeEnd);
        if (pid < 0)
        {
            _ = FileDescriptor.Close(readEnd);
            return new FusermountResult(pid, -1, "");
        }
        started();
        byte[] text = [];
        int length = ProcFile.ReadToEnd(readEnd, ref text);
        _ = FileDescriptor.Close(readEnd);
        int code = ChildProcess.Wait(pid);
        string message = Encoding.UTF8.GetString(text, 0, Math.Max(length, 0)).Trim();
        return new FusermountResult(code == 0 ? 0 : code < 0 ? code : -SystemError.EPERM, -1, message);
    }
}
