namespace Kdbus.Conformance.Worlds;

/// <summary>
/// A domain of its own, and the processes that use it. Every statement is run in two worlds by one source: the daemon behind a kernel made
/// of objects, and the daemon behind the real kernel. A test sees only this interface, so it cannot tell which one it is in unless it asks.
/// Disposing of a world ends its processes, its daemon and its mount.
/// </summary>
public interface IWorld : IDisposable
{
    /// <summary>Which of the two worlds this is, for the few statements where FUSE makes them differ.</summary>
    WorldKind Kind { get; }

    /// <summary>The path of the domain's root directory, as the processes of this world see it.</summary>
    string Root { get; }

    /// <summary>The warnings of the daemon so far, a line each.</summary>
    IReadOnlyList<string> Warnings { get; }

    /// <summary>Starts a process with the ids of root and without open files. It ends with the world at the latest.</summary>
    IProcess Spawn();

    /// <summary>Makes a control group; null where the machine has none to write to.</summary>
    IControlGroup? MakeControlGroup();
}

/// <summary>Where a statement is being tested.</summary>
public enum WorldKind
{
    /// <summary>The whole daemon in this process, behind <c>FakeKernel</c>.</summary>
    Memory,

    /// <summary>A mount by the <c>kdbusfs</c> binary, used by separate processes through system calls. Pools are mapped through.</summary>
    Mount,

    /// <summary>The same with pools in the page cache, as they are where the kernel does not allow passthrough.</summary>
    PageCache,

    /// <summary>As <see cref="Memory"/>; what can be sent and received by EXCHANGE is.</summary>
    MemoryByExchange,

    /// <summary>As <see cref="Mount"/>; what can be sent and received by EXCHANGE is.</summary>
    MountByExchange,
}
