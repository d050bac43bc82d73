using Kdbus.Abi;
using Kdbus.Daemon.Serving;
using Microsoft.Extensions.Logging;

namespace Kdbus.Daemon;

/// <summary>Everything the daemon logs, under ids that do not change: below 100 the program, 1xx the mount, 2xx clients that misbehave, 9xx our own bugs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Mounted {Source} on {MountPoint}.")]
    public static partial void Mounted(this ILogger log, string source, string mountPoint);

    [LoggerMessage(2, LogLevel.Information, "Stopping on {Signal}.")]
    public static partial void Stopping(this ILogger log, string signal);

    [LoggerMessage(3, LogLevel.Warning, "Ending although files are still open; using them is ENOTCONN from now on.")]
    public static partial void EndingWithOpenFiles(this ILogger log);

    [LoggerMessage(4, LogLevel.Warning, "Cannot unmount {MountPoint}: {Reason}.")]
    public static partial void CannotUnmount(this ILogger log, string mountPoint, string reason);

    [LoggerMessage(5, LogLevel.Critical, "The server failed.")]
    public static partial void ServerFailed(this ILogger log, Exception exception);

    [LoggerMessage(6, LogLevel.Warning, "Nobody waits for this background process any more; ending.")]
    public static partial void Abandoned(this ILogger log);

    [LoggerMessage(101, LogLevel.Information, "Serving with the {Profile} profile over FUSE 7.{Minor}.")]
    public static partial void Serving(this ILogger log, PoolProfile profile, uint minor);

    [LoggerMessage(102, LogLevel.Information, "The mount has ended: {Reason}.")]
    public static partial void Ended(this ILogger log, string reason);

    [LoggerMessage(103, LogLevel.Debug, "{Message}")]
    public static partial void FuseMessage(this ILogger log, string message);

    [LoggerMessage(104, LogLevel.Debug, "Status file {Name}: {Bytes} bytes, copied out of the engine in {Copied} us and rendered in {Rendered} us.")]
    public static partial void StatusShown(this ILogger log, string name, int bytes, long copied, long rendered);

    [LoggerMessage(201, LogLevel.Warning, "The memory of thread {Thread} of user {Uid} has not answered for {Milliseconds} ms; others are served meanwhile.")]
    public static partial void ReaderStuck(this ILogger log, int thread, uint uid, int milliseconds);

    [LoggerMessage(202, LogLevel.Warning, "Aborted FUSE connection {Device}, with which thread {Thread} of user {Uid} kept a reader stuck.")]
    public static partial void MountAborted(this ILogger log, uint device, int thread, uint uid);

    [LoggerMessage(203, LogLevel.Warning, "{Receiver} on bus {Bus} has no room for {Size} bytes from {Sender} ({Reason}): {User} holds {Messages} of {MessagesLimit} messages and {Bytes:N0} of {BytesLimit:N0} bytes there{Holders}; {LastRead}{Suppressed}.")]
    public static partial void QuotaExceeded(
        this ILogger log,
        string receiver,
        string bus,
        ulong size,
        string sender,
        Errno reason,
        string user,
        int messages,
        int messagesLimit,
        ulong bytes,
        ulong bytesLimit,
        string holders,
        string lastRead,
        string suppressed);

    [LoggerMessage(204, LogLevel.Warning, "{Receiver} on bus {Bus} has no room for {Size} bytes from {Sender} ({Reason}): of its pool of {PoolSize:N0} bytes {PoolUsed:N0} are in use, queued or received and not freed, and the largest free range has {LargestFree:N0}; {LastRead}{Suppressed}.")]
    public static partial void PoolFull(
        this ILogger log,
        string receiver,
        string bus,
        ulong size,
        string sender,
        Errno reason,
        ulong poolSize,
        ulong poolUsed,
        ulong largestFree,
        string lastRead,
        string suppressed);

    [LoggerMessage(205, LogLevel.Warning, "{Receiver} on bus {Bus} has no room for {Size} bytes from {Sender} ({Reason}): the host has no memory for its pool{Suppressed}.")]
    public static partial void HostFull(this ILogger log, string receiver, string bus, ulong size, string sender, Errno reason, string suppressed);

    [LoggerMessage(901, LogLevel.Error, "A bug of this program; the request it is about was answered with EIO.")]
    public static partial void Bug(this ILogger log, Exception bug);
}
