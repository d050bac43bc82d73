using System.Numerics;
using System.Text.Json;
using Kdbus.Abi;
using Kdbus.Engine.Status;

namespace Kdbus.Daemon.Status;

/// <summary>What the file about matches shows.</summary>
internal static class MatchTables
{
    /// <summary>Masks with more bits than this are only counted in the text; JSON has them whole.</summary>
    private const int MostBitsShown = 16;

    private static readonly Format<IReadOnlyList<RuleRow>> Rules = Format.List<RuleRow>(AddTo, Write);

    /// <summary>The matches of a bus.</summary>
    public static Table<MatchRow> Matches { get; } = new Table<MatchRow>()
        .Column("CONNECTION", "connection", Format.Number, row => row.Connection)
        .Column("COOKIE", "cookie", Format.Number, row => row.Cookie)
        .Column("RULES", "rules", Rules, row => row.Rules);

    /// <summary>
    /// A rule as <c>id=7</c>, <c>name=org.example.Clock</c>, <c>bloom=3+77</c> (bits) or
    /// <c>name-change=org.example.Clock:7>any</c>.
    /// </summary>
    private static void AddTo(TextCells cells, RuleRow rule)
    {
        cells.Add(Words.Of(rule.Type));
        cells.Add("=");
        switch (rule.Type)
        {
            case ItemType.BloomMask:
                AddBits(cells, rule.Masks.Span);
                break;
            case ItemType.Name:
                cells.AddAny(rule.Name ?? "any");
                break;
            case ItemType.NameAdd or ItemType.NameRemove or ItemType.NameChange:
                cells.AddAny(rule.Name ?? "any");
                cells.Add(":");
                AddId(cells, rule.OldId);
                cells.Add(">");
                AddId(cells, rule.Id);
                break;
            default:
                AddId(cells, rule.Id);
                break;
        }
    }

    private static void AddId(TextCells cells, ulong? id)
    {
        if (id is { } known) cells.Add(known);
        else cells.Add("any");
    }

    private static void AddBits(TextCells cells, ReadOnlySpan<byte> masks)
    {
        var count = 0;
        foreach (var eight in masks) count += BitOperations.PopCount(eight);
        if (count > MostBitsShown)
        {
            cells.Add((ulong)count);
            cells.Add("-bits");
            return;
        }

        var isFirst = true;
        for (var number = 0; number < masks.Length; number++)
        {
            // Most are empty.
            for (uint left = masks[number]; left != 0; left &= left - 1)
            {
                cells.Separate(isFirst, '+');
                cells.Add((ulong)((number * 8) + BitOperations.TrailingZeroCount(left)));
                isFirst = false;
            }
        }

        if (isFirst) cells.Add("none");
    }

    private static void Write(Utf8JsonWriter json, RuleRow rule)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, Words.Of(rule.Type));
        switch (rule.Type)
        {
            case ItemType.BloomMask:
                json.WriteString("masks"u8, Convert.ToHexStringLower(rule.Masks.Span));
                break;
            case ItemType.Name:
                json.WriteString("name"u8, rule.Name);
                break;
            case ItemType.NameAdd or ItemType.NameRemove or ItemType.NameChange:
                json.WriteString("name"u8, rule.Name);
                WriteId(json, "oldId"u8, rule.OldId);
                WriteId(json, "newId"u8, rule.Id);
                break;
            default:
                WriteId(json, "id"u8, rule.Id);
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteId(Utf8JsonWriter json, ReadOnlySpan<byte> key, ulong? id)
    {
        json.WritePropertyName(key);
        Format.Number.Json(json, id);
    }
}
