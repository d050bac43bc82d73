using Kdbus.Abi;

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
    /// <summary>Supplementary groups; only there where <see cref="CallerNeeds.Groups"/> was asked for.</summary>
    public ReadOnlyMemory<uint> Groups { get; init; }

    /// <summary>How its user namespace names ids, if that is not the domain's; only there where asked for.</summary>
    public IdMaps? Maps { get; init; }

    /// <summary>Whether a handle this caller opens is privileged on a bus; not if the endpoint is a custom one.</summary>
    internal bool IsPrivilegedOn(Bus bus) => CapIpcOwner || Euid == bus.Uid;
}

/// <summary>What <see cref="Domain.Execute"/> will want to know about who calls; each costs whoever finds it out.</summary>
[Flags]
public enum CallerNeeds
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>The ids and the process.</summary>
    Ids = 1,
    /// <summary>The ids and the supplementary groups.</summary>
    Groups = Ids | 2,
    /// <summary>The ids and how the caller's user namespace names them.</summary>
    Maps = Ids | 4,
}

/// <summary>A user namespace's names for user and group ids.</summary>
/// <param name="Users">Ranges of user ids.</param>
/// <param name="Groups">Ranges of group ids.</param>
public sealed record IdMaps(ReadOnlyMemory<IdRange> Users, ReadOnlyMemory<IdRange> Groups);

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

    /// <summary>Who calls; only filled where <see cref="Domain.Admit"/> asked for it.</summary>
    public Caller Caller { get; init; }

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
    /// SEND with a cancel descriptor: OK, EBADF if the caller has none of that number, EINVAL if nobody can poll it.
    /// Whoever drives the engine watches it while the call is <see cref="OutcomeKind.Pending"/>, and says
    /// <see cref="Domain.Cancel"/> when it becomes readable.
    /// </summary>
    public Errno CancelDescriptor { get; init; }

    /// <summary>HELLO: the memory of the pool, of the size asked for; null if it could not be made.</summary>
    public IPoolMemory? Pool { get; set; }

    /// <summary>BUS_MAKE: 16 random bytes.</summary>
    public UInt128 Random { get; init; }
}
