namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>A name that somebody owns.</summary>
internal sealed class NameModel(string text)
{
    public string Text { get; } = text;

    public ConnectionModel Owner { get; set; } = null!;

    public NameFlags Flags { get; set; }

    public ConnectionModel? Activator { get; set; }

    /// <summary>First come first.</summary>
    public List<(ConnectionModel Connection, NameFlags Flags)> Waiters { get; } = [];

    /// <summary>When the present owner got it.</summary>
    public int Since { get; set; }
}
