using System.Buffers.Binary;
using System.Text;

namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>What is held against matches: a signal of a connection, or a notification.</summary>
internal sealed record EventModel(ItemType Type)
{
    public bool IsSignal => Type == ItemType.BloomFilter;

    public ConnectionModel? Sender { get; init; }

    /// <summary>The names the sender owns.</summary>
    public List<string> SenderNames { get; init; } = [];

    public ulong Generation { get; init; }

    public byte[] Filter { get; init; } = [];

    public ulong OldId { get; init; }

    public ulong NewId { get; init; }

    public string? Name { get; init; }
}

/// <summary>A rule as its item was given.</summary>
internal sealed record RuleModel(ItemType Type, byte[] Payload)
{
    private ulong At(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(Payload.AsSpan(offset));

    private string TextFrom(int offset) => Encoding.ASCII.GetString(Payload[offset..^1]);

    public byte[] Item => Frame.Item(Type, Payload);

    public Errno Check(int bloomSize) => Type switch
    {
        ItemType.BloomMask when Payload.Length < bloomSize || Payload.Length % bloomSize != 0 => Errno.EDOM,
        ItemType.Name when !NameRules.IsValid(TextFrom(0)) => Errno.EINVAL,
        _ => Errno.OK,
    };

    public bool Holds(EventModel what)
    {
        const ulong any = ulong.MaxValue;
        if (what.IsSignal)
        {
            return Type switch
            {
                ItemType.BloomMask => MaskHolds(what),
                ItemType.Id => At(0) == any || At(0) == what.Sender!.Id,
                ItemType.Name => what.SenderNames.Contains(TextFrom(0)),
                _ => false,
            };
        }

        if (Type != what.Type) return false;
        if (Type is ItemType.IdAdd or ItemType.IdRemove) return At(0) == any || At(0) == what.NewId;
        return (At(0) == any || At(0) == what.OldId)
            && (At(16) == any || At(16) == what.NewId)
            && (Payload.Length == 32 || TextFrom(32) == what.Name);
    }

    private bool MaskHolds(EventModel what)
    {
        var size = what.Filter.Length;
        var mask = (int)Math.Min(what.Generation, (ulong)(Payload.Length / size) - 1);
        for (var i = 0; i < size; i++)
        {
            if ((what.Filter[i] & Payload[(mask * size) + i]) != Payload[(mask * size) + i]) return false;
        }

        return true;
    }
}

/// <summary>Rules that must all hold.</summary>
internal sealed record MatchModel(ulong Cookie, List<RuleModel> Rules)
{
    public bool Passes(EventModel what) => Rules.TrueForAll(rule => rule.Holds(what));
}
