using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// What one reader thread needs to take a command in: allocated once for each thread, used again for each command. A
/// thread that is stuck in one command keeps its buffers, whoever goes on has others.
/// </summary>
internal sealed unsafe class CallBuffers
{
    /// <summary>Payloads up to this size are taken in with the message and cost one visit to the engine instead of two.</summary>
    public const int InlinePayload = 16 * 1024;

    [ThreadStatic]
    private static CallBuffers? t_buffers;

    private readonly byte[] _frame = GC.AllocateUninitializedArray<byte>(Limits.CmdMaxSize, pinned: true);
    private readonly byte[] _message = GC.AllocateUninitializedArray<byte>(Limits.MsgMaxSize, pinned: true);
    private readonly byte[] _payload = GC.AllocateUninitializedArray<byte>(InlinePayload, pinned: true);

    private CallBuffers()
    {
    }

    /// <summary>The buffers of this thread.</summary>
    public static CallBuffers OfThisThread => t_buffers ??= new CallBuffers();

    public Span<byte> Frame => _frame;

    public Span<byte> Message => _message;

    public Span<byte> Payload => _payload;

    /// <summary>Pieces of memory on the caller's side of a copy.</summary>
    public RemoteIoVec[] Remote { get; } = new RemoteIoVec[Limits.MsgMaxItems];

    /// <summary>Pieces of memory on our side of a copy.</summary>
    public IoVec[] Local { get; } = new IoVec[Limits.MsgMaxItems];

    /// <summary>A piece of these buffers, which do not move.</summary>
    public static IoVec Pinned(Span<byte> buffer)
    {
        fixed (byte* address = buffer) return new IoVec(address, (nuint)buffer.Length);
    }
}
