namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>A message at one receiver.</summary>
internal sealed class EntryModel
{
    private readonly int _areaStart;

    public EntryModel(MessageModel message, MetadataModel metadata, UserModel user, NameModel? name)
    {
        (Message, Metadata, User, Name) = (message, metadata, user, name);
        _areaStart = message.ItemsSize + metadata.Estimate();
        Size = (ulong)MessageModel.Align(_areaStart + (int)message.AreaSize);
        Numbers = [.. Enumerable.Repeat(-1, message.Fds.Count + message.Memfds.Count() + 1)];
    }

    public MessageModel Message { get; }

    /// <summary>Metadata agreed to when it was queued first.</summary>
    public MetadataModel Metadata { get; }

    /// <summary>Metadata as the last one who read it found it.</summary>
    public byte[] Items { get; set; } = [];

    /// <summary>It tells of a descriptor of its sender.</summary>
    public bool TellsPidfd => Metadata.OfTask.HasFlag(AttachFlags.Pidfd);

    public UserModel User { get; }

    /// <summary>The name that it goes with.</summary>
    public NameModel? Name { get; }

    public SliceModel Slice { get; set; } = null!;

    public TrackerModel? Request { get; set; }

    /// <summary>The owner of the pool has written over it.</summary>
    public bool IsScribbled { get; set; }

    /// <summary>Bytes charged.</summary>
    public ulong Size { get; }

    /// <summary>Who has received it lacks something of it.</summary>
    public bool IsIncomplete { get; set; }

    /// <summary>What came of it beside what is in the pool.</summary>
    public HandoutModel? Handout { get; set; }

    /// <summary>The numbers that stand in it: of the descriptors, of the memfds, of the pidfd.</summary>
    public int[] Numbers { get; }

    /// <summary>How many of them can be told.</summary>
    public int NumbersSent => SentFiles.Count();

    /// <summary>What memfds hold lies in the pool, or is on its way there.</summary>
    public bool IsUnpacked { get; set; }

    /// <summary>That has come.</summary>
    public bool IsFilled { get; set; }

    public IEnumerable<ulong> SentFiles =>
        Message.Fds.Concat(Message.Memfds.Select(piece => piece.Memfd!)).Select(each => each.File).Concat(TellsPidfd && Message.Pidfd != 0 ? [Message.Pidfd] : []);

    /// <summary>Bytes of the slice that it takes with the content of its memfds.</summary>
    public UInt128 UnpackedSize => Places().Aggregate((UInt128)UnpackedEnd, (_, place) => Align(place.At + place.Piece.Size));

    /// <summary>The content of its memfds: file, start, size, and where in the pool.</summary>
    public IEnumerable<(ulong File, ulong Start, ulong Size, ulong At)> Contents =>
        Places().Select(place => (place.Piece.Memfd!.File, place.Piece.Start, place.Piece.Size, Slice.Offset + (ulong)place.At));

    private int Shift => IsUnpacked ? 8 * Message.Memfds.Count() : 0;

    private ulong UnpackedEnd => Size - (8 * (ulong)Message.Memfds.Count());

    /// <summary>Every byte of the slice that its receiver must find as it is here, by its place.</summary>
    public IEnumerable<(int At, byte[] Bytes)> Image()
    {
        yield return (0, Whole());
        if (!IsFilled) yield break;
        foreach (var (at, piece) in Places()) yield return ((int)at, SampleFile.Content(piece.Memfd!.File, piece.Start, (int)piece.Size));
    }

    /// <summary>Where the numbers stand.</summary>
    public IEnumerable<int> NumberPlaces()
    {
        var at = 64 + (Message.Name == null ? 0 : MessageModel.Align(16 + Message.Name.Length + 1));
        var memfds = new List<int>();
        foreach (var piece in Message.Pieces)
        {
            if (piece.Memfd != null) memfds.Add(at + 32);
            at += piece.Memfd == null ? 32 : 40;
        }

        var places = Enumerable.Range(0, Message.Fds.Count).Select(i => at + 16 + (4 * i)).Concat(memfds);
        return places.Append(Message.ItemsSize + Items.Length - 8).Take(NumbersSent);
    }

    /// <summary>Where the content of the memfds goes: behind all else, each piece as it lies in the stream of all bytes.</summary>
    private IEnumerable<(UInt128 At, PieceModel Piece)> Places()
    {
        var (stream, end) = (0UL, (UInt128)UnpackedEnd);
        foreach (var piece in Message.Pieces)
        {
            if (piece.Memfd != null)
            {
                var at = end + (stream % 8);
                yield return (at, piece);
                end = Align(at + piece.Size);
            }

            stream = unchecked(stream + piece.Size);
        }
    }

    private byte[] Whole()
    {
        var image = new MemoryStream();
        var to = new BinaryWriter(image);
        var area = (ulong)(_areaStart - Shift);
        to.Write((ulong)(Message.ItemsSize - Shift + Items.Length));
        to.Write((ulong)Message.Flags);
        to.Write(Message.Priority);
        to.Write(Message.Destination);
        to.Write(Message.Sender?.Id ?? 0);
        to.Write(Message.PayloadType);
        to.Write(Message.Cookie);
        to.Write(Message.Last);
        if (Message.Name != null) MetadataModel.Text(to, ItemType.DstName, Message.Name);
        var position = 0UL;
        var contents = Places().GetEnumerator();
        var number = Message.Fds.Count;
        foreach (var piece in Message.Pieces)
        {
            var isHere = piece.Memfd == null || (IsUnpacked && contents.MoveNext());
            to.Write(isHere ? 32UL : 40UL);
            to.Write((ulong)(isHere ? ItemType.PayloadOff : ItemType.PayloadMemfd));
            if (!isHere) to.Write(piece.Start);
            to.Write(piece.Size);
            if (!isHere) to.Write((long)(uint)Numbers[number++]);
            else if (piece.Memfd != null) to.Write((ulong)contents.Current.At);
            else to.Write(piece.Data == null ? ulong.MaxValue : area + position);
            position += piece.Data == null ? piece.Size % 8 : piece.Size;
        }

        if (Message.Fds.Count > 0)
        {
            to.Write(16 + (4 * (ulong)Message.Fds.Count));
            to.Write((ulong)ItemType.Fds);
            for (var i = 0; i < Message.Fds.Count; i++) to.Write(Numbers[i]);
            to.Write(new byte[MessageModel.Align((int)image.Length) - image.Length]);
        }

        to.Write(Message.Notification);
        to.Write(Items);
        if (TellsPidfd)
        {
            image.Position -= 8;
            to.Write(Numbers[^1]);
            image.Position = image.Length;
        }

        to.Write(new byte[(int)area - (int)image.Length]); // what is not told leaves nothing behind
        foreach (var piece in Message.Pieces) to.Write(piece.Data ?? new byte[piece.Size % 8]);
        to.Write(new byte[(int)Size - Shift - (int)image.Length]);
        return image.ToArray();
    }

    private static UInt128 Align(UInt128 size) => (size + 7) / 8 * 8;
}
