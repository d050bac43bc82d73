using Kdbus.Engine;

namespace Kdbus.Fuzz.Serving;

/// <summary>What must hold inside the engine between any two inputs.</summary>
internal static class Consistency
{
    /// <summary>What does not hold, or null.</summary>
    public static string? Check(Domain domain) => domain.Buses.Select(Check).FirstOrDefault(wrong => wrong != null);

    private static string? Check(Bus bus)
    {
        var matches = 0;
        var names = 0;
        foreach (var connection in bus.Connections)
        {
            if (!connection.Alive || connection.Bus != bus || !connection.Endpoint.Alive) return $"{connection.Id} is on the bus and should not be.";
            if (connection.Kind == ConnectionKind.Monitor != bus.Monitors.Contains(connection)) return $"{connection.Id} is among the monitors, or is not.";
            if (connection.Kind != ConnectionKind.Ordinary && connection.WaitsFor.Count + connection.Matches.All.Count > 0) return $"{connection.Id} is not of the kind to wait or match.";
            if (connection.Names.Any(entry => entry.Owner != connection || bus.Names.Find(entry.Name) != entry)) return $"{connection.Id} thinks that it owns a name.";
            if (connection.WaitsFor.Exists(entry => entry.Waiters.Count(waiter => waiter.Connection == connection) != 1)) return $"{connection.Id} waits and is not in line.";
            if (connection.ActivatorOf is { } entry && entry.Activator != connection) return $"{connection.Id} stands in for a name that knows nothing of it.";
            matches += connection.Matches.All.Count;
            names += connection.Names.Count;
        }

        if (matches != bus.Matching.Count) return $"{matches} matches, {bus.Matching.Count} in the index.";
        if (names != bus.Names.Entries.Count) return $"{names} names owned, {bus.Names.Entries.Count} registered.";
        foreach (var entry in bus.Names.Entries)
        {
            if (entry.Waiters.Any(waiter => !waiter.Connection.Alive || !waiter.Connection.WaitsFor.Contains(entry))) return $"In line for {entry.Text} is somebody who does not wait.";
            if (entry.Activator is { } activator && (!activator.Alive || activator.ActivatorOf != entry)) return $"{entry.Text} has an activator that is none.";
            if (entry.IsHeldByActivator && entry.Waiters.Count > 0) return $"{entry.Text} is with its activator although somebody waits.";
        }

        var policies = bus.Policy.Entries.Select(owned => owned.Owner);
        return policies.All(owner => owner is Connection { Alive: true, Kind: ConnectionKind.Activator or ConnectionKind.PolicyHolder }) ? null : "A policy of nobody.";
    }
}
