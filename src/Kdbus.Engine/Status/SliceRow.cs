namespace Kdbus.Engine.Status;

/// <summary>A range of a pool that is in use.</summary>
/// <param name="Connection">Whose pool.</param>
/// <param name="Offset">Where it starts.</param>
/// <param name="Size">Bytes.</param>
/// <param name="HeldByBus">The bus has a use for it.</param>
/// <param name="HeldByOwner">The owner of the pool knows of it and has not freed it.</param>
public readonly record struct SliceRow(ulong Connection, ulong Offset, ulong Size, bool HeldByBus, bool HeldByOwner);
