namespace Kdbus.Fuzz;

/// <summary>What must not happen has happened.</summary>
internal sealed class FuzzFailure(string message, Exception? inner = null) : Exception(message, inner);
