namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>A piece of payload: data, a range of a memfd, or, without either, as many zero bytes.</summary>
internal sealed record PieceModel(ulong Size, byte[]? Data)
{
    public DescriptorModel? Memfd { get; init; }

    /// <summary>The first byte of it in the memfd.</summary>
    public ulong Start { get; init; }
}

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

    /// <summary>The descriptors of its FDS item.</summary>
    public IReadOnlyList<DescriptorModel> Fds { get; init; } = [];

    /// <summary>The pieces that are memfds.</summary>
    public IEnumerable<PieceModel> Memfds => Pieces.Where(piece => piece.Memfd != null);

    /// <summary>A pidfd of the sender that came with it, or 0.</summary>
    public ulong Pidfd { get; set; }

    /// <summary>How many files came with it.</summary>
    public int Files => Fds.Count + Memfds.Count() + (Pidfd != 0 ? 1 : 0);

    /// <summary>The item of a notification.</summary>
    public byte[] Notification { get; init; } = [];

    public ulong Sequence { get; set; }

    public Instant Time { get; set; }

    /// <summary>Who sent it, as he was then; null if nothing is told of him.</summary>
    public TaskModel? Task { get; set; }

    public int ItemsSize =>
        64 + Notification.Length + (32 * Pieces.Count) + (8 * Memfds.Count()) + (Fds.Count == 0 ? 0 : Align(16 + (4 * Fds.Count))) + (Name == null ? 0 : Align(16 + Name.Length + 1));

    public ulong AreaSize => Pieces.Aggregate(0UL, (sum, piece) => sum + (piece.Data != null ? piece.Size : piece.Size % 8));

    public static int Align(int size) => (size + 7) / 8 * 8;
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

    /// <summary>He has said where descriptors can be sent to him.</summary>
    public bool TakesDescriptors { get; set; }

    /// <summary>The call that waits, or 0.</summary>
    public ulong Waiting { get; set; }

    /// <summary>The result, kept for a call that a signal interrupted.</summary>
    public Errno? Result { get; set; }

    public EntryModel? Answer { get; set; }

    public bool Ended { get; set; }

    /// <summary>The request is in a queue.</summary>
    public bool Queued { get; set; }
}
