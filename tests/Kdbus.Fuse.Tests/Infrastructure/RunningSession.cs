using System.Collections.Concurrent;
using System.Diagnostics;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests.Infrastructure;

/// <summary>A session against a fake kernel, initialised and running, unmounted when the test is over.</summary>
public sealed class RunningSession : IDisposable
{
    private readonly Thread _thread;
    private Exception? _failure;

    public RunningSession(FuseSessionOptions? options = null, IFuseFileSystem? fileSystem = null, Action<RunningSession>? prepare = null)
    {
        options ??= new FuseSessionOptions();
        Session = new FuseSession(Kernel, fileSystem ?? FileSystem, options with { Bug = options.Bug ?? (bug => Bugs.Enqueue(bug)) });
        prepare?.Invoke(this);
        ulong init = Kernel.Submit(FuseOpcode.Init, new FuseInitIn
        {
            Major = 7,
            Minor = 45,
            MaxReadahead = 131072,
            Flags = uint.MaxValue,
            Flags2 = uint.MaxValue,
        });
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
        Kernel.Wait(init);
    }

    public FakeKernel Kernel { get; } = new();

    public ScriptedFileSystem FileSystem { get; } = new();

    public FuseSession Session { get; }

    /// <summary>What the session complained about. A test that does not expect any must look.</summary>
    public ConcurrentQueue<FuseBugException> Bugs { get; } = new();

    public FuseSessionEnd? End { get; private set; }

    /// <summary>Unmounts and waits for the end.</summary>
    public FuseSessionEnd Unmount()
    {
        Kernel.End();
        return WaitForEnd();
    }

    public FuseSessionEnd WaitForEnd()
    {
        Assert.True(_thread.Join(TimeSpan.FromSeconds(60)), "the session does not end");
        if (_failure is not null)
            throw new InvalidOperationException("The session failed.", _failure);
        return End!.Value;
    }

    public static void Eventually(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed > TimeSpan.FromSeconds(60))
                throw new TimeoutException($"It does not come true that {what}.");
            Thread.Sleep(1);
        }
    }

    public void Dispose()
    {
        Kernel.End();
        _thread.Join(TimeSpan.FromSeconds(60));
        Session.Dispose();
    }

    private void Run()
    {
        try
        {
            End = Session.Run();
        }
        catch (FuseBugException bug)
        {
            _failure = bug;
        }
    }
}
