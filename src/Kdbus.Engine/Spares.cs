using Kdbus.Engine.Messages;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine;

/// <summary>
/// Objects that messages are made of and that nobody refers to any more: the next message takes them, so a bus that is in use makes no
/// garbage. Each kind is given back in one place, which its property names; what is not given back is nobody's loss.
/// </summary>
internal sealed class Spares
{
    /// <summary>Given back by <see cref="Queueing.Forget"/>.</summary>
    public SpareList<QueuedMessage> Messages { get; } = new(1024);

    /// <summary>Room for what they look like; given back with them, or when it is not needed any more.</summary>
    public Images Images { get; } = new();

    /// <summary>Given back by <see cref="Replies"/> when they have ended and nothing refers to them.</summary>
    public SpareList<ReplyTracker> Trackers { get; } = new(1024);

    /// <summary>Given back by <see cref="Transfer.End"/>.</summary>
    public SpareList<Transfer> Transfers { get; } = new(64);

    /// <summary>Given back by the pool that has merged them with others.</summary>
    public SpareList<Slice> Slices { get; } = new(1024);
}

/// <summary>Spare objects of one kind, at most so many. They refer to nothing.</summary>
internal sealed class SpareList<T>(int most)
    where T : class, new()
{
    private readonly Stack<T> _spares = new();

    /// <summary>How many there are.</summary>
    public int Count => _spares.Count;

    /// <summary>A spare one, or a new one.</summary>
    public T Take() => _spares.TryPop(out var spare) ? spare : new T();

    public void GiveBack(T spare)
    {
        if (_spares.Count < most) _spares.Push(spare);
    }
}
