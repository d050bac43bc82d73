using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Fuse.Internal;

/// <summary>
/// The state of one unanswered request. A slot serves many requests one after the other; a ticket tells them apart. Ticket and state share
/// one word, so the compare-and-swap that claims the answer fails for everybody whose ticket is old. The slot goes back to the pool when two parties are
/// through with it: who answered, and the reader that dispatched it. Until then an INTERRUPT may look at it.
/// </summary>
internal sealed class ReplySlot(ReplyDesk desk)
{
    private const long StateMask = 3;
    private const long Free = 0;
    private const long Open = 1;
    private const long Claimed = 2;
    private const long Done = 3;

    private readonly ReplyDesk _desk = desk;
    private long _word;
    private int _parties;
    private bool _registered;
    private FuseReader? _reader;

    public ulong Unique { get; private set; }

    public ulong OpcodeNumber { get; private set; }

    public ulong Tag { get; set; }

    public Span<byte> Scratch => _reader is null ? default : _reader.Scratch;

    public FuseOpcode Opcode => (FuseOpcode)OpcodeNumber;

    /// <summary>Takes up a request, on the reader's thread.</summary>
    /// <returns>The ticket.</returns>
    public long Begin(in FuseInHeader header, FuseReader reader)
    {
        long ticket = (Volatile.Read(ref _word) >> 2) + 1;
        Unique = header.Unique;
        OpcodeNumber = (ulong)header.Opcode;
        Tag = 0;
        _registered = false;
        _reader = reader;
        _parties = 2;
        Volatile.Write(ref _word, (ticket << 2) | Open);
        return ticket;
    }

    public bool IsOpen(long ticket) => Volatile.Read(ref _word) == ((ticket << 2) | Open);

    public bool IsHeld(long ticket)
    {
        bool registered = Volatile.Read(ref _registered);
        return IsOpen(ticket) && registered;
    }

    /// <summary>A field that was read before this call, or 0 if the request it belongs to is not open any more.</summary>
    public ulong Read(long ticket, ulong value)
    {
        Interlocked.MemoryBarrier();
        return IsOpen(ticket) ? value : 0;
    }

    /// <summary>What an INTERRUPT for <paramref name="unique"/> finds here.</summary>
    public ReplyPhase Look(ulong unique, out long ticket)
    {
        long word = Volatile.Read(ref _word);
        ticket = word >> 2;
        if ((word & StateMask) == Free || Unique != unique)
            return ReplyPhase.Unknown;
        long again = Interlocked.Read(ref _word);
        if (again >> 2 != ticket)
            return ReplyPhase.Unknown;
        return (again & StateMask) switch
        {
            Open => ReplyPhase.Open,
            Claimed => ReplyPhase.BeingAnswered,
            _ => ReplyPhase.Unknown,
        };
    }

    /// <summary>Keeps the request after its dispatch. It stays in the table until its answer is written, whichever thread does that and when.</summary>
    public HeldReply Hold(long ticket, ulong tag)
    {
        var held = new HeldReply(this, ticket, Unique);
        if (_registered)
            return held;
        Tag = tag;
        _desk.Register(this);
        Interlocked.Exchange(ref _registered, true);
        // Whoever finished before the registration did not see it, and left taking it out to us.
        if (Volatile.Read(ref _word) == ((ticket << 2) | Done))
            _desk.Unregister(this);
        return held;
    }

    /// <summary>The handler returned.</summary>
    /// <returns>Whether the reader can use this slot for its next request; otherwise it needs another one.</returns>
    public bool EndDispatch(long ticket, out bool forgotten)
    {
        forgotten = !_registered && IsOpen(ticket);
        if (forgotten)
            Error(ticket, SystemError.EIO);
        _reader = null;
        return Interlocked.Decrement(ref _parties) == 0;
    }

    public bool Error(long ticket, int errno)
    {
        int error = errno < 0 ? errno : -errno;
        bool valid = error >= -FuseProtocol.MaxError;
        Span<byte> message = stackalloc byte[FuseProtocol.OutHeaderSize];
        bool sent = Send(ticket, valid ? error : -SystemError.EIO, message, default);
        if (!valid)
            _desk.ReportBug(new FuseBugException($"The answer to {Opcode} was error {errno}, which an out header cannot carry; EIO was sent."));
        return sent && valid;
    }

    public bool Send<T>(long ticket, in T answer, ReadOnlySpan<byte> data = default)
        where T : unmanaged
    {
        Span<byte> message = stackalloc byte[FuseProtocol.OutHeaderSize + Unsafe.SizeOf<T>()];
        MemoryMarshal.Write(message[FuseProtocol.OutHeaderSize..], in answer);
        return Send(ticket, 0, message, data);
    }

    public bool SendData(long ticket, ReadOnlySpan<byte> data)
    {
        Span<byte> message = stackalloc byte[FuseProtocol.OutHeaderSize];
        return Send(ticket, 0, message, data);
    }

    private bool Send(long ticket, int error, Span<byte> message, ReadOnlySpan<byte> data)
    {
        long open = (ticket << 2) | Open;
        if (Interlocked.CompareExchange(ref _word, (ticket << 2) | Claimed, open) != open)
            return false;

        bool taken = _desk.Write(Opcode, Unique, error, message, data);

        Interlocked.Exchange(ref _word, (ticket << 2) | Done);
        if (Volatile.Read(ref _registered))
            _desk.Unregister(this);
        if (Interlocked.Decrement(ref _parties) == 0)
            _desk.Return(this);
        return taken;
    }
}

/// <summary>How far the answer to a request is.</summary>
internal enum ReplyPhase
{
    /// <summary>There is no such request, or it has been answered.</summary>
    Unknown,
    /// <summary>Nobody has claimed the answer.</summary>
    Open,
    /// <summary>Somebody claimed the answer and is writing it.</summary>
    BeingAnswered,
}
