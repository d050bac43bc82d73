using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine;

namespace Kdbus.Daemon.Serving.Exchanges;

/// <summary>An EXCHANGE that waits: what its caller has to be told besides what it receives. Used again for others.</summary>
internal sealed class PendingExchange
{
    private byte[]? _answer;

    /// <summary>The command as it came, and what it has done so far.</summary>
    public KdbusCmdExchange Command { get; private set; }

    /// <summary>Bytes that it has for records.</summary>
    public int Room { get; private set; }

    /// <summary>Takes a command up.</summary>
    public void Begin(in KdbusCmdExchange command, int room) => (Command, Room) = (command, room);

    /// <summary>Room for the records, there until <see cref="End"/>.</summary>
    public Span<byte> Records => Buffer.AsSpan(ExchangeAnswer.HeaderSize, Room);

    private byte[] Buffer => _answer ??= ArrayPool<byte>.Shared.Rent(ExchangeAnswer.HeaderSize + Room);

    /// <summary>The answer, when the records are there.</summary>
    public Span<byte> Answer(in Reception reception) => ExchangeAnswer.Complete(Buffer, Command, reception);

    /// <summary>It is answered.</summary>
    public void End()
    {
        if (_answer != null) ArrayPool<byte>.Shared.Return(_answer);
        _answer = null;
    }
}

/// <summary>What an EXCHANGE answers: its own struct, and the records behind that.</summary>
internal static class ExchangeAnswer
{
    private const int ProgressEnd = 32;

    /// <summary>Bytes in front of the records.</summary>
    public static int HeaderSize { get; } = Unsafe.SizeOf<KdbusCmdExchange>();

    /// <summary>Writes the struct in front of the records that stand in <paramref name="answer"/> already, and cuts off the rest.</summary>
    public static Span<byte> Complete(Span<byte> answer, KdbusCmdExchange command, scoped in Reception reception)
    {
        command.ReturnFlags = reception.Dropped > 0 ? (ulong)RecvReturnFlags.DroppedMsgs : 0;
        command.Progress = 0;
        command.MsgsSize = (ulong)reception.Bytes;
        command.DroppedMsgs = reception.Dropped;
        command.Received = (uint)reception.Messages;
        MemoryMarshal.Write(answer, in command);
        return answer[..(HeaderSize + reception.Bytes)];
    }

    /// <summary>
    /// The beginning of the struct, for a call that is interrupted: what it has given back and sent is not to be given back and sent again
    /// when it is repeated. A request that waits for its reply is; the bus knows it by its cookie.
    /// </summary>
    public static int Interrupted(Span<byte> answer, KdbusCmdExchange command)
    {
        var sent = ((ExchangeFlags)command.Flags).HasFlag(ExchangeFlags.SyncReply) ? 0 : command.Sent;
        command.Progress = 1UL + sent;
        MemoryMarshal.Write(answer, in command);
        return ProgressEnd;
    }

    /// <summary>The only record says that not all descriptors of its message came along.</summary>
    public static void TellIncomplete(Span<byte> records)
    {
        ref var info = ref MemoryMarshal.AsRef<KdbusMsgInfo>(records);
        info.ReturnFlags |= (ulong)RecvReturnFlags.IncompleteFds;
    }
}
