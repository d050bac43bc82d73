using Kdbus.Linux;

namespace Samples.Clock;

/// <summary>Asks the clock service twice: once with a message and a later answer, once with a call that waits.</summary>
internal static class ClockClient
{
    private const ulong CookieOfMessage = 1;
    private const ulong CookieOfCall = 2;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <param name="connection">Who asks.</param>
    /// <param name="service">Whom to ask; 0 for whoever else is on the bus.</param>
    public static int Run(BusConnection connection, ulong service)
    {
        int result = service == 0 ? FindService(connection, out service) : 0;
        if (result < 0) return result;
        Console.WriteLine($"clock-client  (C#): I am connection {connection.Id} and ask {service}");
        result = AskWithMessage(connection, service);
        return result < 0 ? result : AskWithCall(connection, service);
    }

    // The way of programs that do other things meanwhile: send, poll, receive, and know the answer by its cookie.
    private static int AskWithMessage(BusConnection connection, ulong service)
    {
        int result = connection.Request(service, CookieOfMessage, "what time is it?", Timeout);
        while (result == 0)
        {
            result = connection.Receive((int)Timeout.TotalMilliseconds, out var message);
            if (result < 0) break;
            if (message.Answers(CookieOfMessage)) return Print(connection, "answer to a message", message);
            result = connection.Free(message);
        }

        return result;
    }

    // The short way: one system call.
    private static int AskWithCall(BusConnection connection, ulong service)
    {
        int result = connection.Call(service, CookieOfCall, "and now?", Timeout, out var answer);
        return result < 0 ? result : Print(connection, "answer to a call", answer);
    }

    private static int Print(BusConnection connection, string how, in Message answer)
    {
        int failure = answer.Failure;
        if (failure == 0) Console.WriteLine($"clock-client  (C#): {how}: \"{answer.Text()}\"");
        int result = connection.Free(answer);
        return failure < 0 ? failure : result;
    }

    private static int FindService(BusConnection connection, out ulong service)
    {
        long deadline = Environment.TickCount64 + (long)Timeout.TotalMilliseconds;
        int result;
        while ((result = connection.FindOther(out service)) == -SystemError.ENOENT && Environment.TickCount64 < deadline)
            Thread.Sleep(10);
        return result;
    }
}
