using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Engine.Tests.Simulation.Model;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>The words a schedule is made of: few names, few ids, few bits, so that they meet. Some of them are wrong.</summary>
internal sealed class Vocabulary(World world)
{
    private static readonly string[] Names = ["a.b", "a.c", "a.b.c", "org.x", "org.x.y", "srv.one"];
    private static readonly string[] Wildcards = ["a.*", "a.b.*", "org.*", "org.x.*", "srv.*"];
    private static readonly string[] Wrong = ["plain", "a..b", ".a.b", "1a.b", "a.1b", "a.*", "a.b.", "a.b*"];

    private Chance Chance => world.Chance;

    public string Name() => Chance.OneIn(40) ? Chance.Any(Wrong) : Chance.Any(Names);

    /// <summary>Mostly one that somebody owns, or an activator stands in for.</summary>
    public string OwnedName(BusModel bus)
    {
        if (bus.Names.Count == 0 || Chance.OneIn(8)) return Name();
        var activated = bus.Names.FindAll(name => name.Activator != null);
        return Chance.Any(activated.Count == 0 || Chance.OneIn(2) ? bus.Names : activated).Text;
    }

    public TaskModel Caller() => world.Tasks[Chance.Below(world.Tasks.Count)];

    /// <summary>Who made the connection, or, now and then, another process that holds a copy of its handle.</summary>
    public TaskModel CallerOf(ConnectionModel connection) => Chance.OneIn(6) ? Caller() : world.Tasks[connection.Task.Index];

    public ulong Mask() => Chance.Below(60) switch
    {
        0 => Chance.Of(1UL << 14, 1UL << 31, 1UL << 35, 1UL << 63, ulong.MaxValue - 1),
        < 5 => 0,
        < 9 => 1UL << Chance.Below(14),
        < 12 => 0x1fff,
        < 16 => 0x281f,
        < 24 => (ulong)Chance.Below(1 << 14),
        < 36 => (uint)Chance.Below(1 << 14) | Extensions(),
        < 46 => 0x3fff | Extensions(),
        _ => Chance.OneIn(2) ? ulong.MaxValue : 0x3fff,
    };

    /// <summary>What the administrator lets through: he is not asked whether it means anything.</summary>
    public AttachFlags DomainMask() => (AttachFlags)(Chance.Below(8) switch
    {
        0 => 0UL,
        1 => ulong.MaxValue & ~4UL,
        2 => 1UL << 34 | 1,
        3 => (ulong)Chance.Below(1 << 14),
        4 => 0x281fUL,
        _ => ulong.MaxValue,
    });

    /// <summary>HELLO of somebody who says that he is somebody else; some of it is wrong.</summary>
    public (ulong[]? Creds, ulong[]? Pids, string? Seclabel) Fakes()
    {
        var which = Chance.Below(8);
        return (
            (which & 1) == 0 ? null : [.. Enumerable.Range(0, 8).Select(_ => Chance.OneIn(40) ? 77UL : Chance.Of(1000UL, 1001UL, 1002UL, 1003UL, 1000UL, uint.MaxValue, (3UL << 32) + 1001))],
            (which & 2) == 0 ? null : [Number(), Number(), Number()],
            (which & 4) == 0 ? null : Chance.Of("", "label", "a longer label", Chance.OneIn(9) ? "b\0ad" : "x"));
    }

    private ulong Number() => Chance.OneIn(30) ? Chance.Of(999UL, (1UL << 32) + 10, ulong.MaxValue) : Chance.Of(0UL, 10UL, 11UL, 1UL, 2UL, 300UL, 44UL, 60UL);

    private ulong Extensions() => (ulong)Chance.Below(8) << 32;

    /// <summary>A name, and perhaps who gets what of it.</summary>
    public List<PolicyLine> Policy(int names)
    {
        var lines = new List<PolicyLine>();
        if (Chance.OneIn(40)) lines.Add(Access());
        for (var i = 0; i < names; i++)
        {
            lines.Add(new PolicyLine(Chance.OneIn(4) ? Chance.Any(Wildcards) : Name()));
            for (var accesses = Chance.Below(4); accesses > 0; accesses--) lines.Add(Access());
            if (Chance.OneIn(2)) lines.Add(new PolicyLine(Name: null, 3, Chance.Of(1UL, 2UL, 2UL)));
        }

        return lines;
    }

    public PolicyLine Access() => new(
        Name: null,
        Chance.OneIn(60) ? Chance.Of(0UL, 4UL) : 1 + (ulong)Chance.Below(3),
        Chance.OneIn(60) ? 3UL : (ulong)Chance.Below(3),
        Chance.OneIn(60) ? uint.MaxValue : Chance.Of(50UL, 60UL, 1000UL, 1001UL, 1002UL, 1003UL, 0UL, (1UL << 32) + 1001));

    public ulong Id(BusModel bus) => bus.Connections.Count == 0 || Chance.OneIn(30)
        ? (ulong)Chance.Below((int)world.Model.LastId + 2)
        : Chance.Any(bus.Connections).Id;

    public byte[] Filter(int bloomSize)
    {
        var filter = Chance.Bytes(Chance.OneIn(60) ? Chance.Of(bloomSize + 8, bloomSize + 4) : bloomSize);
        var more = Chance.Bytes(filter.Length);
        for (var i = 0; i < filter.Length; i++) filter[i] |= more[i];
        return filter;
    }

    public List<RuleModel> Rules(BusModel bus)
    {
        var rules = new List<RuleModel>();
        for (var count = Chance.Of(0, 1, 1, 1, 1, 2, 2, 3); count > 0; count--)
        {
            var type = Chance.OneIn(3) || rules.Count == 0 ? RuleType() : rules[0].Type;
            if (rules.Count > 0 && rules[0].Type is ItemType.BloomMask or ItemType.Id or ItemType.Name && !Chance.OneIn(4))
            {
                type = Chance.Of(ItemType.BloomMask, ItemType.Id, ItemType.Name);
            }

            rules.Add(Rule(type, bus));
        }

        return rules;
    }

    private ItemType RuleType() => Chance.OneIn(2)
        ? Chance.Of(ItemType.BloomMask, ItemType.BloomMask, ItemType.Id, ItemType.Name)
        : Chance.Of(ItemType.NameAdd, ItemType.NameRemove, ItemType.NameChange, ItemType.IdAdd, ItemType.IdRemove);

    private RuleModel Rule(ItemType type, BusModel bus)
    {
        switch (type)
        {
            case ItemType.BloomMask:
                return new RuleModel(type, Masks(bus.BloomSize));
            case ItemType.Id:
                return new RuleModel(type, BitConverter.GetBytes(AnyOr(bus)));
            case ItemType.Name:
                return new RuleModel(type, Encoding.ASCII.GetBytes(Name() + '\0'));
            case ItemType.IdAdd or ItemType.IdRemove:
                return new RuleModel(type, Bytes(new KdbusNotifyIdChange { Id = AnyOr(bus), Flags = (ulong)Chance.Below(3) }));
        }

        var change = Bytes(new KdbusNotifyNameChange { OldId = { Id = OldOr(bus) }, NewId = { Id = OldOr(bus) } });
        var name = Chance.Below(20) switch { < 8 => "", 8 => "\0", _ => Name() + '\0' };
        return new RuleModel(type, [.. change, .. Encoding.ASCII.GetBytes(name)]);
    }

    /// <summary>One mask for each generation, of few bits.</summary>
    private byte[] Masks(int bloomSize)
    {
        var generations = Chance.Of(1, 1, 1, 2, 3);
        var masks = new byte[(bloomSize * generations) + (Chance.OneIn(60) ? 4 : 0)];
        for (var generation = 0; generation < generations; generation++)
        {
            for (var bits = Chance.Of(0, 1, 1, 2, 3); bits > 0; bits--) masks[(generation * bloomSize) + Chance.Below(bloomSize)] |= (byte)(1 << Chance.Below(8));
        }

        return masks;
    }

    private ulong AnyOr(BusModel bus) => Chance.OneIn(2) ? ulong.MaxValue : Id(bus);

    private ulong OldOr(BusModel bus) => Chance.Below(4) switch { 0 => 0, 1 => Id(bus), _ => ulong.MaxValue };

    private static byte[] Bytes<T>(T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();
}
