using Kdbus.Engine.Files;
using Kdbus.Engine.Names;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Messages;

/// <summary>A message that lies in a receiver's pool and waits to be received.</summary>
internal sealed class QueuedMessage
{
    public Slice Slice { get; set; } = null!;

    /// <summary>Who sent it, or null for the bus itself.</summary>
    public Connection? Sender { get; set; }

    /// <summary>Who is charged for it, with how much.</summary>
    public User User { get; set; } = null!;

    public ulong Size { get; set; }

    /// <summary>The descriptors among what it is charged for.</summary>
    public int Fds { get; set; }

    /// <summary>The files that came with it; null if none did.</summary>
    public MessageFiles? Files { get; set; }

    public long Priority { get; set; }

    /// <summary>The name it was sent to and goes with, or null.</summary>
    public NameEntry? Name { get; set; }

    /// <summary>
    /// What lies in the slice, as it was written there, and behind that whatever it may be: kept where the message may have to move
    /// on and the pool could have been changed by its owner.
    /// </summary>
    public byte[]? Image { get; set; }

    /// <summary>The tracker of a request, while the message holds the request's slot.</summary>
    public ReplyTracker? Request { get; set; }

    /// <summary>What will be told about the sender, written when the message is received.</summary>
    public Metadata Metadata { get; set; }

    /// <summary>Where in the slice it is written.</summary>
    public int MetadataOffset { get; set; }

    /// <summary>Place in the <see cref="UrgencyHeap"/> of the queue, if it has one.</summary>
    public int UrgencyIndex { get; set; }

    public QueuedMessage? Previous { get; set; }

    public QueuedMessage? Next { get; set; }

    /// <summary>Refers to nothing any more. It is in no queue.</summary>
    public void Clear()
    {
        Slice = null!;
        Sender = null;
        User = null!;
        Size = 0;
        Fds = 0;
        Files = null;
        Priority = 0;
        Name = null;
        Image = null;
        Request = null;
        Metadata = default;
        MetadataOffset = 0;
    }
}

/// <summary>
/// The messages of one receiver in the order of their arrival. Their order by urgency is kept from the moment on at which somebody asks for
/// it while the queue is long, until the queue is empty: most receivers never ask.
/// </summary>
internal sealed class MessageQueue
{
    /// <summary>So many are as fast looked through.</summary>
    private const int Few = 8;

    /// <summary>Room for so many is kept for the next time.</summary>
    private const int RoomKept = 256;

    private QueuedMessage? _last;
    private UrgencyHeap? _heap;
    private bool _isOrdered;

    public int Count { get; private set; }

    public QueuedMessage? First { get; private set; }

    public void Append(QueuedMessage message)
    {
        message.Previous = _last;
        message.Next = null;
        if (_last == null) First = message;
        else _last.Next = message;
        _last = message;
        Count++;
        if (_isOrdered) _heap!.Add(message);
    }

    public void Remove(QueuedMessage message)
    {
        if (message.Previous == null) First = message.Next;
        else message.Previous.Next = message.Next;
        if (message.Next == null) _last = message.Previous;
        else message.Next.Previous = message.Previous;
        message.Previous = message.Next = null;
        Count--;
        if (_isOrdered) Unorder(message);
    }

    /// <summary>
    /// The oldest of the most urgent messages (the smallest number), provided that it is not less urgent than
    /// <paramref name="limit"/>.
    /// </summary>
    public QueuedMessage? MostUrgent(long limit)
    {
        if (!_isOrdered && Count > Few) Order();
        var best = _isOrdered ? _heap!.First : LookThrough();
        return best != null && best.Priority <= limit ? best : null;
    }

    private QueuedMessage? LookThrough()
    {
        QueuedMessage? best = null;
        for (var message = First; message != null; message = message.Next)
        {
            if (best == null || message.Priority < best.Priority) best = message;
        }

        return best;
    }

    private void Order()
    {
        _heap ??= new UrgencyHeap();
        for (var message = First; message != null; message = message.Next) _heap.Add(message);
        _isOrdered = true;
    }

    private void Unorder(QueuedMessage message)
    {
        _heap!.Remove(message);
        if (Count > 0) return;
        _isOrdered = false;
        if (_heap.Capacity > RoomKept) _heap = null;
    }
}
