using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Testing.InMemory;

/// <summary>One FUSE request on its way to the daemon and back. The thread that made it is the caller.</summary>
internal sealed class InProcessRequest
{
    private readonly object _gate = new();
    private byte[] _answer = [];
    private int _error;
    private bool _isOver;

    private InProcessRequest(FuseOpcode opcode, ulong node, byte[] bytes) => (Opcode, Node, Bytes) = (opcode, node, bytes);

    /// <summary>Its number, given when it is posted.</summary>
    public ulong Unique { get; private set; }

    public FuseOpcode Opcode { get; }

    public ulong Node { get; }

    /// <summary>The whole message.</summary>
    public byte[] Bytes { get; }

    /// <summary>Whether the daemon has read it. Guarded by the channel.</summary>
    public bool IsSent { get; set; }

    /// <summary>Whether its caller no longer wants to wait. Guarded by the channel.</summary>
    public bool IsInterrupted { get; set; }

    /// <summary>A request whose arguments are a struct and bytes behind it.</summary>
    public static InProcessRequest Of<T>(FuseOpcode opcode, ulong node, in T arguments, ReadOnlySpan<byte> more = default)
        where T : unmanaged =>
        Of(opcode, node, [.. MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in arguments)), .. more]);

    /// <summary>A request with these arguments.</summary>
    public static InProcessRequest Of(FuseOpcode opcode, ulong node, ReadOnlySpan<byte> arguments)
    {
        byte[] bytes = new byte[FuseProtocol.InHeaderSize + arguments.Length];
        arguments.CopyTo(bytes.AsSpan(FuseProtocol.InHeaderSize));
        return new InProcessRequest(opcode, node, bytes);
    }

    /// <summary>Writes the header, now that the number is known.</summary>
    public void Number(ulong unique)
    {
        Unique = unique;
        FuseInHeader header = new()
        {
            Len = (uint)Bytes.Length,
            Opcode = Opcode,
            Unique = unique,
            NodeId = Node,
            Uid = Credentials.EffectiveUid,
            Gid = Credentials.EffectiveGid,
            Pid = (uint)CurrentProcess.ThreadId,
        };
        MemoryMarshal.Write(Bytes, in header);
    }

    /// <summary>The daemon has answered, or never will.</summary>
    public void Finish(int error, byte[] answer)
    {
        lock (_gate)
        {
            (_error, _answer, _isOver) = (error, answer, true);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits for the answer: 0 or -errno.</summary>
    public int Await(out ReadOnlySpan<byte> answer)
    {
        lock (_gate)
        {
            while (!_isOver)
                Monitor.Wait(_gate);
            answer = _answer;
            return _error;
        }
    }
}
