using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;

namespace Kdbus.Client.Internal;

/// <summary>A request that cannot be sent yet, because a connection may only wait for so many answers at a time, or its receiver has a full queue.</summary>
internal sealed class ParkedCall
{
    private readonly KdbusMsg _header;
    private readonly string? _name;
    private readonly byte[] _payload;
    private readonly IReadOnlyList<MemfdPayload>? _memfds;
    private readonly IReadOnlyList<SafeHandle>? _descriptors;

    public ParkedCall(PendingCall call, in Draft draft)
    {
        Call = call;
        (_header, _name, _payload, _memfds, _descriptors) = (draft.Header, draft.Name, draft.Payload.ToArray(), draft.Memfds, draft.Descriptors);
    }

    /// <summary>From the bytes of a message that had only bytes of its own.</summary>
    public ParkedCall(PendingCall call, ReadOnlySpan<byte> message)
    {
        Call = call;
        _header = MemoryMarshal.Read<KdbusMsg>(message);
        _payload = [];
        var items = new ItemReader(message[Unsafe.SizeOf<KdbusMsg>()..(int)_header.Size]);
        while (items.TryRead(out Item item))
        {
            if (item.Type == ItemType.DstName)
                _name = Encoding.ASCII.GetString(item.String);
            else if (item.Type == ItemType.PayloadInline)
                _payload = item.Payload.ToArray();
        }
    }

    /// <summary>Who waits for the answer.</summary>
    public PendingCall Call { get; }

    /// <summary>The request.</summary>
    public Draft Draft => new() { Header = _header, Name = _name, Payload = _payload, Memfds = _memfds, Descriptors = _descriptors };
}
