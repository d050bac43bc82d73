using Kdbus.Daemon.Serving;
using Microsoft.Extensions.Logging;

namespace Kdbus.Daemon;

/// <summary>Everything the daemon logs, under ids that do not change: 1xx the mount, 2xx clients that misbehave, 9xx our own bugs.</summary>
internal static partial class Log
{
    [LoggerMessage(101, LogLevel.Information, "Serving with the {Profile} profile over FUSE 7.{Minor}.")]
    public static partial void Serving(this ILogger log, PoolProfile profile, uint minor);

    [LoggerMessage(102, LogLevel.Information, "The mount has ended: {Reason}.")]
    public static partial void Ended(this ILogger log, string reason);

    [LoggerMessage(103, LogLevel.Debug, "{Message}")]
    public static partial void FuseMessage(this ILogger log, string message);

    [LoggerMessage(201, LogLevel.Warning, "The memory of thread {Thread} of user {Uid} has not answered for {Milliseconds} ms; others are served meanwhile.")]
    public static partial void ReaderStuck(this ILogger log, int thread, uint uid, int milliseconds);

    [LoggerMessage(202, LogLevel.Warning, "Aborted FUSE connection {Device}, with which thread {Thread} of user {Uid} kept a reader stuck.")]
    public static partial void MountAborted(this ILogger log, uint device, int thread, uint uid);

    [LoggerMessage(901, LogLevel.Error, "A bug of this program; the request it is about was answered with EIO.")]
    public static partial void Bug(this ILogger log, Exception bug);
}
