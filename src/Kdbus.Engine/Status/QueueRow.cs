namespace Kdbus.Engine.Status;

/// <summary>A message that waits to be received.</summary>
/// <param name="Receiver">In whose queue.</param>
/// <param name="Position">How many are in front of it.</param>
/// <param name="Sender">Who sent it; null for the bus itself.</param>
/// <param name="User">Who is charged.</param>
/// <param name="Size">Bytes charged, which are those of its slice.</param>
/// <param name="Fds">Descriptors in it.</param>
/// <param name="Priority">The smaller, the more urgent.</param>
/// <param name="Offset">Where it lies in the pool.</param>
/// <param name="Name">The name it was sent to and goes with, or null.</param>
/// <param name="Request">Cookie of the request it is, while it holds the requester's slot; else null.</param>
/// <param name="RequestEnded">The request has ended, though its message is still here.</param>
/// <param name="Peeked">Its receiver has looked at it, and holds the slice too.</param>
/// <param name="Kept">What lies in the pool is kept beside it, since the receiver could write there.</param>
public readonly record struct QueueRow(
    ulong Receiver,
    int Position,
    ulong? Sender,
    UserId User,
    ulong Size,
    int Fds,
    long Priority,
    ulong Offset,
    string? Name,
    ulong? Request,
    bool RequestEnded,
    bool Peeked,
    bool Kept);
