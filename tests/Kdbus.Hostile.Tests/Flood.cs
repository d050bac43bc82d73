using System.Globalization;

namespace Kdbus.Hostile.Tests;

/// <summary>A process of a user that takes as much as it can get, until it is disposed of.</summary>
internal sealed class Flood : IDisposable
{
    private readonly Tool _tool;

    private Flood(Scene scene, uint user, string what) =>
        _tool = new Tool("flood", scene.Bus.Endpoint, user.ToString(CultureInfo.InvariantCulture), what);

    /// <summary>Signals that pass every mask, to everybody.</summary>
    public static Flood OfSignals(Scene scene, uint user) => new(scene, user, "signals");

    /// <summary>As many connections as it may have, each with as many matches as it may have.</summary>
    public static Flood OfMatches(Scene scene, uint user) => new(scene, user, "matches");

    /// <summary>Messages to the owner of a name.</summary>
    public static Flood To(Scene scene, uint user, string name) => new(scene, user, name);

    /// <summary>What has succeeded and what has been refused since the last look.</summary>
    public (long Done, long Refused) Look()
    {
        string[] numbers = _tool.Ask("look").Split(' ');
        return (long.Parse(numbers[0], CultureInfo.InvariantCulture), long.Parse(numbers[1], CultureInfo.InvariantCulture));
    }

    public void Dispose() => _tool.Dispose();
}
