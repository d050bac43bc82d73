using Kdbus.Abi;

namespace Kdbus.Engine.Status;

/// <summary>A name, or all names of one more element, and who gets how much of it.</summary>
/// <param name="Endpoint">The custom endpoint whose policy it is, or null for that of the bus.</param>
/// <param name="Name">The name, with <c>.*</c> behind it for all names of one more element.</param>
/// <param name="Owner">The connection that brought it, or null for an endpoint's own.</param>
/// <param name="Uid">Effective user of the owner.</param>
/// <param name="Access">Who gets what, as given; nobody else gets anything.</param>
public sealed record PolicyRow(string? Endpoint, string Name, ulong? Owner, uint Uid, Listing<AccessRow> Access);

/// <summary>Who gets how much of a name.</summary>
/// <param name="Type">Whom it speaks of.</param>
/// <param name="Id">The uid or gid; 0 for everybody.</param>
/// <param name="Level">How much.</param>
public readonly record struct AccessRow(PolicyAccessType Type, uint Id, PolicyAccessLevel Level);
