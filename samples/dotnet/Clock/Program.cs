using System.Globalization;
using Kdbus.Linux;
using Samples.Clock;

if (args is not (["service" or "client", _] or ["service" or "client", _, _]) ||
    !ulong.TryParse(args.ElementAtOrDefault(2) ?? "0", CultureInfo.InvariantCulture, out ulong number))
{
    Console.Error.WriteLine(
        """
        usage: clock service ENDPOINT [REQUESTS]   tell who asks what time it is; leave after so many requests
               clock client ENDPOINT [ID]          ask the connection ID, or whoever else is on the bus
        """);
    return 2;
}

string role = args[0], endpoint = args[1];
int result = BusConnection.Open(endpoint, $"clock-{role}", out var connection);
if (connection is null)
{
    Console.Error.WriteLine($"clock: cannot connect to {endpoint}: {SystemError.Describe(result)}");
    return 1;
}

using (connection)
{
    if (result == 0) result = role == "service" ? ClockService.Run(connection, number == 0 ? -1 : (long)number) : ClockClient.Run(connection, number);
}

if (result < 0) Console.Error.WriteLine($"clock {role}: {SystemError.Describe(result)}");
return result < 0 ? 1 : 0;
