using Microsoft.Extensions.Logging;

namespace Kdbus.Client.Hosting;

/// <summary>Everything that is logged. The numbers stay the same.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Connected to {Address} as connection {Id}")]
    public static partial void Connected(this ILogger logger, string address, ulong id);

    [LoggerMessage(2, LogLevel.Information, "Serving {Interface} at {Name}")]
    public static partial void Serving(this ILogger logger, string @interface, string name);

    [LoggerMessage(3, LogLevel.Critical, "The connection to {Address} is lost. {Consequence}")]
    public static partial void Lost(this ILogger logger, string address, string consequence);

    [LoggerMessage(4, LogLevel.Error, "{Interface}.{Member}, called by connection {Caller}, failed")]
    public static partial void HandlerFailed(this ILogger logger, Exception failure, string @interface, string member, ulong caller);
}
