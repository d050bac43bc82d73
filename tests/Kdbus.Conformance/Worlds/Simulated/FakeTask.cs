using Kdbus.Engine.Processes;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>
/// A thread of a fake process, as far as a kernel knows threads: numbers, an owner, ids and a name of its own, and whether a signal waits for it.
/// </summary>
internal sealed class FakeTask(int id, FakeProcess process, PidNumbers numbers, FakeCredentials credentials, string name)
{
    /// <summary>The thread id.</summary>
    public int Id { get; } = id;

    /// <summary>Its process.</summary>
    public FakeProcess Process { get; } = process;

    /// <summary>What it is called in each pid namespace.</summary>
    public PidNumbers Numbers { get; } = numbers;

    /// <summary>Its present ids.</summary>
    public FakeCredentials Credentials { get; set; } = credentials;

    /// <summary>Its name.</summary>
    public string Name { get; set; } = name;

    /// <summary>A signal waits to be handled. Guarded by the kernel.</summary>
    public bool SignalPending { get; set; }

    /// <summary>Changes it and no other: -EPERM for ids that it may not have.</summary>
    public int Change(ThreadChange change)
    {
        if (!Credentials.MayHave(change.Creds))
            return -(int)Errno.EPERM;
        Credentials = Credentials.With(change.Creds);
        if (change.Name.Length > 0)
            Name = FakeProcess.NameOf(change.Name);
        return 0;
    }
}
