using Kdbus.Daemon.Mounting;
using Kdbus.Linux;

namespace Kdbus.Daemon.Cli;

/// <summary><c>kdbusfs mount</c>: checks what can be checked, then serves in this process or in a background copy of it.</summary>
internal static class MountCommand
{
    /// <returns>The exit code; what is wrong has been printed.</returns>
    internal static int Run(MountRequest request)
    {
        int ready = -1;
        if (request.ReadyDescriptor >= 0)
        {
            // It came across exec and would go on to fusermount3, keeping our parent waiting: the copy does not.
            ready = FileDescriptor.Duplicate(request.ReadyDescriptor, StandardError.Descriptor + 1);
            if (ready < 0)
                return StandardError.Print(new Failure(ExitCode.Usage, $"descriptor {request.ReadyDescriptor} is not open"));
            _ = FileDescriptor.Close(request.ReadyDescriptor);
        }
        if (MountOptions.Parse(request.OptionLists, request.IgnoreUnknownOptions, out MountSettings options) is { } wrongOption)
            return StandardError.Print(wrongOption);
        if (request.Debug)
            options = MountOptions.WithTrace(options);
        if (MountPoint.Resolve(request.Directory, out string path) is { } wrongDirectory)
            return StandardError.Print(wrongDirectory);
        if (MountPoint.CheckFree(path) is { } taken)
            return StandardError.Print(taken);
        if (request.Fake)
            return ExitCode.Success;

        if (request.LogFile is not null)
            request = request with { LogFile = Path.GetFullPath(request.LogFile) };
        if (!request.Foreground)
            return Background.Start(request with { Directory = path });
        var foreground = new Foreground(request, options, path, ready);
        return foreground.Run();
    }
}
