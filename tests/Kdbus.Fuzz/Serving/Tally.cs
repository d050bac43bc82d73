namespace Kdbus.Fuzz.Serving;

/// <summary>What came through and was judged, by kind.</summary>
internal sealed class Tally
{
    public long Messages { get; set; }

    public long Signals { get; set; }

    public long Named { get; set; }

    /// <summary>Copies at monitors.</summary>
    public long Copies { get; set; }

    /// <summary>Large messages that went to several places.</summary>
    public long LargeCopies { get; set; }

    public long Notifications { get; set; }

    /// <summary>Messages that told something of their sender's process.</summary>
    public long Described { get; set; }

    /// <summary>Answers about somebody.</summary>
    public long Answers { get; set; }

    /// <summary>Pairs of messages of one sender at one receiver.</summary>
    public long Ordered { get; set; }

    /// <summary>Messages with descriptors or memfds.</summary>
    public long WithFiles { get; set; }

    /// <summary>Memfds that came by value.</summary>
    public long Unpacked { get; set; }

    /// <summary>Counts a message that was received.</summary>
    public void Count(SentMessage message, HelloFlags receiver)
    {
        Messages++;
        if (message.IsSignal) Signals++;
        if (message.Name != null) Named++;
        if (receiver.HasFlag(HelloFlags.Monitor)) Copies++;
        if (message.IsLarge && message.Receivers.Count + message.Monitors.Count > 1) LargeCopies++;
    }

    public override string ToString() =>
        $"{Messages} messages, {Signals} of them signals, {Named} to names, {Copies} at monitors, {LargeCopies} large ones elsewhere too; {Described} with their process, {WithFiles} with files, {Unpacked} memfds by value, {Answers} answers about somebody; {Notifications} notifications, {Ordered} pairs in order";
}
