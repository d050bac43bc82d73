using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>A domain with a clock that is moved by hand, one bus in it, and what it asked for.</summary>
internal sealed class TestDomain
{
    public const uint Uid = 1000;
    public const ulong Second = 1_000_000_000;

    private ulong _lastHandle;
    private ulong _lastRequest;
    private ulong _lastFile = 100;

    public TestDomain(DomainLimits? limits = null, bool hasExtensions = true)
    {
        Domain = new Domain(Effects, limits) { HasExtensions = hasExtensions };
        BusOwner = OpenControl();
        Assert.Equal(Errno.OK, MakeBus(BusOwner, "1000-bus").Result);
        Bus = Domain.FindBus("1000-bus")!;
    }

    public Domain Domain { get; }

    public RecordedEffects Effects { get; } = new();

    public Bus Bus { get; }

    /// <summary>The handle the bus lives by.</summary>
    public ulong BusOwner { get; }

    public Instant Now { get; private set; } = new(100 * Second, 1_000_000 * Second);

    public ulong LastRequest => _lastRequest;

    public ulong NextRequest() => ++_lastRequest;

    /// <summary>Time goes by; nobody is told.</summary>
    public void Pass(ulong nanoseconds) => Now = new Instant(Now.Monotonic + nanoseconds, Now.Realtime + nanoseconds);

    /// <summary>Time goes by and the timer fires if it is due.</summary>
    public void Wait(ulong nanoseconds)
    {
        Pass(nanoseconds);
        Domain.Advance(Now);
    }

    /// <summary>The next input was stamped before the last one.</summary>
    public void GoBack(ulong nanoseconds) => Now = new Instant(Now.Monotonic - nanoseconds, Now.Realtime - nanoseconds);

    /// <summary>How many files the engine was given and has not had closed; none was closed twice.</summary>
    public int OpenFiles
    {
        get
        {
            Assert.Equal(Effects.ClosedFiles.Count, Effects.ClosedFiles.Distinct().Count());
            Assert.All(Effects.ClosedFiles, file => Assert.InRange(file, 101UL, _lastFile));
            return (int)(_lastFile - 100) - Effects.ClosedFiles.Count;
        }
    }

    /// <summary>A file that was opened for the engine, no memfd.</summary>
    public SentFile File(SentFileKind kind = SentFileKind.Other) => new(Errno.OK, ++_lastFile) { Kind = kind, Seals = -1 };

    /// <summary>A memfd that was opened for the engine.</summary>
    public SentFile Memfd(ulong size = 1000, int seals = 0xf) => new(Errno.OK, ++_lastFile) { Seals = seals, Size = size };

    /// <summary>A pidfd that was opened for the engine.</summary>
    public ulong Pidfd() => ++_lastFile;

    public static Caller CallerOf(uint uid) => new(uid, uid, uid, uid, CapIpcOwner: uid == 0, Pid: 4711);

    public ulong OpenControl(uint uid = Uid) => Open(null, uid);

    public ulong Open(Endpoint? endpoint, uint uid = Uid)
    {
        Assert.Equal(Errno.OK, Domain.Open(++_lastHandle, endpoint, CallerOf(uid)));
        return _lastHandle;
    }

    public void Close(ulong handle) => Domain.Close(handle, Now);

    public Outcome MakeBus(ulong handle, string name, uint uid = Uid) => Run(
        handle,
        Command.BusMake,
        Frame.Of(
            new KdbusCmd(),
            Frame.Item(ItemType.MakeName, name),
            Frame.Item(ItemType.BloomParameter, new KdbusBloomParameter { Size = 64, NHash = 1 })),
        uid);

    public Outcome MakeEndpoint(ulong handle, string name, uint uid = Uid) => Run(
        handle, Command.EndpointMake, Frame.Of(new KdbusCmd(), Frame.Item(ItemType.MakeName, name)), uid);

    /// <summary>Opens the endpoint and says HELLO.</summary>
    public TestPeer Connect(
        uint uid = Uid, int poolSize = 64 * 1024, Endpoint? endpoint = null, HelloFlags flags = 0, string? name = null, bool isPoolWritable = false,
        ulong attach = ulong.MaxValue)
    {
        var pool = new PoolMemory(poolSize) { IsWritableByOwner = isPoolWritable };
        var peer = new TestPeer(this, Open(endpoint ?? Bus.DefaultEndpoint, uid), uid, pool);
        Assert.Equal(Errno.OK, peer.Hello(flags, name, attach));
        return peer;
    }

    /// <summary>Runs a command that needs nothing but its frame.</summary>
    public Outcome Run(ulong handle, Command command, byte[] frame, uint uid = Uid, PoolMemory? pool = null, bool takesDescriptors = false)
    {
        var call = new Invocation
        {
            Handle = handle,
            Request = NextRequest(),
            Ioctl = (uint)command,
            Caller = CallerOf(uid),
            Now = Now,
            Frame = frame,
            Pool = pool,
            TakesDescriptors = takesDescriptors,
            Random = new UInt128(0x0123_4567_89ab_cdef, (ulong)command),
        };
        return Domain.Execute(ref call);
    }
}
