using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>How who reads a message gets at descriptors.</summary>
internal enum WayModel
{
    /// <summary>Not at all, and it is not told that it lacks any.</summary>
    Declined,
    /// <summary>Nobody can give it any: what memfds hold is copied.</summary>
    Missing,
    /// <summary>They are sent to it.</summary>
    Sent,
}

/// <summary>Descriptors: what may be sent, who gets it, and who has it until then.</summary>
internal sealed partial class DomainModel
{
    /// <summary>What is to be handed out and has not been, by the call that gets it.</summary>
    public Dictionary<ulong, HandoutModel> Handouts { get; } = [];

    /// <summary>The messages that somebody holds: queues, copies under way, answers that were not picked up, and what is being handed out.</summary>
    public HashSet<MessageModel> Held()
    {
        var held = new HashSet<MessageModel>();
        foreach (var connection in Buses.SelectMany(bus => bus.Connections))
        {
            foreach (var entry in connection.Charged) held.Add(entry.Message);
        }

        foreach (var transfer in _transfers.Values)
        {
            foreach (var delivery in transfer.Deliveries) held.Add(delivery.Entry.Message);
        }

        foreach (var handout in Handouts.Values) held.Add(handout.Entry.Message);
        return held;
    }

    /// <summary>Files in messages of a user.</summary>
    public int FilesOf(UserModel user) => Held().Where(message => message.Sender?.User == user).Sum(message => message.Files);

    /// <summary>What was to be handed out is, or could not be.</summary>
    public void EndHandout(ulong request, bool done)
    {
        Handouts.Remove(request, out var handout);
        var slice = handout!.Slice;
        if (slice.Handout != handout) Count("given back before it was handed out");
        else if (!slice.HeldByOwner) Count("given back while it was copied");
        if (handout.Sends)
        {
            Count(done ? "descriptors sent" : "descriptors not sent");
            if (!done && slice.Handout == handout) slice.Handout = null;
            return;
        }

        done &= !handout.Owner.Pool.IsExhausted;
        Count(done ? "unpacked" : "not unpacked after all");
        slice.Handout = null;
        handout.Entry.IsFilled = done;
        if (!done && slice.HeldByOwner) handout.Owner.Pool.ReleaseByOwner(slice);
        handout.Owner.Pool.ReleaseByBus(slice);
    }

    public AnswerModel FdsInstalled(ConnectionModel connection, ulong offset, int[] numbers, out EntryModel? told)
    {
        told = null;
        if (connection.Pool.Slices.Find(each => each.Offset == offset) is not { HeldByOwner: true, Handout: { Sends: true } handout } slice) return Errno.ENXIO;
        told = handout.Entry;
        if (numbers.Length != told.NumbersSent) return Errno.EINVAL;
        var descriptors = numbers.Length - (told.TellsPidfd && told.Message.Pidfd != 0 ? 1 : 0);
        for (var i = 0; i < descriptors; i++) told.Numbers[i] = Math.Max(numbers[i], -1);
        if (descriptors < numbers.Length) Count("number of a pidfd told");
        if (descriptors < numbers.Length) told.Numbers[^1] = Math.Max(numbers[^1], -1);
        slice.Handout = null;
        Count("numbers told");
        return Errno.OK;
    }

    /// <summary>What is wrong with the items themselves, whatever message it is.</summary>
    private static Errno CheckChain(SendModel sent)
    {
        for (var i = 0; i <= sent.Message.Pieces.Count; i++)
        {
            if (sent.Fds.Any(each => each.At == i && each.Surplus % 4 != 0)) return Errno.EINVAL;
            if (i == sent.Message.Pieces.Count || sent.Message.Pieces[i] is not { Memfd: { } memfd } piece) continue;
            if (piece.Size == 0) return Errno.EINVAL;
            if (memfd.Number < 0) return Errno.EBADF;
        }

        return Errno.OK;
    }

    /// <summary>The first item that is wrong decides.</summary>
    private Errno CheckFiles(SendModel sent, bool isBroadcast)
    {
        var (memfds, hasFds) = (0, false);
        for (var i = 0; i <= sent.Message.Pieces.Count; i++)
        {
            foreach (var fds in sent.Fds.Where(each => each.At == i))
            {
                if (hasFds) return Errno.EEXIST;
                hasFds = true;
                if (isBroadcast) return Errno.ENOTUNIQ;
                if (fds.Descriptors.Count > limits.Fds) return Errno.EMFILE;
                foreach (var descriptor in fds.Descriptors)
                {
                    if (descriptor.Found != Errno.OK) return descriptor.Found;
                    if (descriptor.Kind is SentFileKind.Bus or SentFileKind.UnixSocket) return Errno.EOPNOTSUPP;
                }
            }

            if (i == sent.Message.Pieces.Count || sent.Message.Pieces[i] is not { Memfd: { } memfd } piece) continue;
            if ((UInt128)piece.Start + piece.Size > ulong.MaxValue) return Errno.EMSGSIZE;
            if (++memfds > limits.MessageMemfds) return Errno.E2BIG;
            if (memfd.Found != Errno.OK) return memfd.Found;
            if (memfd.Kind == SentFileKind.Path) return Errno.EBADF;
            if (memfd.Seals < 0) return Errno.EMEDIUMTYPE;
            if ((memfd.Seals & 15) != 15) return Errno.ETXTBSY;
            if (piece.Start + piece.Size > memfd.Size) return Errno.EBADF;
        }

        return Errno.OK;
    }

    private static bool Accepts(ConnectionModel receiver, MessageModel message) =>
        message.Fds.Count == 0 || receiver.Flags.HasFlag(HelloFlags.AcceptFd) || receiver.IsMonitor;

    /// <summary>A larger slice, with room for what the memfds hold: if there is none all stays as it is.</summary>
    private static void Unpack(ConnectionModel owner, EntryModel entry)
    {
        if (!entry.Message.Memfds.Any() || entry.Slice.HeldByOwner) return;
        var size = entry.UnpackedSize;
        if (size > owner.Pool.Size || !HasRoomFor(owner, entry.User, (ulong)size - entry.Size)) return;
        if (owner.Pool.Allocate((ulong)size, out var slice) != Errno.OK) return;
        owner.Pool.ReleaseByBus(entry.Slice);
        entry.Slice = slice;
        entry.IsUnpacked = true;
    }

    private void HandOut(ConnectionModel owner, EntryModel entry, WayModel way)
    {
        entry.Handout = null;
        entry.IsIncomplete = false;
        if (way == WayModel.Declined) return;
        var missing = entry.TellsPidfd && (way == WayModel.Missing || entry.Message.Pidfd == 0);
        if (way == WayModel.Missing) missing |= entry.Message.Fds.Count > 0 || (entry.Message.Memfds.Any() && !entry.IsUnpacked);
        entry.IsIncomplete = missing;
        if (way == WayModel.Missing && entry.Message.Memfds.Any() && !entry.IsUnpacked) Count("memfds lost");
        if (way == WayModel.Sent ? entry.NumbersSent == 0 : !entry.IsUnpacked) return;
        entry.Handout = entry.Slice.Handout = new HandoutModel(owner, entry, way == WayModel.Sent);
    }
}
