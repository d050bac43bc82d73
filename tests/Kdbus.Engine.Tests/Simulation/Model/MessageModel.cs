namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>A piece of payload; without data it stands for as many zero bytes.</summary>
internal sealed record PieceModel(ulong Size, byte[]? Data);

/// <summary>A message as it was sent, by a connection or (sender null) by the bus.</summary>
internal sealed class MessageModel
{
    public required ConnectionModel? Sender { get; init; }

    public MessageFlags Flags { get; init; }

    public long Priority { get; init; }

    public ulong Destination { get; init; }

    public ulong PayloadType { get; init; }

    public ulong Cookie { get; init; }

    /// <summary>Deadline of a request, or the cookie of the request that this answers.</summary>
    public ulong Last { get; init; }

    public string? Name { get; init; }

    public IReadOnlyList<PieceModel> Pieces { get; init; } = [];

    /// <summary>The item of a notification.</summary>
    public byte[] Notification { get; init; } = [];

    public ulong Sequence { get; set; }

    public Instant Time { get; set; }

    /// <summary>Who sent it, as he was then; null if nothing is told of him.</summary>
    public TaskModel? Task { get; set; }

    public int ItemsSize =>
        64 + Notification.Length + (32 * Pieces.Count) + (Name == null ? 0 : Align(16 + Name.Length + 1));

    public ulong AreaSize => Pieces.Aggregate(0UL, (sum, piece) => sum + (piece.Data != null ? piece.Size : piece.Size % 8));

    public static int Align(int size) => (size + 7) / 8 * 8;
}

/// <summary>A message at one receiver.</summary>
internal sealed class EntryModel(MessageModel message, MetadataModel metadata, UserModel user, NameModel? name)
{
    public MessageModel Message { get; } = message;

    /// <summary>Metadata agreed to when it was queued first.</summary>
    public MetadataModel Metadata { get; } = metadata;

    /// <summary>Metadata as the last one who read it found it.</summary>
    public byte[] Items { get; set; } = [];

    /// <summary>Its reader cannot be given the descriptor that it tells of.</summary>
    public bool LacksDescriptor => Metadata.OfTask.HasFlag(AttachFlags.Pidfd);

    public UserModel User { get; } = user;

    /// <summary>The name that it goes with.</summary>
    public NameModel? Name { get; } = name;

    public SliceModel Slice { get; set; } = null!;

    public TrackerModel? Request { get; set; }

    /// <summary>The owner of the pool has written over it.</summary>
    public bool IsScribbled { get; set; }

    private int AreaStart { get; } = message.ItemsSize + metadata.Estimate();

    public ulong Size => (ulong)MessageModel.Align(AreaStart + (int)Message.AreaSize);

    /// <summary>Every byte of the slice as its receiver must find it.</summary>
    public byte[] Image()
    {
        var image = new MemoryStream();
        var to = new BinaryWriter(image);
        var area = (ulong)AreaStart;
        to.Write((ulong)(Message.ItemsSize + Items.Length));
        to.Write((ulong)Message.Flags);
        to.Write(Message.Priority);
        to.Write(Message.Destination);
        to.Write(Message.Sender?.Id ?? 0);
        to.Write(Message.PayloadType);
        to.Write(Message.Cookie);
        to.Write(Message.Last);
        if (Message.Name != null) MetadataModel.Text(to, ItemType.DstName, Message.Name);
        var position = 0UL;
        foreach (var piece in Message.Pieces)
        {
            to.Write(32UL);
            to.Write((ulong)ItemType.PayloadOff);
            to.Write(piece.Size);
            to.Write(piece.Data == null ? ulong.MaxValue : area + position);
            position += piece.Data == null ? piece.Size % 8 : piece.Size;
        }

        to.Write(Message.Notification);
        to.Write(Items);
        to.Write(new byte[AreaStart - (int)image.Length]); // what is not told leaves nothing behind
        foreach (var piece in Message.Pieces) to.Write(piece.Data ?? new byte[piece.Size % 8]);
        to.Write(new byte[(int)Size - (int)image.Length]);
        return image.ToArray();
    }
}

/// <summary>A message whose payload is being brought, and the places where room is kept for it.</summary>
internal sealed class TransferModel(MessageModel message)
{
    public MessageModel Message { get; } = message;

    public List<DeliveryModel> Deliveries { get; } = [];

    public DeliveryModel? Main { get; set; }

    public Errno Refused { get; set; }

    public TrackerModel? Request { get; set; }

    /// <summary>The waiting call that this answers.</summary>
    public TrackerModel? AnswerTo { get; set; }
}

internal sealed class DeliveryModel(ConnectionModel receiver, EntryModel entry)
{
    public ConnectionModel Receiver { get; } = receiver;

    public ConnectionModel Destination { get; set; } = receiver;

    public EntryModel Entry { get; } = entry;
}

/// <summary>The permission to answer one request once.</summary>
internal sealed class TrackerModel(ConnectionModel requester, ConnectionModel answerer, NameModel? name, ulong cookie, ulong deadline, bool synchronous)
{
    public ConnectionModel Requester { get; } = requester;

    public ConnectionModel Answerer { get; set; } = answerer;

    public NameModel? Name { get; } = name;

    public ulong Cookie { get; } = cookie;

    public ulong Deadline { get; } = deadline;

    public bool Synchronous { get; } = synchronous;

    /// <summary>From where the one who waits, or waited last, looks at the answer.</summary>
    public ViewModel View { get; set; }

    /// <summary>The call that waits, or 0.</summary>
    public ulong Waiting { get; set; }

    /// <summary>The result, kept for a call that a signal interrupted.</summary>
    public Errno? Result { get; set; }

    public EntryModel? Answer { get; set; }

    public bool Ended { get; set; }

    /// <summary>The request is in a queue.</summary>
    public bool Queued { get; set; }
}
