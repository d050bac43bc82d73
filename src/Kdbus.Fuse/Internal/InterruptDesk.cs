using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Fuse.Internal;

/// <summary>
/// Finds the request an INTERRUPT is for. The reader that reads INTERRUPT has the turn, so whatever was read before is registered: with a
/// reader that lost the turn, or as held. If it is in neither place it was answered already, and the kernel, asked to repeat, knows that
/// and drops the matter. A request the kernel still waits for though we do not know it was read by a process that is gone; after some repetitions it is
/// answered EINTR, so that repeating cannot go on for ever.
/// </summary>
internal sealed class InterruptDesk(IFuseChannel channel, IFuseFileSystem fileSystem, ReplyDesk desk, ReaderRoster roster, IFuseTrace? trace)
{
    /// <summary>How often in a row the kernel may insist on a request that nobody here knows.</summary>
    private const int Patience = 100;

    private ulong _unknown;
    private int _insisted;

    public void Handle(in FuseInHeader header, ulong target)
    {
        ReplyPhase phase = Find(target, out ReplySlot? slot, out long ticket);
        switch (phase)
        {
            case ReplyPhase.Open:
                fileSystem.Interrupt(
                    new InterruptRequest { Context = RequestContext.From(in header), Target = target }, new HeldReply(slot!, ticket, target));
                break;
            case ReplyPhase.BeingAnswered:
                // The answer is on its way to the kernel; the signal comes too late.
                break;
            default:
                AskAgain(header.Unique, target);
                break;
        }
    }

    private ReplyPhase Find(ulong target, out ReplySlot? slot, out long ticket)
    {
        ReplyPhase phase = desk.Look(target, out slot, out ticket);
        if (phase != ReplyPhase.Unknown)
            return phase;
        foreach (FuseReader reader in roster.Readers)
        {
            ReplySlot candidate = reader.Slot;
            phase = candidate.Look(target, out ticket);
            if (phase == ReplyPhase.Unknown)
                continue;
            slot = candidate;
            return phase;
        }
        return ReplyPhase.Unknown;
    }

    private void AskAgain(ulong interrupt, ulong target)
    {
        if (Send(interrupt, -SystemError.EAGAIN) < 0)
        {
            _insisted = 0;
            return;
        }
        _insisted = target == _unknown ? _insisted + 1 : 1;
        _unknown = target;
        if (_insisted < Patience)
            return;
        _insisted = 0;
        trace?.Problem($"The kernel waits for request {target}, which nobody here has read; it was answered EINTR.");
        Send(target, -SystemError.EINTR);
    }

    private nint Send(ulong unique, int error)
    {
        var header = new FuseOutHeader { Len = FuseProtocol.OutHeaderSize, Error = error, Unique = unique };
        nint result = channel.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<FuseOutHeader>(in header)), default);
        trace?.Answered(FuseOpcode.Interrupt, in header, default, default, result);
        return result;
    }
}
