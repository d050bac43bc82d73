namespace Kdbus.Client.Internal;

/// <summary>The requests that this connection has received and not yet dealt with, so that one can be cancelled by whoever sent it.</summary>
internal sealed class Requests
{
    private readonly Dictionary<(ulong Sender, ulong Cookie), MessageSlot> _requests = [];
    private readonly Lock _lock = new();

    /// <summary>A request has been received. A second one with the number of one that is being dealt with cannot be cancelled.</summary>
    public void Add(MessageSlot slot)
    {
        lock (_lock)
            slot.IsCancelable = _requests.TryAdd((slot.Header.SrcId, slot.Header.Cookie), slot);
    }

    /// <summary>It has been dealt with.</summary>
    public void Remove(MessageSlot slot)
    {
        lock (_lock)
            _requests.Remove((slot.Header.SrcId, slot.Header.Cookie));
    }

    /// <summary>Its sender does not want the answer any more.</summary>
    public void Cancel(ulong sender, ulong cookie)
    {
        CancellationTokenSource? cancellation = null;
        lock (_lock)
        {
            // Under the lock the slot is still that of the request.
            if (_requests.TryGetValue((sender, cookie), out MessageSlot? slot))
                cancellation = slot.CancellationSource;
        }
        try
        {
            cancellation?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has been dealt with just now.
        }
    }
}
