using System.Globalization;
using System.Text.Json;
using Kdbus.Abi;

namespace Kdbus.Daemon.Status;

/// <summary>The names of the bits of a mask, lower case with dashes.</summary>
internal sealed class FlagNames
{
    private readonly (string Name, ulong Bit)[] _names;
    private readonly ulong _named;

    private FlagNames(params (string Name, ulong Bit)[] names)
    {
        _names = names;
        _named = names.Aggregate(0UL, (all, flag) => all | flag.Bit);
    }

    /// <summary>In text, these bits together are <c>all</c>; 0 if nothing is.</summary>
    private ulong All { get; init; }

    /// <summary>Of HELLO.</summary>
    public static FlagNames Hello { get; } = new(
        ("accept-fd", (ulong)HelloFlags.AcceptFd),
        ("activator", (ulong)HelloFlags.Activator),
        ("policy-holder", (ulong)HelloFlags.PolicyHolder),
        ("monitor", (ulong)HelloFlags.Monitor));

    /// <summary>Of buses and endpoints.</summary>
    public static FlagNames Make { get; } = new(
        ("access-group", (ulong)MakeFlags.AccessGroup),
        ("access-world", (ulong)MakeFlags.AccessWorld));

    /// <summary>Of names.</summary>
    public static FlagNames Name { get; } = new(
        ("replace-existing", (ulong)NameFlags.ReplaceExisting),
        ("allow-replacement", (ulong)NameFlags.AllowReplacement),
        ("queue", (ulong)NameFlags.Queue),
        ("in-queue", (ulong)NameFlags.InQueue),
        ("activator", (ulong)NameFlags.Activator));

    /// <summary>Of kinds of metadata.</summary>
    public static FlagNames Attach { get; } = new([.. AttachMask.Names.Select(kind => (kind.Name, (ulong)kind.Kind))])
    {
        All = (ulong)AttachFlags.All,
    };

    /// <summary>The names of the bits that are set, separated by commas; a number for what has no name.</summary>
    public void AddTo(TextCells cells, ulong value)
    {
        var isFirst = true;
        if (All != 0 && (value & All) == All)
        {
            cells.Add("all");
            value &= ~All;
            isFirst = false;
        }

        foreach (var name in NamesOf(value))
        {
            cells.Separate(isFirst);
            cells.Add(name);
            isFirst = false;
        }
    }

    /// <summary>The name of one bit.</summary>
    public string NameOf(ulong bit) => NamesOf(bit).Single();

    /// <summary>An object with the number and the names.</summary>
    public void Write(Utf8JsonWriter json, ulong value)
    {
        json.WriteStartObject();
        json.WriteNumber("value"u8, value);
        json.WriteStartArray("names"u8);
        foreach (var name in NamesOf(value)) json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private IEnumerable<string> NamesOf(ulong value)
    {
        foreach (var (name, bit) in _names)
        {
            if ((value & bit) != 0) yield return name;
        }

        if ((value & ~_named) is var rest and not 0) yield return string.Create(CultureInfo.InvariantCulture, $"0x{rest:x}");
    }
}
