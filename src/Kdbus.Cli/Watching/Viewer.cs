namespace Kdbus.Cli.Watching;

/// <summary>Shows messages, as lines or as JSON: the same whether they come from a bus or from a file.</summary>
/// <param name="output">Where to.</param>
/// <param name="shown">How much of payloads.</param>
/// <param name="sight">Which messages.</param>
/// <param name="peers">Who is who.</param>
internal sealed class Viewer(Output output, PayloadShown shown, Sight sight, PeerBook peers)
{
    private readonly MessageLine _line = new(output, shown);

    /// <summary>How many were shown.</summary>
    public int Count { get; private set; }

    /// <summary>Shows the next message if it is asked for.</summary>
    public void Show(WatchedMessage message)
    {
        Sighting? sighting = sight.Look(message);
        ShowLost(message.Notes.Lost);
        if (sighting is null)
            return;
        Count++;
        if (output.IsJson)
            output.Json(MessageJson.Of(sighting, shown));
        else
            _line.Write(sighting);
    }

    /// <summary>Says that messages were lost.</summary>
    public void ShowLost(ulong lost)
    {
        if (lost == 0)
            return;
        if (output.IsJson)
            output.Json(MessageJson.OfLost(lost));
        else
            _line.WriteLost(lost);
    }

    /// <summary>Says which calls got no answer.</summary>
    public void ShowUnanswered()
    {
        IReadOnlyList<EndedCall> unanswered = sight.Unanswered;
        if (output.IsJson)
        {
            foreach (EndedCall call in unanswered)
                output.Json(MessageJson.Of(call));
        }
        else
        {
            _line.WriteUnanswered(unanswered, peers);
        }
        output.Flush();
    }
}
