using Kdbus.Abi;

namespace Kdbus.Engine.Status;

/// <summary>How a request stands.</summary>
public enum ReplyState
{
    /// <summary>Nobody waits inside a call; the reply will be queued.</summary>
    Asynchronous,
    /// <summary>The requester waits inside its call.</summary>
    Waiting,
    /// <summary>A signal took the requester out of its call; it may come back.</summary>
    Interrupted,
    /// <summary>A reply is being copied.</summary>
    Answering,
    /// <summary>The result is there, and is kept for a requester that was interrupted.</summary>
    Answered,
}

/// <summary>A request that may still be answered, or whose answer has not been picked up.</summary>
/// <param name="Requester">Who asked.</param>
/// <param name="Cookie">The requester's number for it.</param>
/// <param name="Answerer">Who may answer.</param>
/// <param name="Name">The name it was sent to and goes with, or null.</param>
/// <param name="Deadline">CLOCK_MONOTONIC, nanoseconds.</param>
/// <param name="Synchronous">The requester waits inside its call, or was interrupted there.</param>
/// <param name="State">How it stands.</param>
/// <param name="Queued">The request is still in the answerer's queue.</param>
/// <param name="Expected">A reply is still allowed.</param>
/// <param name="Result">What the call comes to, if answered; else null.</param>
/// <param name="AnswerBytes">Bytes of the answer that is kept; 0 if none is.</param>
/// <param name="Slots">Request slots that the requester has taken, this one among them.</param>
public sealed record ReplyRow(
    ulong Requester,
    ulong Cookie,
    ulong Answerer,
    string? Name,
    ulong Deadline,
    bool Synchronous,
    ReplyState State,
    bool Queued,
    bool Expected,
    Errno? Result,
    ulong AnswerBytes,
    int Slots);
