using System.Collections.Concurrent;
using Kdbus.Daemon.Serving;
using Kdbus.Fuse;
using Microsoft.Extensions.Logging;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>
/// The whole daemon in this process, from the FUSE session down, between a fake kernel and fake processes. Only the pools are real memory. At
/// the end it must have answered everything it was asked, as a kernel would take it, and have nothing left over.
/// </summary>
internal sealed class MemoryWorld : IWorld, ILogger
{
    /// <summary>Ids of fake threads start above the largest the kernel gives to real ones (2^22).</summary>
    private static int s_lastId = 5_000_000;

    private readonly ConcurrentDictionary<int, FakeTask> _tasks = new();
    private readonly ConcurrentBag<FakeProcess> _processes = [];
    private readonly ConcurrentQueue<string> _bugs = new();
    private readonly ConcurrentQueue<string> _warnings = new();
    private readonly FakeKernel _kernel;
    private readonly KdbusFileSystem _daemon;
    private readonly Task<FuseSessionEnd> _serving;

    public MemoryWorld(WorldKind kind, ServerOptions options)
    {
        Kind = kind;
        _kernel = new FakeKernel { ByExchange = kind == WorldKind.MemoryByExchange };
        FuseSessionOptions session = new() { Bug = bug => _bugs.Enqueue(bug.ToString()) };
        _daemon = new KdbusFileSystem(_kernel, new FakeCallers(_tasks), options, session, this, Time);
        FakeRequest init = _kernel.Mount();
        _serving = Task.Factory.StartNew(_daemon.Session.Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _kernel.Await(init);
        if (init.Error != 0)
            throw new InvalidOperationException($"The daemon answered INIT with {init.Error}.");
    }

    /// <inheritdoc/>
    public WorldKind Kind { get; }

    /// <inheritdoc/>
    public string Root => "/domain";

    /// <inheritdoc/>
    public IReadOnlyList<string> Warnings => [.. _warnings];

    /// <summary>The time by which the daemon decides how often to tell the same.</summary>
    public MovableTime Time { get; } = new();

    /// <inheritdoc/>
    public IProcess Spawn()
    {
        FakeProcess process = new(this, _kernel, new FakePaths(_kernel, Root));
        Add(process);
        return process;
    }

    /// <inheritdoc/>
    public IControlGroup MakeControlGroup() => new FakeControlGroup();

    /// <summary>A process that will end with the world.</summary>
    public void Add(FakeProcess process) => _processes.Add(process);

    /// <summary>A thread with an id that nobody has had.</summary>
    public FakeTask NewTask(FakeProcess process, FakePidNamespace pids, FakeCredentials credentials, string name)
    {
        int id = Interlocked.Increment(ref s_lastId);
        FakeTask task = new(id, process, pids.NewNumbers(id), credentials, name);
        _tasks[task.Id] = task;
        return task;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (FakeProcess process in _processes)
            process.Dispose();
        _kernel.Unmount();
        FuseSessionEnd end = Pending.Await(_serving, "the end of the session");
        int held = _daemon.Session.HeldReplies;
        _daemon.Dispose();
        _kernel.Dispose();
        Assert.Equal((FuseSessionEnd.Unmounted, 0, 0L), (end, held, _daemon.CarriedFiles));
        Assert.Empty(_bugs);
        Assert.Empty(_kernel.Faults);
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Warning)
            _warnings.Enqueue($"{logLevel} {eventId.Id}: {formatter(state, exception)}");
    }
}

/// <summary>A clock that goes as it goes, and can be moved forward.</summary>
internal sealed class MovableTime : TimeProvider
{
    private long _ahead;

    /// <summary>Moves it.</summary>
    public void Advance(TimeSpan by) => Interlocked.Add(ref _ahead, (long)(by.TotalSeconds * TimestampFrequency));

    /// <inheritdoc/>
    public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _ahead);
}

/// <summary>A control group of fake processes.</summary>
internal sealed class FakeControlGroup : IControlGroup
{
    private readonly List<FakeProcess> _members = [];

    /// <inheritdoc/>
    public string Path => "/test.slice";

    /// <inheritdoc/>
    public void Take(IProcess process)
    {
        FakeProcess member = (FakeProcess)process;
        member.Cgroup = Path;
        _members.Add(member);
    }

    /// <inheritdoc/>
    public void Dispose() => _members.ForEach(static member => member.Cgroup = FakeProcess.UsualCgroup);
}
