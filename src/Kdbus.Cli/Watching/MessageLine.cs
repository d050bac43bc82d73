using System.Globalization;
using System.Text;

namespace Kdbus.Cli.Watching;

/// <summary>How much of payloads is shown.</summary>
internal enum PayloadShown
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The beginning, in the line of the message.</summary>
    Preview,

    /// <summary>All of it, in the line.</summary>
    Full,

    /// <summary>All of it, as hexadecimal numbers and text in lines below.</summary>
    Hex,
}

/// <summary>A message as one line: when, who, to whom, what kind, how much, what.</summary>
/// <param name="output">Where to.</param>
/// <param name="shown">How much of payloads.</param>
internal sealed class MessageLine(Output output, PayloadShown shown)
{
    private const int PreviewInPipe = 60;
    private const int LeastPreview = 12;

    /// <summary>Writes the line.</summary>
    public void Write(Sighting sighting)
    {
        WatchedMessage message = sighting.Message;
        List<LinePart> parts = Parts(sighting);
        PayloadReading? reading = message.Notification is null ? PayloadReading.Of(message) : null;
        if (reading?.Headline is { } headline)
            parts.Add(new LinePart(Escaped.Text(headline), "bold"));
        Fit(parts, reading is { Values.Count: > 0 } && shown is PayloadShown.Preview ? LeastPreview + 2 : 0);
        if (reading is { Values.Count: > 0 } && shown is PayloadShown.Preview or PayloadShown.Full)
            parts.Add(new LinePart(reading.Text(shown == PayloadShown.Full ? int.MaxValue : RoomForPreview(parts)), null));
        for (int i = 0; i < parts.Count; i++)
        {
            output.Part(i == 0 ? "" : parts[i].IsJoined ? " " : "  ");
            output.Part(parts[i].Text, parts[i].Style);
        }
        output.Part("\n");
        if (shown == PayloadShown.Hex)
            WriteHex(message);
    }

    /// <summary>Says how many messages were lost before the next one.</summary>
    public void WriteLost(ulong lost)
    {
        output.Part(LostText(lost), "red");
        output.Part("\n");
    }

    /// <summary>Says which calls got no answer.</summary>
    public void WriteUnanswered(IReadOnlyList<EndedCall> unanswered, PeerBook peers)
    {
        const int Most = 20;
        if (unanswered.Count == 0)
            return;
        output.Part($"{unanswered.Count} {(unanswered.Count == 1 ? "call" : "calls")} without an answer:", "yellow");
        output.Part("\n");
        foreach ((WatchedCall call, CallEnd end, ulong ns) in unanswered.Take(Most))
        {
            output.Part(string.Create(
                CultureInfo.InvariantCulture,
                $"  {Label(call.Caller, peers)} → {(call.Name is { } name ? Escaped.Text(name) : Label(call.Receiver, peers))}  call {call.Cookie}  {end.Text()}  {Latency(ns)}\n"));
        }
        if (unanswered.Count > Most)
            output.Part($"  and {unanswered.Count - Most} more\n");
    }

    /// <summary>What is said when messages were lost.</summary>
    public static string LostText(ulong lost) => string.Create(CultureInfo.InvariantCulture, $"{lost} {(lost == 1 ? "message was" : "messages were")} lost here: this program did not keep up");

    /// <summary>A time between two messages.</summary>
    public static string Latency(ulong nanoseconds) => Durations.Text(TimeSpan.FromTicks((long)Math.Min(nanoseconds / 100, long.MaxValue)));

    private static List<LinePart> Parts(Sighting sighting)
    {
        (WatchedMessage message, EndedCall? ended, PeerBook peers) = sighting;
        List<LinePart> parts = [new(Time(message), "dim")];
        if (message.Notification is { } news)
        {
            parts.Add(new LinePart("the bus", "blue"));
            if (message.Receiver != 0)
            {
                parts.Add(new LinePart("→", "dim", IsJoined: true));
                AddPeer(parts, message.Receiver, peers, isJoined: true);
            }
            parts.Add(new LinePart(Escaped.Text(news.Text(message.ReplyTo)), message.Kind.Style()));
            if (ended is { } end)
                parts.Add(new LinePart(Latency(end.LatencyNs), "dim"));
            return parts;
        }
        if (message.Kind == MessageKind.Notification)
            parts.Add(new LinePart("the bus", "blue"));
        else
            AddPeer(parts, message.Sender, peers);
        parts.Add(new LinePart("→", "dim", IsJoined: true));
        if (message.IsToEverybody)
            parts.Add(new LinePart("everybody", null, IsJoined: true));
        else if (message.Name is { } name)
            parts.Add(new LinePart(Escaped.Text(name), "green", IsJoined: true));
        else
            AddPeer(parts, message.Receiver, peers, isJoined: true);
        parts.Add(new LinePart(KindText(message), message.Kind.Style()));
        if (ended is { End: CallEnd.Answered } answered)
            parts.Add(new LinePart(Latency(answered.LatencyNs), "dim"));
        parts.Add(new LinePart(PayloadTypeNames.Of(message.Header.PayloadType), "dim", Rank: 3));
        parts.Add(new LinePart(SizeText(message.PayloadSize), null, Rank: 2));
        if (message.Memfds is > 0 and var memfds)
            parts.Add(new LinePart(memfds == 1 ? "memfd" : $"{memfds} memfds", "cyan", Rank: 1));
        if (message.Descriptors.Count > 0)
            parts.Add(new LinePart($"{message.Descriptors.Count} fd ({string.Join(", ", message.Descriptors.Select(static kind => kind.Word()))})", "cyan", Rank: 1));
        if (message.Notes.IsIncomplete)
            parts.Add(new LinePart("incomplete", "red", Rank: 1));
        return parts;
    }

    private static string KindText(WatchedMessage message) => message.Kind switch
    {
        MessageKind.Call => $"call {message.Header.Cookie}",
        MessageKind.Reply => $"reply to {message.ReplyTo}",
        MessageKind.Error => $"error to {message.ReplyTo}",
        _ => message.Header.Cookie == 0 ? message.Kind.Word() : $"{message.Kind.Word()} {message.Header.Cookie}",
    };

    private static string SizeText(ulong bytes) => bytes < 1024 ? $"{bytes} B" : Sizes.Text(bytes);

    private static void AddPeer(List<LinePart> parts, ulong id, PeerBook peers, bool isJoined = false)
    {
        parts.Add(new LinePart(id.ToString(CultureInfo.InvariantCulture), "cyan", IsJoined: isJoined));
        if (peers.LabelOf(id) is { } label)
            parts.Add(new LinePart(Escaped.Text(label), null, Rank: 4, IsJoined: true));
    }

    private static string Label(ulong id, PeerBook peers) => peers.LabelOf(id) is { } label ? $"{id} {Escaped.Text(label)}" : id.ToString(CultureInfo.InvariantCulture);

    private static string Time(WatchedMessage message) =>
        DateTimeOffset.UnixEpoch.AddTicks((long)Math.Min(message.RealtimeNs / 100, (ulong)TimeSpan.TicksPerDay * 365 * 1000)).ToLocalTime().ToString("HH:mm:ss.ffffff", CultureInfo.InvariantCulture);

    /// <summary>On a terminal that is too narrow parts that matter less are left out, those of the highest rank first; if that is not enough the last ones are cut.</summary>
    private void Fit(List<LinePart> parts, int reserved)
    {
        if (output.Width is not { } width)
            return;
        while (LengthOf(parts) + reserved > width && parts.Max(static part => part.Rank) is > 0 and var rank)
            parts.RemoveAt(parts.FindLastIndex(part => part.Rank == rank));
        for (int i = parts.Count - 1; i >= 0 && LengthOf(parts) > width; i--)
        {
            int left = Math.Max(1, WidthOf(parts[i].Text) - (LengthOf(parts) - width));
            parts[i] = parts[i] with { Text = Cut(parts[i].Text, left) };
        }
    }

    private int RoomForPreview(List<LinePart> parts) => output.Width is { } width ? Math.Max(LeastPreview, width - LengthOf(parts) - 2) : PreviewInPipe;

    private int LengthOf(List<LinePart> parts) => parts.Sum(part => WidthOf(part.Text) + (part.IsJoined ? 1 : 2)) - 2;

    // Plain text is what most is, and that is measured at once.
    private int WidthOf(string text) => Ascii.IsValid(text) ? text.Length : Screen.Width(text, output.Console);

    private string Cut(string text, int width)
    {
        string cut = text;
        while (cut.Length > 0 && WidthOf(cut) + 1 > width)
            cut = cut[..^1];
        return cut.Length == text.Length ? text : $"{cut}…";
    }

    private void WriteHex(WatchedMessage message)
    {
        foreach (string line in HexDump.Lines(message.Payload))
            output.Part($"    {line}\n");
    }

    private readonly record struct LinePart(string Text, string? Style, int Rank = 0, bool IsJoined = false);
}
