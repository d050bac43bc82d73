using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Fuse.Internal;

/// <summary>
/// Where answers leave: the table of held requests, the pool of slots, and the write itself. The lock covers table and pool only; no message is written
/// under it. A claimed answer always reaches the kernel: if it refuses what the file system said, it gets EIO instead, because a request left
/// unanswered is a process that cannot be killed.
/// </summary>
internal sealed class ReplyDesk(IFuseChannel channel, IFuseTrace? trace, Action<FuseBugException>? bug)
{
    private const int PooledSlots = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, ReplySlot> _held = new(64);
    private readonly Stack<ReplySlot> _pool = new(64);

    public int HeldCount
    {
        get
        {
            lock (_lock)
                return _held.Count;
        }
    }

    public ReplySlot Take()
    {
        lock (_lock)
        {
            if (_pool.TryPop(out ReplySlot? slot))
                return slot;
        }
        return new ReplySlot(this);
    }

    public void Return(ReplySlot slot)
    {
        lock (_lock)
        {
            if (_pool.Count < PooledSlots)
                _pool.Push(slot);
        }
    }

    public void Register(ReplySlot slot)
    {
        lock (_lock)
            _held[slot.Unique] = slot;
    }

    public void Unregister(ReplySlot slot)
    {
        lock (_lock)
        {
            if (_held.TryGetValue(slot.Unique, out ReplySlot? there) && ReferenceEquals(there, slot))
                _held.Remove(slot.Unique);
        }
    }

    public ReplyPhase Look(ulong unique, out ReplySlot? slot, out long ticket)
    {
        lock (_lock)
        {
            if (_held.TryGetValue(unique, out slot))
                return slot.Look(unique, out ticket);
        }
        ticket = 0;
        return ReplyPhase.Unknown;
    }

    /// <summary>Fails every request that is still held.</summary>
    public void AnswerAll(int errno)
    {
        ReplySlot[] slots;
        lock (_lock)
            slots = [.. _held.Values];
        foreach (ReplySlot slot in slots)
        {
            if (slot.Look(slot.Unique, out long ticket) == ReplyPhase.Open)
                slot.Error(ticket, errno);
        }
    }

    /// <summary>Writes a claimed answer.</summary>
    /// <param name="message">Room for the out header, followed by the fixed part of the answer.</param>
    /// <returns>Whether the kernel took it.</returns>
    public bool Write(FuseOpcode opcode, ulong unique, int error, Span<byte> message, ReadOnlySpan<byte> data)
    {
        var header = new FuseOutHeader { Len = (uint)(message.Length + data.Length), Error = error, Unique = unique };
        MemoryMarshal.Write(message, in header);
        nint result = channel.Write(message, data);
        trace?.Answered(opcode, in header, message[FuseProtocol.OutHeaderSize..], data, result);
        if (result >= 0)
            return true;
        if (result is -SystemError.ENOENT or -SystemError.ENODEV or -SystemError.EPERM or -SystemError.ECONNABORTED)
            return false;

        Span<byte> refusal = stackalloc byte[FuseProtocol.OutHeaderSize];
        header = new FuseOutHeader { Len = FuseProtocol.OutHeaderSize, Error = -SystemError.EIO, Unique = unique };
        MemoryMarshal.Write(refusal, in header);
        nint second = channel.Write(refusal, default);
        trace?.Answered(opcode, in header, default, default, second);
        ReportBug(new FuseBugException(
            $"The kernel refused the answer to {opcode} ({message.Length + data.Length} bytes, error {error}) with errno {-result}; EIO was sent."));
        return false;
    }

    public void ReportBug(FuseBugException exception)
    {
        trace?.Problem(exception.Message);
        if (bug is null)
            throw exception;
        bug(exception);
    }
}
