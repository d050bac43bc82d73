using System.Text;
using System.Text.Json;

namespace Kdbus.Conformance.Words;

/// <summary>The files below <c>.status</c>, as a process reads them.</summary>
public static class StatusFiles
{
    /// <summary>What a bus's directory holds, without the suffix of JSON.</summary>
    public static IReadOnlyList<string> OfBus { get; } = ["connections", "names", "matches", "queues", "replies", "policy", "quota"];

    /// <summary>What there is about the domain.</summary>
    public static IReadOnlyList<string> OfDomain { get; } = ["buses", "limits", "memory", "metadata", "server", "users"];

    /// <summary>open(2), read(2) until nothing comes, close(2).</summary>
    public static string Read(IProcess process, string path, int pieces = 65536)
    {
        Handle file = Handle.Open(process, path, OpenFlags.ReadOnly);
        string text = ReadOn(file, pieces);
        file.Close();
        return text;
    }

    /// <summary>read(2) until nothing comes.</summary>
    public static string ReadOn(Handle file, int pieces = 65536)
    {
        List<byte> bytes = [];
        byte[] piece = new byte[pieces];
        for (; ; )
        {
            long count = file.Process.Read(file.Descriptor, piece);
            Assert.True(count >= 0, $"read gave {(Errno)(-count)}");
            if (count == 0)
                return Encoding.ASCII.GetString([.. bytes]);
            bytes.AddRange(piece.AsSpan(0, (int)count));
        }
    }

    /// <summary>Lines of cells, the first of titles. Two spaces or more are between cells.</summary>
    public static string[][] Cells(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        return [.. text[..^1].Split('\n').Select(static line =>
            line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
    }

    /// <summary>The rows of a JSON file, which must be an object of a bus and rows.</summary>
    public static IReadOnlyList<JsonElement> Rows(string json, string? bus)
    {
        JsonElement root = JsonDocument.Parse(json).RootElement;
        Assert.Equal("bus rows", string.Join(' ', root.EnumerateObject().Select(static member => member.Name)));
        Assert.Equal(bus, root.GetProperty("bus").GetString());
        return [.. root.GetProperty("rows").EnumerateArray()];
    }

    /// <summary>How the text shows a value; null where it is shown otherwise than by its words and numbers.</summary>
    public static string? Cell(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null => "-",
        JsonValueKind.True => "yes",
        JsonValueKind.False => "-",
        JsonValueKind.Array => Joined([.. value.EnumerateArray().Select(Cell)]),
        _ when value.TryGetProperty("names", out JsonElement names) => Cell(names),
        _ when value.TryGetProperty("uid", out JsonElement uid) && value.TryGetProperty("endpoint", out JsonElement endpoint) =>
            uid.ValueKind == JsonValueKind.Number ? uid.GetRawText()
            : endpoint.ValueKind == JsonValueKind.String ? $"endpoint:{endpoint.GetString()}"
            : "bus",
        _ => null,
    };

    private static string? Joined(string?[] parts) =>
        parts.Length == 0 ? "-" : parts.Contains(null) ? null : string.Join(',', parts);
}
