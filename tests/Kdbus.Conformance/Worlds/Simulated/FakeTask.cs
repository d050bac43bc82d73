namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>A thread of a fake process, as far as a kernel knows threads: an id, an owner, and whether a signal waits for it.</summary>
internal sealed class FakeTask(int id, FakeProcess process)
{
    /// <summary>The thread id.</summary>
    public int Id { get; } = id;

    /// <summary>Its process.</summary>
    public FakeProcess Process { get; } = process;

    /// <summary>A signal waits to be handled. Guarded by the kernel.</summary>
    public bool SignalPending { get; set; }
}
