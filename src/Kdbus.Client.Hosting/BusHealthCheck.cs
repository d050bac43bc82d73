using Kdbus.Abi;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kdbus.Client.Hosting;

/// <summary>Healthy when the bus answers on the connection of the host.</summary>
internal sealed class BusHealthCheck(BusConnection connection) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            Dictionary<string, object> facts = new(StringComparer.Ordinal)
            {
                ["address"] = connection.Address,
                ["id"] = connection.Id,
                ["droppedSignals"] = connection.DroppedSignals,
            };
            return Task.FromResult(
                connection.FindPeer(connection.Id, AttachFlags.None) is null
                    ? new HealthCheckResult(context.Registration.FailureStatus, $"The bus at {connection.Address} does not know this connection.", data: facts)
                    : HealthCheckResult.Healthy($"Connection {connection.Id} at {connection.Address}.", facts));
        }
        catch (Exception failure) when (failure is BusException or ObjectDisposedException)
        {
            return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, failure.Message, failure));
        }
    }
}
