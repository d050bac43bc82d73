using Kdbus.Linux;

namespace Samples.Clock;

/// <summary>
/// Tells everybody who asks what time it is, and leaves after a number of requests. A service is a loop: wait for a message, look at it, send the answer to its
/// sender, give its room back.
/// </summary>
internal static class ClockService
{
    public static int Run(BusConnection connection, long requests)
    {
        Console.WriteLine($"clock-service (C#): I am connection {connection.Id}");
        for (long served = 0; served != requests;)
        {
            int result = connection.Receive(-1, out var request);
            if (result < 0) return result;
            if (request.IsRequest)
            {
                Console.WriteLine($"clock-service (C#): {request.Header.SrcId} asks \"{request.Text()}\"");
                string answer = $"it is {DateTime.UtcNow:HH:mm:ss.ffffff} UTC, says process {Environment.ProcessId}, written in C#";
                result = connection.Reply(request.Header.SrcId, request.Header.Cookie, answer);
                served++;
            }

            // Whoever asked may be gone or may not wait any longer: no reason to stop serving.
            if (result < 0) Console.Error.WriteLine($"clock-service: a request could not be answered: {SystemError.Describe(result)}");
            _ = connection.Free(request);
        }

        return 0;
    }
}
