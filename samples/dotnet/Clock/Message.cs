using System.Runtime.CompilerServices;
using System.Text;
using Kdbus.Abi;

namespace Samples.Clock;

/// <summary>A message where the bus put it: in the mapped pool, until it is given back with <see cref="BusConnection.Free"/>.</summary>
internal readonly unsafe ref struct Message(byte* pool, ulong offset)
{
    private readonly byte* _start = pool + offset;

    /// <summary>Place in the pool.</summary>
    public ulong Offset { get; } = offset;

    public ref readonly KdbusMsg Header => ref Unsafe.AsRef<KdbusMsg>(_start);

    /// <summary>True for messages that someone waits for the answer of.</summary>
    public bool IsRequest => Header.SrcId != Constants.SrcIdKernel && (Header.Flags & (ulong)MessageFlags.ExpectReply) != 0;

    /// <summary>True for the answer to a request, and for the bus' news that there will be none.</summary>
    public bool Answers(ulong cookie) => (Header.Flags & (ulong)MessageFlags.ExpectReply) == 0 && Header.CookieReply == cookie;

    /// <summary>0, or -errno if the bus says that no answer will come.</summary>
    public int Failure => Header.SrcId != Constants.SrcIdKernel ? 0
        : Has(ItemType.ReplyTimeout) ? -(int)Errno.ETIMEDOUT
        : -(int)Errno.EPIPE;

    /// <summary>The payload: its parts, one after the other; where one ends and the next begins means nothing.</summary>
    public string Text()
    {
        var text = new StringBuilder();
        var items = Items();
        while (items.TryRead(out var item))
        {
            if (item.Type != ItemType.PayloadOff) continue;
            var part = item.As<KdbusVec>();
            if (part.Offset == Constants.OffsetNone) text.Append('\0', (int)part.Size);
            else text.Append(Encoding.UTF8.GetString(_start + part.Offset, (int)part.Size));
        }

        return text.ToString();
    }

    private bool Has(ItemType type)
    {
        var items = Items();
        while (items.TryRead(out var item))
        {
            if (item.Type == type) return true;
        }

        return false;
    }

    private ItemReader Items() => new(new ReadOnlySpan<byte>(_start + sizeof(KdbusMsg), (int)Header.Size - sizeof(KdbusMsg)));
}
