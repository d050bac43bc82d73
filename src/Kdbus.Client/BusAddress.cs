namespace Kdbus.Client;

/// <summary>Addresses of endpoints: a path, or the D-Bus form <c>kernel:path=…</c> with % for what is not a plain character; several have ; between them.</summary>
public static class BusAddress
{
    private static readonly string[] s_transports = ["kernel:", "kdbus:"];

    /// <summary>The paths in an address, in order.</summary>
    /// <exception cref="ArgumentException">There is none in it.</exception>
    public static IReadOnlyList<string> Parse(string address)
    {
        ArgumentException.ThrowIfNullOrEmpty(address);
        if (address[0] == '/' || !address.Contains(':'))
            return [address];
        List<string> paths = [];
        foreach (string one in address.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            string? transport = Array.Find(s_transports, one.StartsWith);
            string? path = transport is null ? null : Array.Find(one[transport.Length..].Split(','), static pair => pair.StartsWith("path=", StringComparison.Ordinal));
            if (path is not null)
                paths.Add(Uri.UnescapeDataString(path["path=".Length..]));
        }
        return paths.Count > 0 ? paths
            : throw new ArgumentException($"\"{address}\" is no address of a kdbusfs bus: a path such as /run/kdbus/1000-demo/bus, or kernel:path=/….", nameof(address));
    }
}
