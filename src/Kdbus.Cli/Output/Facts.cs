using System.Text.Json.Nodes;

namespace Kdbus.Cli;

/// <summary>What is known about one thing: labels with values, under headings. In JSON an object, with one for each heading that has a key.</summary>
internal sealed class Facts
{
    private readonly List<FactGroup> _groups = [];

    /// <summary>The groups for people, in order: without what has no value.</summary>
    public IEnumerable<FactGroup> Shown => _groups
        .Select(static group => group with { Facts = group.Facts.FindAll(static fact => fact.Value.Json is not null) })
        .Where(static group => group.Facts.Count > 0);

    /// <summary>Begins a group.</summary>
    /// <param name="heading">What stands above it; null: nothing.</param>
    /// <param name="key">Name of its object in JSON; null: its members are those of the whole.</param>
    public Facts Group(string? heading = null, string? key = null)
    {
        _groups.Add(new FactGroup(heading, key, []));
        return this;
    }

    /// <summary>The next fact of the last group. What has no value is left out of the text and null in JSON.</summary>
    public Facts Add(string label, string key, Cell value)
    {
        if (_groups.Count == 0)
            _ = Group();
        _groups[^1].Facts.Add((label, key, value));
        return this;
    }

    /// <summary>All of it as an object.</summary>
    public JsonObject ToJson()
    {
        JsonObject whole = [];
        foreach (FactGroup group in _groups)
        {
            JsonObject target = group.Key is null ? whole : [];
            foreach ((_, string key, Cell value) in group.Facts)
                target[key] = value.Json?.DeepClone();
            if (group.Key is not null)
                whole[group.Key] = target;
        }
        return whole;
    }
}

/// <summary>Facts under one heading.</summary>
internal sealed record FactGroup(string? Heading, string? Key, List<(string Label, string Key, Cell Value)> Facts);
