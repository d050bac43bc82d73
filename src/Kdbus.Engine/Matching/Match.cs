namespace Kdbus.Engine.Matching;

/// <summary>Conditions that must all hold, installed by a connection under a cookie. Without any it lets everything through.</summary>
internal sealed class Match(Connection owner, ulong cookie, MatchRule[] rules)
{
    public Connection Owner { get; } = owner;

    public ulong Cookie { get; } = cookie;

    public MatchRule[] Rules { get; } = rules;

    /// <summary>Its places in the index of the bus; most have one.</summary>
    public IndexEntry? Entries { get; set; }

    public bool Passes(in MatchSubject subject)
    {
        foreach (var rule in Rules)
        {
            if (!rule.Holds(subject)) return false;
        }

        return true;
    }
}

/// <summary>The matches of one connection, in the order in which they were added.</summary>
internal sealed class MatchTable(Bus bus)
{
    private readonly List<Match> _matches = [];

    public IReadOnlyList<Match> All => _matches;

    public void Add(Match match)
    {
        _matches.Add(match);
        bus.Matching.Add(match);
    }

    /// <summary>Removes all matches of a cookie and tells how many there were.</summary>
    public int Remove(ulong cookie)
    {
        foreach (var match in _matches)
        {
            if (match.Cookie == cookie) bus.Matching.Remove(match);
        }

        return _matches.RemoveAll(match => match.Cookie == cookie);
    }

    public void Clear()
    {
        foreach (var match in _matches) bus.Matching.Remove(match);
        _matches.Clear();
    }

    /// <summary>Whether any match lets it through.</summary>
    public bool Passes(in MatchSubject subject)
    {
        foreach (var match in _matches)
        {
            if (match.Passes(subject)) return true;
        }

        return false;
    }
}
