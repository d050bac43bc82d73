using Kdbus.Abi;
using Kdbus.Engine.Files;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine;

/// <summary>What the clocks said when an input arrived: CLOCK_MONOTONIC and CLOCK_REALTIME, nanoseconds.</summary>
public readonly record struct Instant(ulong Monotonic, ulong Realtime);

/// <summary>
/// Who makes a call, captured while the calling thread is stopped inside it; ids as seen in the domain's user namespace.
/// </summary>
/// <param name="Uid">Real user: accounting, and who may talk to whom.</param>
/// <param name="Euid">Effective user: names, ownership and privilege.</param>
/// <param name="Gid">Real group.</param>
/// <param name="Egid">Effective group.</param>
/// <param name="CapIpcOwner">Has CAP_IPC_OWNER in the domain's user namespace.</param>
/// <param name="Pid">The process, for diagnosis.</param>
public readonly record struct Caller(uint Uid, uint Euid, uint Gid, uint Egid, bool CapIpcOwner, int Pid)
{
    /// <summary>Supplementary groups; only there where <see cref="CallerFacts.Groups"/> was asked for.</summary>
    public ReadOnlyMemory<uint> Groups { get; init; }

    /// <summary>How its user namespace names ids, if that is not the domain's; only there where asked for.</summary>
    public IdMaps? Maps { get; init; }

    /// <summary>Whether a handle this caller opens is privileged on a bus; not if the endpoint is a custom one.</summary>
    internal bool IsPrivilegedOn(Bus bus) => CapIpcOwner || Euid == bus.Uid;
}

/// <summary>What <see cref="Domain.Execute"/> will want to know about who calls.</summary>
/// <param name="Facts">For policy, and for what the caller is told.</param>
/// <param name="Kinds">For what others are told about the caller.</param>
public readonly record struct CallerNeeds(CallerFacts Facts, AttachFlags Kinds)
{
    /// <summary>Whether there is nothing to find out beyond what is known.</summary>
    public bool AreMetBy(CallerNeeds known) => (Facts & ~known.Facts) == CallerFacts.None && (Kinds & ~known.Kinds) == AttachFlags.None;

    /// <summary>Both.</summary>
    public CallerNeeds With(CallerNeeds others) => new(Facts | others.Facts, Kinds | others.Kinds);
}

/// <summary>A user namespace's names for user and group ids.</summary>
/// <param name="Users">Ranges of user ids.</param>
/// <param name="Groups">Ranges of group ids.</param>
public sealed record IdMaps(ReadOnlyMemory<IdRange> Users, ReadOnlyMemory<IdRange> Groups)
{
    /// <summary>The domain's number of an id; false if none has that name.</summary>
    public static bool TryMapOut(ReadOnlyMemory<IdRange> ranges, uint inside, out uint outside)
    {
        foreach (var range in ranges.Span)
        {
            // Unsigned difference: an id below the range becomes a huge offset and fails the same test.
            if (inside - range.Inside >= range.Count) continue;
            outside = range.Outside + (inside - range.Inside);
            return true;
        }

        outside = 0;
        return false;
    }

    /// <summary>What an id of the domain is called; false if it has no name.</summary>
    public static bool TryMapIn(ReadOnlyMemory<IdRange> ranges, uint outside, out uint inside)
    {
        foreach (var range in ranges.Span)
        {
            if (outside - range.Outside >= range.Count) continue;
            inside = range.Inside + (outside - range.Outside);
            return true;
        }

        inside = 0;
        return false;
    }
}

/// <summary>Ids that stand for those which have no name where they are told.</summary>
/// <param name="User">For users.</param>
/// <param name="Group">For groups.</param>
public readonly record struct OverflowIds(uint User, uint Group);

/// <summary>Ids that follow each other.</summary>
/// <param name="Inside">The first one, as the user namespace names it.</param>
/// <param name="Outside">The same id, as the domain's user namespace names it.</param>
/// <param name="Count">How many there are.</param>
public readonly record struct IdRange(uint Inside, uint Outside, uint Count);

/// <summary>Where the payload of a message is while the engine decides about it.</summary>
public enum PayloadPlace
{
    /// <summary>In <see cref="Invocation.Payload"/>; also when there is none.</summary>
    Here,
    /// <summary>In the sender's memory: it will be copied from there once the receiver's slice is reserved.</summary>
    Remote,
    /// <summary>It could not be read.</summary>
    Unreadable,
}

/// <summary>
/// The memory of one pool, as the engine is handed it. Where the pool's owner may be able to change what lies there,
/// nothing is ever read back.
/// </summary>
public interface IPoolMemory
{
    /// <summary>The owner of the pool may have a writable mapping of it.</summary>
    bool IsWritableByOwner { get; }

    /// <summary>
    /// Makes sure that a range can be written. The answer is an input: false when the host has no memory left.
    /// </summary>
    bool Back(ulong offset, ulong size);

    /// <summary>A backed range, to be written.</summary>
    Span<byte> Room(ulong offset, int size);

    /// <summary>A backed range, to be read; not if <see cref="IsWritableByOwner"/>.</summary>
    ReadOnlySpan<byte> Content(ulong offset, int size);

    /// <summary>No slice is left in the pool: its memory may go, and must read as zero or old content when it is back.</summary>
    void Unused();
}

/// <summary>
/// One command as it arrived: everything the decision depends on, as values. The engine asks nobody anything else.
/// </summary>
public ref struct Invocation
{
    /// <summary>The handle the command came on.</summary>
    public required ulong Handle { get; init; }

    /// <summary>Names this call in <see cref="IEffects.Complete"/> and <see cref="Domain.Interrupt"/>; not 0.</summary>
    public required ulong Request { get; init; }

    /// <summary>The whole ioctl number.</summary>
    public required uint Ioctl { get; init; }

    /// <summary>Who calls; only filled where <see cref="Domain.Needs"/> asked for it, as the next two.</summary>
    public Caller Caller { get; init; }

    /// <summary>What may be told about the caller; null if nothing is known.</summary>
    public ProcessRecord? Process { get; init; }

    /// <summary>In whose words the caller is told about others.</summary>
    public ReaderView View { get; init; }

    /// <summary>When the command arrived; the engine moves it forward if it has seen a later time already.</summary>
    public required Instant Now { get; set; }

    /// <summary>The command with its items, exactly <c>size</c> bytes; results are written into it.</summary>
    public required Span<byte> Frame { get; init; }

    /// <summary>SEND: what could be read at <c>msg_address</c>: at least <c>kdbus_msg.size</c> bytes, or fewer if the rest is not accessible.</summary>
    public ReadOnlySpan<byte> Message { get; init; }

    /// <summary>SEND: where the payload is.</summary>
    public PayloadPlace PayloadPlace { get; init; }

    /// <summary>SEND: the bytes of all vectors that are not null, in order, if <see cref="PayloadPlace.Here"/>.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>
    /// EXCHANGE, and each SEND that is part of one: where to write the messages that it receives, so far as they fit. Empty for
    /// all other commands.
    /// </summary>
    public Span<byte> Answer { get; init; }

    /// <summary>SEND: what is behind the numbers that <see cref="DescriptorNumbers"/> finds in the message.</summary>
    public ReadOnlySpan<SentFile> Files { get; init; }

    /// <summary>
    /// SEND: a pidfd of the sender's process, where <see cref="Domain.Needs"/> asked for that kind and it could be had; else 0. It is
    /// the engine's until it says <see cref="IEffects.CloseFile"/>.
    /// </summary>
    public ulong Pidfd { get; init; }

    /// <summary>RECV and synchronous SEND: the caller has said where descriptors can be sent to it.</summary>
    public bool TakesDescriptors { get; init; }

    /// <summary>
    /// SEND with a cancel descriptor: OK, EBADF if the caller has none of that number, EINVAL if nobody can poll it.
    /// Whoever drives the engine watches it while the call is <see cref="OutcomeKind.Pending"/>, and says
    /// <see cref="Domain.Cancel"/> when it becomes readable.
    /// </summary>
    public Errno CancelDescriptor { get; init; }

    /// <summary>HELLO: the memory of the pool, of the size asked for; null if it could not be made.</summary>
    public IPoolMemory? Pool { get; set; }

    /// <summary>HELLO: the processes that its PIDS item names, if it has one.</summary>
    public NamedProcesses Named { get; init; }

    /// <summary>BUS_MAKE: 16 random bytes.</summary>
    public UInt128 Random { get; init; }
}
