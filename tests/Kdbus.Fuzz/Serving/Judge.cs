using System.Runtime.InteropServices;
using System.Text;

namespace Kdbus.Fuzz.Serving;

/// <summary>
/// Says whether what comes back can be right. It knows what was asked for and in which order, not in which order it took
/// effect, so it speaks only where no order would do: a message that nobody sent, that reached somebody who can have no right to
/// it, that came twice, changed or before an earlier one; an error that the command cannot give.
/// </summary>
/// <param name="fault">Takes what is wrong.</param>
/// <param name="isStrict">Commands arrive as they were laid out, so that one can say what was asked for.</param>
internal sealed class Judge(Action<string> fault, bool isStrict)
{
    private const int RestartSys = -512;

    private readonly Dictionary<ulong, SentMessage> _sent = [];
    private readonly HashSet<FuzzFile> _files = [];
    private long _now;

    /// <summary>Messages that were compared with what was sent; without any of a kind, nothing was tested.</summary>
    public static Tally Seen { get; } = new();

    /// <summary>The kinds of metadata that the domain lets through.</summary>
    public AttachFlags LetsThrough { get; set; }

    /// <summary>A command is about to be issued, with these bytes; null if they have been issued before.</summary>
    public void Issue(Sent sent, byte[]? frame, bool isDamaged)
    {
        sent.Issued = ++_now;
        _files.Add(sent.File!);
        foreach (var message in sent.Messages)
        {
            message.Issued = _now;
            _sent[message.Header.Cookie] = message;
        }

        if (frame != null) Note(sent, sent.File!.Evidence, frame, isDamaged);
    }

    /// <summary>A command has come back.</summary>
    public void Answer(Sent sent, int error, int result)
    {
        _now++;
        // One that is interrupted may send the rest of its messages when it is repeated.
        if (error != 0 || result != RestartSys || !CommandLayout.IsExchange(sent.Command))
        {
            foreach (var message in sent.Messages) message.Answered = Math.Min(message.Answered, _now);
        }

        if (sent.Match is { } match) match.Answered = _now;
        if (!isStrict) return;
        if (error is not 0 and not -(int)Errno.EINTR) fault($"{(Command)sent.Command} was answered with the error {error} of FUSE.");
        if (error != 0) return;

        var restarts = result == RestartSys && ((Command)sent.Command == Command.Send || CommandLayout.IsExchange(sent.Command));
        var isAllowed = sent.File!.IsStatus ? result == -(int)Errno.ENOTTY : Results.Allow(sent.Command, (Errno)(-result));
        if (!restarts && (result > 0 || !isAllowed)) fault($"{(Command)sent.Command} came to {(Errno)(-result)}.");
        if (result == 0 && sent.RemovesMatches is { } cookie) sent.File!.Evidence.Removed(cookie, sent.Issued, _now);
    }

    /// <summary>A message lies in the pool of <paramref name="file"/>, where the result of a command says.</summary>
    public void Receive(FuzzFile file, ReadOnlySpan<byte> slice, Sent by, bool isFinal, bool isFirst)
    {
        var header = MemoryMarshal.Read<KdbusMsg>(slice);
        if (header.Size < 64 || header.Size > (ulong)slice.Length)
        {
            fault($"A message of {header.Size} bytes in a slice of {slice.Length}.");
            return;
        }

        var pieces = new List<SentPiece>();
        int[]? fds = null;
        string? name = null;
        var notices = new List<(ItemType Type, byte[] Payload)>();
        var told = new ToldMetadata();
        var reader = new ItemReader(slice[64..(int)header.Size]);
        while (reader.TryRead(out var item))
        {
            if (fds == null && item.Type == ItemType.PayloadOff) pieces.Add(new SentPiece(item.As<KdbusVec>()));
            else if (fds == null && item.Type == ItemType.PayloadMemfd && item.Payload.Length == 24) pieces.Add(new SentPiece(default) { Memfd = item.As<KdbusMemfd>() });
            else if (fds == null && item is { Type: ItemType.Fds, Payload.IsEmpty: false }) fds = MemoryMarshal.Cast<byte, int>(item.Payload).ToArray();
            else if (item.Type == ItemType.DstName) name = Encoding.ASCII.GetString(item.String);
            else if (item.Type >= ItemType.NameAdd) notices.Add((item.Type, item.Payload.ToArray()));
            else if (told.Add(item) is { } wrong) fault($"A message has an item {item.Type}, which {wrong}.");
            else continue;
            if (told.Kinds != AttachFlags.None) fault($"A message has an item {item.Type} behind its metadata.");
        }

        if (reader.Error != Errno.OK) fault("The items of a received message are no chain.");
        if (pieces.Exists(piece => piece.Memfd == null && piece.Vec.Offset < header.Size)) fault("A payload begins within the items.");
        if (!isStrict) return;
        if (header.SrcId == Constants.SrcIdKernel)
        {
            Notice(file, header, notices);
            if ((told.Kinds & ~(AttachFlags.Timestamp & LetsThrough & file.Evidence.MayWant)) != 0) fault($"A notification tells {told.Kinds}.");
            return;
        }

        if (!_sent.TryGetValue(header.Cookie, out var message))
        {
            fault($"A message {header.Cookie:x} was received that nobody has sent.");
            return;
        }

        if (message.IsDamaged) return;
        CheckHeader(message, header, name);
        CheckPayload(message, slice, pieces);
        CheckDescriptors(file, message, fds ?? []);
        CheckReceiver(file, message, header);
        CheckMetadata(file, message, told);
        if (!isFinal) return;
        if (!ReceiversOf(message, file).Add(file) || message.Receivers.Count > (message.IsBroadcast ? int.MaxValue : 1)) fault($"{message} was delivered twice.");
        if (by.Command == (uint)Command.Recv) CheckOrder(file, message, by);
        if (by.Command == (uint)Command.Recv) file.Evidence.Received.Add(new Receipt(message, isFirst, by.Issued, _now));
        Seen.Count(message, file.Kind);
    }

    /// <summary>The answer to a question about somebody lies in a pool, where the result of a command says.</summary>
    public void Told(AttachFlags asked, bool aboutBus, ReadOnlySpan<byte> record)
    {
        var told = new ToldMetadata();
        if (record.Length < 24 || MemoryMarshal.Read<ulong>(record) != (ulong)record.Length)
        {
            fault($"An answer of {record.Length} bytes says that it is of another size.");
            return;
        }

        var names = 0;
        var reader = new ItemReader(record[24..]);
        while (reader.TryRead(out var item))
        {
            if (item.Type == ItemType.MakeName) names++;
            else if (told.Add(item) is { } wrong) fault($"An answer has an item {item.Type}, which {wrong}.");
        }

        Seen.Answers++;
        if (reader.Error != Errno.OK || names != (aboutBus ? 1 : 0)) fault($"An answer with {names} names of a bus, whose items end with {reader.Error}.");
        if ((told.Kinds & ~(asked & LetsThrough & ~AttachFlags.Timestamp)) != 0) fault($"Somebody asked for {asked} and was told {told.Kinds}.");
        if (aboutBus && (told.Kinds & AttachMask.Connection) != 0) fault($"A bus was said to have {told.Kinds}.");
    }

    /// <summary>What a command says that may count against what is received later.</summary>
    private static void Note(Sent sent, Evidence evidence, byte[] frame, bool isDamaged)
    {
        switch ((Command)sent.Command)
        {
            case Command.NameAcquire or Command.Hello:
                if (sent.Command == (uint)Command.Hello) NoteHello(evidence, frame, isDamaged);
                evidence.MayHaveAnyName |= isDamaged;
                if (!isDamaged) evidence.Names.UnionWith(NamesIn(frame.AsSpan(CommandLayout.Of(sent.Command)!.FixedSize)));
                break;
            case Command.Update:
                if (isDamaged) NoteAnyMask(evidence);
                else NoteMasks(evidence, frame.AsSpan(CommandLayout.Of(sent.Command)!.FixedSize));
                break;
            case Command.MatchAdd when isDamaged:
                evidence.MayMatchAnything = true;
                break;
            case Command.MatchAdd:
                evidence.Matches.Add(sent.Match = new IssuedMatch(frame, sent.Issued));
                if (sent.Match.Replaces) sent.RemovesMatches = sent.Match.Cookie;
                break;
            case Command.MatchRemove when !isDamaged && !sent.Negotiates:
                sent.RemovesMatches = Frame.As<KdbusCmdMatch>(frame).Cookie;
                break;
        }
    }

    private static void NoteHello(Evidence evidence, byte[] frame, bool isDamaged)
    {
        evidence.Hellos++;
        if (isDamaged)
        {
            NoteAnyMask(evidence);
            evidence.MayTellOfItself = true;
            return;
        }

        var hello = Frame.As<KdbusCmdHello>(frame);
        evidence.Tells(hello.AttachFlagsSend);
        evidence.Wants(hello.AttachFlagsRecv);
        var isSomebodyElse = false;
        var items = new ItemReader(frame.AsSpan(CommandLayout.Of((uint)Command.Hello)!.FixedSize));
        while (items.TryRead(out var item)) isSomebodyElse |= item.Type is ItemType.Creds or ItemType.Pids or ItemType.Seclabel;
        evidence.MayTellOfItself |= !isSomebodyElse;
    }

    private static void NoteMasks(Evidence evidence, ReadOnlySpan<byte> chain)
    {
        var items = new ItemReader(chain);
        while (items.TryRead(out var item))
        {
            if (item.Payload.Length != sizeof(ulong)) continue;
            if (item.Type == ItemType.AttachFlagsSend) evidence.Tells(item.As<ulong>());
            if (item.Type == ItemType.AttachFlagsRecv) evidence.Wants(item.As<ulong>());
        }
    }

    private static void NoteAnyMask(Evidence evidence)
    {
        evidence.Tells((ulong)(AttachFlags.All | AttachMask.Extensions));
        evidence.Wants((ulong)(AttachFlags.All | AttachMask.Extensions));
    }

    private static List<string> NamesIn(ReadOnlySpan<byte> chain)
    {
        var names = new List<string>();
        var items = new ItemReader(chain);
        while (items.TryRead(out var item))
        {
            if (item.Type == ItemType.Name) names.Add(Encoding.Latin1.GetString(item.Payload).TrimEnd('\0'));
        }

        return names;
    }

    private static HashSet<FuzzFile> ReceiversOf(SentMessage message, FuzzFile file) => IsMonitor(file) ? message.Monitors : message.Receivers;

    private static bool IsMonitor(FuzzFile file) => file.Kind.HasFlag(HelloFlags.Monitor);

    private void CheckHeader(SentMessage message, in KdbusMsg there, string? name)
    {
        var here = message.Header;
        var sender = message.File;
        if (there.DstId != here.DstId || there.Flags != here.Flags || there.Priority != here.Priority || there.PayloadType != here.PayloadType
            || there.TimeoutNs != here.TimeoutNs || name != message.Name)
        {
            fault($"{message} arrived with another header.");
        }

        if (sender.Evidence.Hellos == 1 && sender.Id != 0 && there.SrcId != sender.Id) fault($"{message} of {sender.Id} is said to come from {there.SrcId}.");
    }

    private void CheckPayload(SentMessage message, ReadOnlySpan<byte> slice, List<SentPiece> pieces)
    {
        if (pieces.Count != message.Payload.Count)
        {
            fault($"{message} of {message.Payload.Count} pieces arrived with {pieces.Count}.");
            return;
        }

        for (var i = 0; i < pieces.Count; i++)
        {
            var isThere = message.Payload[i].Memfd is { } memfd
                ? Arrived(slice, pieces[i], memfd)
                : pieces[i].Memfd == null && Arrived(slice, pieces[i].Vec, message.Payload[i].Vec, message.Process);
            if (!isThere) fault($"{message} arrived with another payload.");
        }
    }

    /// <summary>Who does not accept descriptors is sent none; what numbers they got, if any did, nobody else knows.</summary>
    private void CheckDescriptors(FuzzFile file, SentMessage message, int[] fds)
    {
        if (fds.Length != message.Fds) fault($"{message} with {message.Fds} descriptors arrived with {fds.Length}.");
        if (fds.Any(number => number < -1)) fault($"{message} arrived with a descriptor of a number that there cannot be.");
        if (fds.Length > 0 && message.IsBroadcast) fault($"{message} brought descriptors to everybody.");
        if (fds.Length > 0 && !IsMonitor(file) && !file.Kind.HasFlag(HelloFlags.AcceptFd)) fault($"{message} brought descriptors to who accepts none.");
        if (fds.Length > 0 || message.Payload.Exists(piece => piece.Memfd != null)) Seen.WithFiles++;
    }

    /// <summary>A memfd is still one, or what is in it is here.</summary>
    private static bool Arrived(ReadOnlySpan<byte> slice, SentPiece there, KdbusMemfd here)
    {
        if (here.Fd != FuzzFiles.Sealed) return false;
        if (there.Memfd is { } memfd) return memfd.Start == here.Start && memfd.Size == here.Size && memfd.Fd >= -1 && memfd.Pad == 0;
        var vec = there.Vec;
        if (vec.Size != here.Size || vec.Offset > (ulong)slice.Length || vec.Size > (ulong)slice.Length - vec.Offset) return false;
        for (var i = 0UL; i < vec.Size; i++)
        {
            if (slice[(int)(vec.Offset + i)] != FuzzFiles.MemfdAt(here.Start + i)) return false;
        }

        Seen.Unpacked++;
        return true;
    }

    private static bool Arrived(ReadOnlySpan<byte> slice, KdbusVec there, KdbusVec here, FuzzProcess sender)
    {
        if (there.Size != here.Size) return false;
        if (here.Address == 0) return there.Offset == Constants.OffsetNone;
        if (there.Offset > (ulong)slice.Length || there.Size > (ulong)slice.Length - there.Offset) return false;
        // What lies outside the payload changes all the time.
        if (here.Address < FuzzProcess.PayloadStart) return true;
        for (var i = 0UL; i < here.Size; i++)
        {
            if (slice[(int)(there.Offset + i)] != sender.PayloadAt(here.Address + i)) return false;
        }

        return true;
    }

    private void CheckReceiver(FuzzFile file, SentMessage message, in KdbusMsg header)
    {
        if (IsMonitor(file)) return;
        var evidence = file.Evidence;
        if (message.IsSignal && !MayHavePassed(file, message, header.SrcId)) fault($"{message} passes no match of its receiver {file.Id}.");
        if (message.Name != null && !evidence.MayHave(message.Name)) fault($"{message} for {message.Name} arrived at {file.Id}, which has never asked for the name.");
        if (message is { Name: null, IsBroadcast: false } && evidence.Hellos == 1 && file.Id != 0 && message.Header.DstId != file.Id)
        {
            fault($"{message} for {message.Header.DstId} arrived at {file.Id}.");
        }
    }

    /// <summary>
    /// What is told was agreed between the sender and who had the name when the message was sent. Of the process there are the words
    /// of the one that sent it.
    /// </summary>
    private void CheckMetadata(FuzzFile file, SentMessage message, ToldMetadata told)
    {
        var (sender, wanted) = (message.File.Evidence, file.Evidence.MayWant);
        if (message.Name != null)
        {
            foreach (var other in _files.Where(other => other.Evidence.MayHave(message.Name))) wanted |= other.Evidence.MayWant;
        }

        var allowed = LetsThrough & sender.MayTell & wanted & (sender.MayTellOfItself ? ~AttachFlags.None : AttachMask.Connection);
        if ((told.Kinds & ~allowed) != 0) fault($"{message} tells {told.Kinds & ~allowed}, which was not agreed.");
        if (told.Names.Find(name => !sender.MayHave(name)) is { } name) fault($"{message} of somebody who is said to own {name}.");
        if (told.Texts.Find(text => !text.StartsWith(message.Process.Word, StringComparison.Ordinal)) is { } text) fault($"{message} of {message.Process.Word} tells of {text}.");
        if ((told.Kinds & AttachMask.Process) != 0) Seen.Described++;
    }

    /// <summary>A signal that was sent to a name has passed a match of whoever had the name by then.</summary>
    private bool MayHavePassed(FuzzFile file, SentMessage message, ulong sender) =>
        MayPass(file.Evidence, message, sender)
        || (message.Name != null && _files.Any(other => other.Evidence.MayHave(message.Name) && MayPass(other.Evidence, message, sender)));

    private bool MayPass(Evidence evidence, SentMessage message, ulong sender) => evidence.MayMatchAnything || evidence.Matches.Exists(match =>
        match.MayHaveBeenThere(message.Issued, Math.Min(message.Answered, _now))
        && match.Rules(message.Filter!.Length - 8) is { } rules
        && rules.PassesSignal(sender, message.File.Evidence.MayHave, message.Filter.AsSpan(8), BitConverter.ToUInt64(message.Filter)));

    /// <summary>
    /// The message was there, in the queue, when another one of the same sender was taken out as the first of it that had been
    /// sent later. One that goes with a name may have come from another queue.
    /// </summary>
    private void CheckOrder(FuzzFile file, SentMessage message, Sent by)
    {
        if (message.Name != null && !IsMonitor(file)) return;
        foreach (var other in file.Evidence.Received)
        {
            if (other.Message.File != message.File) continue;
            Seen.Ordered++;
            if (other.WasFirst && other.Answered < by.Issued && message.Answered < other.Message.Issued) fault($"{message} was overtaken by {other.Message}.");
        }
    }

    private void Notice(FuzzFile file, in KdbusMsg header, List<(ItemType Type, byte[] Payload)> items)
    {
        Seen.Notifications++;
        if (header.PayloadType != Constants.PayloadKernel || header.Flags != (ulong)MessageFlags.Signal || items.Count != 1)
        {
            fault($"A notification with flags {header.Flags}, payload of type {header.PayloadType} and {items.Count} items.");
            return;
        }

        var (type, payload) = items[0];
        if (IsMonitor(file)) return;
        var passes = type switch
        {
            ItemType.ReplyTimeout or ItemType.ReplyDead => IsOwnRequest(file, header.CookieReply),
            ItemType.IdAdd or ItemType.IdRemove => Passes(file.Evidence, type, 0, BitConverter.ToUInt64(payload), null),
            _ => Passes(
                file.Evidence, type, BitConverter.ToUInt64(payload), BitConverter.ToUInt64(payload, 16), Encoding.Latin1.GetString(payload.AsSpan(32)).TrimEnd('\0')),
        };
        if (!passes) fault($"A notification {type} {Convert.ToHexString(payload)} ({header.CookieReply:x}) was none of {file.Id}'s business.");
    }

    private bool IsOwnRequest(FuzzFile file, ulong cookie) => _sent.TryGetValue(cookie, out var message) && message.File == file;

    private static bool Passes(Evidence evidence, ItemType type, ulong oldId, ulong newId, string? name) =>
        evidence.MayMatchAnything
        || evidence.Matches.Exists(match => match.Rules(Grammar.BusWords.BloomSize) is { } rules && rules.PassesNotification(type, oldId, newId, name));
}
