namespace Kdbus.Daemon.Status;

/// <summary>What the values of a snapshot are rendered beside.</summary>
/// <param name="Now">CLOCK_MONOTONIC time of the snapshot, nanoseconds.</param>
/// <param name="Processes">Names of processes.</param>
internal sealed record Rendering(ulong Now, ProcessNames Processes);
