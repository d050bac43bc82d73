using Kdbus.Fuzz.Naive;

namespace Kdbus.Fuzz.Serving;

/// <summary>
/// What is known of a connection from the commands that were issued on its file, whatever became of them: more than it can
/// have, never less. Moments are counted by the <see cref="Judge"/>.
/// </summary>
internal sealed class Evidence
{
    /// <summary>HELLOs tried: with more than one, ids may have changed.</summary>
    public int Hellos { get; set; }

    /// <summary>Names that it asked for or stood in for.</summary>
    public HashSet<string> Names { get; } = [];

    /// <summary>A command was damaged that may have been about any name.</summary>
    public bool MayHaveAnyName { get; set; }

    /// <summary>A command was damaged that may have been any match.</summary>
    public bool MayMatchAnything { get; set; }

    /// <summary>Matches that it asked for.</summary>
    public List<IssuedMatch> Matches { get; } = [];

    /// <summary>What it has received, in no order.</summary>
    public List<Receipt> Received { get; } = [];

    /// <summary>Kinds of metadata that it ever allowed.</summary>
    public AttachFlags MayTell { get; private set; }

    /// <summary>Kinds of metadata that it ever asked for.</summary>
    public AttachFlags MayWant { get; private set; }

    /// <summary>It has tried to be a connection that does not say that it is somebody else's.</summary>
    public bool MayTellOfItself { get; set; }

    public void Tells(ulong mask) => MayTell |= Meant(mask);

    public void Wants(ulong mask) => MayWant |= Meant(mask);

    public bool MayHave(string name) => MayHaveAnyName || Names.Contains(name);

    /// <summary>All matches of a cookie are gone that had been there before a command was issued which has come back now.</summary>
    public void Removed(ulong cookie, long issued, long now)
    {
        foreach (var match in Matches)
        {
            if (match.Cookie == cookie && match.Answered < issued) match.Removed = Math.Min(match.Removed, now);
        }
    }

    private static AttachFlags Meant(ulong mask) => mask == ulong.MaxValue ? AttachFlags.All : (AttachFlags)mask;
}

/// <summary>A match that was asked for.</summary>
internal sealed class IssuedMatch(byte[] frame, long issued)
{
    public ulong Cookie { get; } = Frame.As<KdbusCmdMatch>(frame).Cookie;

    /// <summary>It takes the place of others, if it is one.</summary>
    public bool Replaces { get; } = Frame.As<KdbusCmdMatch>(frame).Flags == (ulong)MatchFlags.Replace;

    public long Issued { get; } = issued;

    public long Answered { get; set; } = long.MaxValue;

    /// <summary>From then on it is certainly gone.</summary>
    public long Removed { get; set; } = long.MaxValue;

    /// <summary>Its rules on a bus with filters of this size; null if there it is none.</summary>
    public NaiveMatch? Rules(int bloomSize) => NaiveMatch.Read(frame, bloomSize, out var match) == Errno.OK ? match : null;

    /// <summary>It may have been there at some moment between two.</summary>
    public bool MayHaveBeenThere(long from, long until) => Issued <= until && Removed >= from;
}

/// <summary>A message that was received.</summary>
/// <param name="Message">The message.</param>
/// <param name="WasFirst">It was received as the first of the queue.</param>
/// <param name="Issued">When the command was issued that received it.</param>
/// <param name="Answered">When that came back.</param>
internal readonly record struct Receipt(SentMessage Message, bool WasFirst, long Issued, long Answered);
