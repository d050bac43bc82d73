namespace Kdbus.Conformance.Worlds;

/// <summary>A control group made by a test. Disposing of it moves what is in it back, and removes it.</summary>
public interface IControlGroup : IDisposable
{
    /// <summary>Its path in its hierarchy.</summary>
    string Path { get; }

    /// <summary>Moves a process into it.</summary>
    void Take(IProcess process);
}
