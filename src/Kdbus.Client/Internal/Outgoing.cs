namespace Kdbus.Client.Internal;

/// <summary>
/// Messages that the receiving thread sends together with its next receiving: answers and requests, whose fate is told elsewhere. Each has a sender who is told if the bus
/// did not take it. Guarded by whoever has it.
/// </summary>
internal sealed class Outgoing
{
    private readonly byte[] _bytes = new byte[Room.Size - 1024];
    private readonly List<(int Start, ISender? Sender)> _messages = [];
    private int _first;
    private int _length;

    /// <summary>How many there are.</summary>
    public int Count => _messages.Count - _first;

    /// <summary>They themselves, as they stand in a command.</summary>
    public ReadOnlySpan<byte> Bytes => Count == 0 ? default : _bytes.AsSpan(_messages[_first].Start.._length);

    /// <summary>Adds one; false if there is no room for it any more.</summary>
    public bool TryAdd(ref Draft draft, ISender? sender)
    {
        if (_bytes.Length - _length < draft.Room)
            return false;
        HandleHolder none = default;
        int start = _length;
        _length += draft.Write(_bytes.AsSpan(start), inline: true, ref none);
        _messages.Add((start, sender));
        return true;
    }

    /// <summary>So many have been sent. If there is an error, the next one has not and will not.</summary>
    public void Sent(int count, int error)
    {
        _first += count;
        if (error < 0 && Count > 0)
        {
            var (start, sender) = _messages[_first++];
            sender?.NotSent(_bytes.AsSpan(start..(Count == 0 ? _length : _messages[_first].Start)), error);
        }
        if (Count == 0)
            Clear();
    }

    /// <summary>Nothing is left to send.</summary>
    public void Clear()
    {
        _messages.Clear();
        (_first, _length) = (0, 0);
    }
}

/// <summary>Whoever wants to know that a message that was put off could not be sent.</summary>
internal interface ISender
{
    /// <summary>The bus did not take it. Must not run code of the user: the receiving thread is in the middle of something.</summary>
    /// <param name="message">The message, header and items.</param>
    /// <param name="error">-errno.</param>
    void NotSent(ReadOnlySpan<byte> message, int error);
}
