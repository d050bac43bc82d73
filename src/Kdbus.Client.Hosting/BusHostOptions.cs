using Kdbus.Abi;

namespace Kdbus.Client.Hosting;

/// <summary>Which bus a host is on, and how. Bound from the section that is given to <c>AddBus</c>; the names in it are those here.</summary>
public sealed class BusHostOptions
{
    /// <summary>Path of the endpoint, or a D-Bus address; see <see cref="BusConnection.ConnectAsync"/>. Required.</summary>
    public string Address { get; set; } = "";

    /// <summary>See <see cref="BusConnectionOptions.Description"/>.</summary>
    public string? Description { get; set; }

    /// <summary>See <see cref="BusConnectionOptions.PoolSize"/>, bytes.</summary>
    public int PoolSize { get; set; } = 16 << 20;

    /// <summary>See <see cref="BusConnectionOptions.SendMetadata"/>.</summary>
    public AttachFlags SendMetadata { get; set; } = AttachFlags.All;

    /// <summary>See <see cref="BusConnectionOptions.ReceiveMetadata"/>.</summary>
    public AttachFlags ReceiveMetadata { get; set; }

    /// <summary>See <see cref="BusConnectionOptions.CallTimeout"/>.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>How long starting waits for a bus that is not there yet.</summary>
    public TimeSpan WaitForEndpoint { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether the application stops, with exit code 1, when the connection is lost: a supervisor starts it again, and it is whole again.</summary>
    public bool StopWhenLost { get; set; } = true;

    internal BusConnectionOptions ToConnectionOptions() => new()
    {
        Description = Description,
        PoolSize = PoolSize,
        SendMetadata = SendMetadata,
        ReceiveMetadata = ReceiveMetadata,
        CallTimeout = CallTimeout,
        WaitForEndpoint = WaitForEndpoint,
    };
}
