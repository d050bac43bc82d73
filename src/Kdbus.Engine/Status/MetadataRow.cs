using Kdbus.Abi;

namespace Kdbus.Engine.Status;

/// <summary>A kind of metadata.</summary>
/// <param name="Kind">Its bit in masks.</param>
/// <param name="Item">The item that carries it.</param>
/// <param name="LetsThrough">The domain lets it through, if sender and receiver agree to it.</param>
public sealed record MetadataRow(AttachFlags Kind, ItemType Item, bool LetsThrough);
