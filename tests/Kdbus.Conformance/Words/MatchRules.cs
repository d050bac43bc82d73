using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Words;

/// <summary>The rules of a match being put together. All of them must pass for the match to pass.</summary>
public sealed class MatchRules(WireStruct command)
{
    /// <summary>In the place of an id: whoever it is.</summary>
    public const ulong Any = Constants.MatchIdAny;

    /// <summary>Signals whose filter has these bits; with several generations, one mask behind the other.</summary>
    public MatchRules BloomMask(params byte[][] generations) => Item(ItemType.BloomMask, [.. generations.SelectMany(static g => g)]);

    /// <summary>Signals of who owns a name.</summary>
    public MatchRules Name(string name)
    {
        command.Text(ItemType.Name, name);
        return this;
    }

    /// <summary>Signals of a connection.</summary>
    public MatchRules Id(ulong id = Any) => Item(ItemType.Id, BitConverter.GetBytes(id));

    /// <summary>Notifications that a name has got its first owner.</summary>
    public MatchRules NameAdd(ulong oldId = Any, ulong newId = Any, string? name = null) => NameRule(ItemType.NameAdd, oldId, newId, name);

    /// <summary>Notifications that a name has lost its last owner.</summary>
    public MatchRules NameRemove(ulong oldId = Any, ulong newId = Any, string? name = null) => NameRule(ItemType.NameRemove, oldId, newId, name);

    /// <summary>Notifications that a name has gone from one owner to another.</summary>
    public MatchRules NameChange(ulong oldId = Any, ulong newId = Any, string? name = null) => NameRule(ItemType.NameChange, oldId, newId, name);

    /// <summary>Notifications that a connection has been made.</summary>
    public MatchRules IdAdd(ulong id = Any) => IdRule(ItemType.IdAdd, id);

    /// <summary>Notifications that a connection has ended.</summary>
    public MatchRules IdRemove(ulong id = Any) => IdRule(ItemType.IdRemove, id);

    /// <summary>Any item.</summary>
    public MatchRules Item(ItemType type, ReadOnlySpan<byte> payload)
    {
        command.Item(type, payload);
        return this;
    }

    private MatchRules NameRule(ItemType type, ulong oldId, ulong newId, string? name)
    {
        KdbusNotifyNameChange rule = new() { OldId = Rule(oldId), NewId = Rule(newId) };
        byte[] text = name is null ? [] : System.Text.Encoding.ASCII.GetBytes(name + '\0');
        return Item(type, [.. MemoryMarshal.AsBytes(new ReadOnlySpan<KdbusNotifyNameChange>(in rule)), .. text]);
    }

    private MatchRules IdRule(ItemType type, ulong id)
    {
        command.Item(type, Rule(id));
        return this;
    }

    // The flags of a rule mean nothing, so they say something.
    private static KdbusNotifyIdChange Rule(ulong id) => new() { Id = id, Flags = 0xf1a65 };
}
