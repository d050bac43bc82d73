using Kdbus.Abi;

namespace Kdbus.Engine.Status;

/// <summary>A well-known name that somebody owns.</summary>
/// <param name="Name">The name.</param>
/// <param name="Id">Number of the entry in its bus: a name that was given up and acquired anew has another one.</param>
/// <param name="Owner">The connection that gets what is sent to the name.</param>
/// <param name="Flags">The flags the owner acquired it with.</param>
/// <param name="Activator">The connection that stands in for others, or null.</param>
/// <param name="Waiters">Who waits, first come first.</param>
/// <param name="InFlight">Messages to the name whose payload is being copied.</param>
public sealed record NameRow(string Name, ulong Id, ulong Owner, NameFlags Flags, ulong? Activator, Listing<WaiterRow> Waiters, int InFlight);

/// <summary>A connection that waits for a name.</summary>
/// <param name="Connection">Which.</param>
/// <param name="Flags">The flags it asked for the name with.</param>
public readonly record struct WaiterRow(ulong Connection, NameFlags Flags);
