using Kdbus.Abi;

namespace Kdbus.Engine.Status;

/// <summary>A connection: what it is, what it holds, how it stands with its messages.</summary>
public sealed record ConnectionRow
{
    /// <summary>Unique in the domain.</summary>
    public required ulong Id { get; init; }

    /// <summary>What it is there for.</summary>
    public required ConnectionKind Kind { get; init; }

    /// <summary>Flags of HELLO.</summary>
    public required HelloFlags Flags { get; init; }

    /// <summary>The endpoint it came through.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Who is charged for what it sends.</summary>
    public required UserId User { get; init; }

    /// <summary>Real user of who said HELLO.</summary>
    public required uint Uid { get; init; }

    /// <summary>Effective user of who said HELLO.</summary>
    public required uint Euid { get; init; }

    /// <summary>Effective group of who said HELLO.</summary>
    public required uint Egid { get; init; }

    /// <summary>The process that said HELLO; 0 if it is not to be seen from here.</summary>
    public required int Pid { get; init; }

    /// <summary>Its maker said that it stands for another process; the ids above are the maker's.</summary>
    public required bool IsFaked { get; init; }

    /// <summary>It may do everything on this bus.</summary>
    public required bool Privileged { get; init; }

    /// <summary>What may be sent about it.</summary>
    public required AttachFlags AttachSend { get; init; }

    /// <summary>What it wants with each message.</summary>
    public required AttachFlags AttachRecv { get; init; }

    /// <summary>The description given at HELLO; empty if none.</summary>
    public required string Description { get; init; }

    /// <summary>Bytes of its pool.</summary>
    public required ulong PoolSize { get; init; }

    /// <summary>Bytes of the slices in use, queued or not yet freed.</summary>
    public required ulong PoolUsed { get; init; }

    /// <summary>Slices in use.</summary>
    public required int Slices { get; init; }

    /// <summary>Bytes of the largest free range of the pool.</summary>
    public required ulong LargestFree { get; init; }

    /// <summary>Messages queued.</summary>
    public required int Queued { get; init; }

    /// <summary>Bytes charged on somebody: queued messages, and those on their way.</summary>
    public required ulong ChargedBytes { get; init; }

    /// <summary>Signals and notifications lost since the last RECV.</summary>
    public required ulong Dropped { get; init; }

    /// <summary>Messages that found no room here.</summary>
    public required ulong Refused { get; init; }

    /// <summary>Why the last of them found none; OK if none was refused.</summary>
    public required Errno LastRefusal { get; init; }

    /// <summary>Names it owns, in the order in which it came to own them.</summary>
    public required Listing<string> Names { get; init; }

    /// <summary>Names it waits for, in the order in which it began to.</summary>
    public required Listing<string> WaitsFor { get; init; }

    /// <summary>The name an activator stands in for, or null.</summary>
    public required string? ActivatorOf { get; init; }

    /// <summary>Matches it has.</summary>
    public required int Matches { get; init; }

    /// <summary>Request slots taken.</summary>
    public required int RequestSlots { get; init; }

    /// <summary>CLOCK_MONOTONIC time of HELLO, nanoseconds.</summary>
    public required ulong ConnectedAt { get; init; }

    /// <summary>CLOCK_MONOTONIC time of the last RECV, nanoseconds; 0 if there was none.</summary>
    public required ulong LastRead { get; init; }
}
