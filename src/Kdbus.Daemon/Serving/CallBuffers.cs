using System.Runtime.CompilerServices;
using Kdbus.Abi;
using Kdbus.Engine;
using Kdbus.Engine.Files;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// What one reader thread needs to take a command in: allocated once for each thread, used again for each command, and
/// as large as the limits of the domain allow a command to be. A thread that is stuck in one command keeps its buffers,
/// whoever goes on has others.
/// </summary>
internal sealed unsafe class CallBuffers
{
    /// <summary>Payloads up to this size are taken in with the message and cost one visit to the engine instead of two.</summary>
    public const int InlinePayload = 16 * 1024;

    [ThreadStatic]
    private static CallBuffers? t_buffers;

    private readonly DomainLimits _limits;
    private readonly byte[] _frame;
    private readonly byte[] _message;
    private readonly byte[] _payload;
    private readonly byte[] _send;

    private CallBuffers(DomainLimits limits)
    {
        _limits = limits;
        _frame = GC.AllocateUninitializedArray<byte>(limits.CommandSize, pinned: true);
        _message = GC.AllocateUninitializedArray<byte>(limits.MessageSize, pinned: true);
        _payload = GC.AllocateUninitializedArray<byte>(InlinePayload, pinned: true);
        _send = new byte[Unsafe.SizeOf<KdbusCmdSend>()];
        Remote = new RemoteIoVec[limits.MessageItems];
        Local = new IoVec[limits.MessageItems];
        Files = new SentFile[limits.MessageMemfds + limits.Fds];
    }

    /// <summary>Room for the largest command of the domain, in bytes.</summary>
    public Span<byte> Frame => _frame;

    /// <summary>Room for the largest message of the domain without its payload, in bytes.</summary>
    public Span<byte> Message => _message;

    /// <summary>Room for <see cref="InlinePayload"/> bytes.</summary>
    public Span<byte> Payload => _payload;

    /// <summary>Room for the SEND of a message that came with another command.</summary>
    public Span<byte> Send => _send;

    /// <summary>
    /// Pieces of memory on the caller's side of a copy: one for each item a message may have. The least number of items
    /// that a domain can be told, 4, is enough for the results of any command; the largest, 1024, is what the kernel takes
    /// in one copy.
    /// </summary>
    public RemoteIoVec[] Remote { get; }

    /// <summary>Pieces of memory on our side of a copy, as many.</summary>
    public IoVec[] Local { get; }

    /// <summary>Room for what is behind the descriptor numbers of a message.</summary>
    public SentFile[] Files { get; }

    /// <summary>The buffers of this thread, which serves one domain: they are made for the first command.</summary>
    public static CallBuffers OfThisThread(DomainLimits limits) =>
        t_buffers is { } own && ReferenceEquals(own._limits, limits) ? own : t_buffers = new CallBuffers(limits);

    /// <summary>A piece of these buffers, which do not move.</summary>
    public static IoVec Pinned(Span<byte> buffer)
    {
        fixed (byte* address = buffer) return new IoVec(address, (nuint)buffer.Length);
    }
}
