using Kdbus.Abi;

namespace Kdbus.Engine.Processes;

/// <summary>What a bus requires its members to allow, and some did not.</summary>
/// <param name="Count">How often that was refused.</param>
/// <param name="Missing">Which kinds the last one did not allow.</param>
/// <param name="Pid">The process of the last one; 0 if it is not to be seen from here.</param>
public readonly record struct UnmetRequirement(ulong Count, AttachFlags Missing, int Pid);
