using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Daemon.Mounting;
using Kdbus.Daemon.Serving;
using Kdbus.Linux;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace Kdbus.Daemon.Cli;

/// <summary>
/// One mount's life in this process: mount, serve, tell whoever waits (a parent, systemd) that it serves, and on a signal or a fault leave
/// no mount behind. The server runs on the calling thread; signals come in on others.
/// </summary>
internal sealed class Foreground(MountRequest request, MountSettings settings, string path, int readyDescriptor)
{
    // How long the kernel and the clients may take after an unmount by signal. Files somebody keeps open do not hold us longer.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1);

    private readonly SystemdNotifier _notifier = new();

    // A task, because whoever waits for it may do so when all else is gone.
    private readonly TaskCompletionSource _ended = new();
    private int _stopping;

    // Where the user reads; -1 when he has gone on.
    private int _messages = -1;

    /// <summary>Serves until unmounted or told to stop.</summary>
    /// <returns>The exit code.</returns>
    internal int Run()
    {
        // The log may take standard error's place; what is said to the user goes where it was.
        _messages = FileDescriptor.Duplicate(StandardError.Descriptor, StandardError.Descriptor + 1);
        using ILoggerFactory? log = LogOutput.Open(request, settings.Server.Trace, out Failure? failure);
        if (log is null)
            return StandardError.Print(failure!, _messages);
        ILogger logger = log.CreateLogger("kdbusfs");

        // No directory is kept busy by us, and no umask narrows what clients ask for.
        Environment.CurrentDirectory = "/";
        _ = CurrentProcess.SetUmask(0);

        failure = FuseMount.Create(path, settings, out FuseMount? mount);
        if (failure is not null)
            return StandardError.Print(failure, _messages);
        logger.Mounted(settings.Source, path);

        void OnSignal(PosixSignalContext signal) => Stop(signal, mount!, log, logger);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal);
        try
        {
            string? refusal = Server.Run(settings.Server, mount!.Descriptor, path, log, profile => Ready(mount, logger, profile));
            if (refusal is not null)
                failure = new Failure(ExitCode.KernelRefuses, $"'{path}' cannot be served: {refusal}");
        }
#pragma warning disable CA1031 // The last one to know: a fault must not leave a dead mount behind, whatever it was.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.ServerFailed(exception);
            failure = new Failure(ExitCode.Internal, $"the server failed: {exception}");
        }
        Unmount(mount!, logger);
        _ended.SetResult();
        return failure is null ? ExitCode.Success : StandardError.Print(failure, _messages);
    }

    private void Ready(FuseMount mount, ILogger logger, string profile)
    {
        _notifier.Notify(ServiceState.Ready);
        _notifier.Notify(new ServiceState($"STATUS=Serving {path}, profile {profile}"));
        if (readyDescriptor < 0)
            return;
        int told = FileDescriptor.Write(readyDescriptor, Encoding.ASCII.GetBytes(profile));
        _ = FileDescriptor.Close(readyDescriptor);
        _ = FileDescriptor.Close(_messages);
        _messages = -1;
        int nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite);
        _ = CurrentProcess.RedirectStandardStreams(nothing, nothing, request.LogFile is null ? nothing : -1);
        _ = FileDescriptor.Close(nothing);
        if (told < 0)
        {
            // Whoever started us was told nothing and will believe that there is no mount.
            logger.Abandoned();
            Unmount(mount, logger);
        }
    }

    private void Stop(PosixSignalContext signal, FuseMount mount, ILoggerFactory log, ILogger logger)
    {
        signal.Cancel = true;
        if (Interlocked.Exchange(ref _stopping, 1) != 0)
            return;
        logger.Stopping(signal.Signal.ToString());
        _notifier.Notify(ServiceState.Stopping);
        Unmount(mount, logger);
        if (_ended.Task.Wait(s_grace))
            return;
        logger.EndingWithOpenFiles();
        log.Dispose();
        Environment.Exit(ExitCode.Success);
    }

    private void Unmount(FuseMount mount, ILogger logger)
    {
        if (mount.Unmount() is { } failure)
            logger.CannotUnmount(path, failure.Hint ?? failure.Message);
    }
}
