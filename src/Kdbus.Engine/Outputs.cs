using Kdbus.Abi;
using Kdbus.Engine.Files;
using Kdbus.Engine.Messages;

namespace Kdbus.Engine;

/// <summary>What the daemon carries out on behalf of the engine, in the order in which it is told.</summary>
public interface IEffects
{
    /// <summary>The handle's poll state has changed to readable or hung up.</summary>
    void Wake(ulong handle);

    /// <summary>A call that was <see cref="OutcomeKind.Pending"/> has ended.</summary>
    void Complete(in Completion completion);

    /// <summary>
    /// The room that a pending call has for messages, as long as its <see cref="Invocation.Answer"/> was. What is written there goes with the
    /// completion that follows.
    /// </summary>
    Span<byte> AnswerOf(ulong request);

    /// <summary>
    /// No message has this file any more. It is to be closed before the command that caused this is answered.
    /// </summary>
    void CloseFile(ulong file);

    /// <summary>A message found no room at a receiver. Nothing has to be done; somebody may want to know.</summary>
    void Refused(in Refusal refusal);
}

/// <summary>A message that found no room.</summary>
/// <param name="Receiver">Where it found none.</param>
/// <param name="Sender">Who sent it, or null for the bus itself.</param>
/// <param name="User">Who would have been charged.</param>
/// <param name="Size">Bytes it would have taken.</param>
/// <param name="Reason">ENOBUFS or EMFILE for quota, EXFULL for a pool without a free range, ENOMEM for a host without memory.</param>
public readonly record struct Refusal(Connection Receiver, Connection? Sender, User User, ulong Size, Errno Reason);

/// <summary>A range of a pool.</summary>
public readonly record struct PoolRange(ulong Offset, ulong Size)
{
    internal PoolRange(KdbusMsgInfo info)
        : this(info.Offset, info.MsgSize)
    {
    }
}

/// <summary>The end of a synchronous call.</summary>
/// <param name="Request">The call.</param>
/// <param name="Handle">The handle it came on.</param>
/// <param name="Result">Its result.</param>
/// <param name="Restart">With EINTR: the caller may repeat the call and picks it up where it stands.</param>
/// <param name="Reply">With OK: what goes into <c>kdbus_cmd_send.reply</c>.</param>
/// <param name="Handout">With OK: what is to be handed out with the answer; null if nothing is.</param>
public readonly record struct Completion(
    ulong Request, ulong Handle, Errno Result, bool Restart, KdbusMsgInfo Reply = default, Handout? Handout = null)
{
    /// <summary>With OK: what was received, if the call was an EXCHANGE.</summary>
    public Reception Reception { get; init; }

    /// <summary>The slice that the caller learns of by this result; size 0 if none.</summary>
    public PoolRange Published { get; init; }
}

/// <summary>What an EXCHANGE has received.</summary>
/// <param name="Messages">How many messages.</param>
/// <param name="Bytes">Bytes of their records, from the first byte of the answer on.</param>
/// <param name="Dropped">Messages lost since the last time.</param>
public readonly record struct Reception(int Messages, int Bytes, ulong Dropped);

/// <summary>How a command stands after <see cref="Domain.Execute"/>.</summary>
public enum OutcomeKind
{
    /// <summary>Done: store and return.</summary>
    Done,
    /// <summary>The caller waits for <see cref="IEffects.Complete"/>.</summary>
    Pending,
    /// <summary>The payload must be brought to where <see cref="Outcome.Transfer"/> says, then <see cref="Domain.Commit"/>.</summary>
    Copy,
}

/// <summary>What a command came to.</summary>
public struct Outcome
{
    /// <summary>How it stands.</summary>
    public OutcomeKind Kind { get; internal set; }

    /// <summary>Result, if <see cref="OutcomeKind.Done"/>.</summary>
    public Errno Result { get; internal set; }

    /// <summary>The parts of the frame to store into the caller's memory, also on errors.</summary>
    public Stores Stores { get; internal set; }

    /// <summary>The slice that the caller learns of by this result; size 0 if none.</summary>
    public PoolRange Published { get; internal set; }

    /// <summary>What was received into <see cref="Invocation.Answer"/>.</summary>
    public Reception Reception { get; internal set; }

    /// <summary>What is to be handed out before the caller is told; null if nothing is.</summary>
    public Handout? Handout { get; internal set; }

    /// <summary>A bus, endpoint or connection was made: if its maker cannot be told, <see cref="Domain.Undo"/> it.</summary>
    public bool Made { get; internal set; }

    /// <summary>The reservations to copy into, if <see cref="OutcomeKind.Copy"/>.</summary>
    public Transfer? Transfer { get; internal set; }

    /// <summary>The same command, for which something could not be done that it had come to: nothing but the error is told.</summary>
    public readonly Outcome Failed(Errno error) => this with { Result = error, Stores = default };

    internal static Outcome Done(Errno result) => new() { Result = result };
}

/// <summary>Byte ranges of a command that have to be written back to its caller.</summary>
public struct Stores
{
    /// <summary>The flags known, at offset 8.</summary>
    public bool Flags { get; internal set; }

    /// <summary>return_flags, at offset 16.</summary>
    public bool ReturnFlags { get; internal set; }

    /// <summary>Results behind return_flags.</summary>
    public (int Offset, int Length) Results { get; internal set; }

    /// <summary>Payload of the NEGOTIATE item.</summary>
    public (int Offset, int Length) Negotiated { get; internal set; }

    /// <summary>True if nothing is to be stored.</summary>
    public readonly bool IsEmpty => !Flags && !ReturnFlags && Results.Length == 0 && Negotiated.Length == 0;
}
