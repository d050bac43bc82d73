using System.Globalization;
using System.Text;
using Kdbus.Daemon.Serving;
using Kdbus.Engine;

namespace Kdbus.Conformance.Words;

/// <summary>
/// What nearly every statement starts from: a world, a root process that owns a fresh bus, and connections in processes of their own.
/// </summary>
public sealed class Scene : IDisposable
{
    /// <summary>An ordinary user without privileges.</summary>
    public const uint User = 40001;

    /// <summary>Another one.</summary>
    public const uint OtherUser = 40002;

    private TestBus? _bus;

    /// <param name="kind">Where the statement is tested.</param>
    /// <param name="limits">Where the domain says no, if not at the usual numbers.</param>
    /// <param name="attachMask">Kinds of metadata that it lets through to begin with, if not the usual ones.</param>
    public Scene(WorldKind kind, DomainLimits? limits = null, AttachFlags attachMask = Domain.DefaultAttachMask)
        : this(kind, new ServerOptions { Limits = limits ?? new(), AttachMask = attachMask })
    {
    }

    /// <param name="kind">Where the statement is tested.</param>
    /// <param name="options">What the domain is told.</param>
    public Scene(WorldKind kind, ServerOptions options)
    {
        World = Worlds.World.Open(kind, options);
        Process = World.Spawn();
    }

    /// <summary>The world.</summary>
    public IWorld World { get; }

    /// <summary>The tester: a process of root.</summary>
    public IProcess Process { get; }

    /// <summary>The tester's bus, open to the world. It is made when first asked for.</summary>
    public TestBus Bus => _bus ??= TestBus.Make(World, Process);

    /// <summary>The path of something in the domain.</summary>
    public string PathOf(string name) => Path.Combine(World.Root, name);

    /// <summary>Makes the tester's bus with a mask that every connection must allow to be sent, and one of what is told about the tester.</summary>
    public TestBus MakeBus(MakeFlags flags = MakeFlags.AccessWorld, ulong? required = null, ulong? allowed = null) =>
        _bus = TestBus.Make(World, Process, flags: flags, required: required, allowed: allowed);

    /// <summary>Writes into the domain's parameter which kinds of metadata it lets through.</summary>
    public void LetThrough(AttachFlags mask)
    {
        Handle file = Handle.Open(Process, PathOf("parameters/attach_flags_mask"), OpenFlags.WriteOnly | OpenFlags.Truncate);
        byte[] text = Encoding.ASCII.GetBytes(((ulong)mask).ToString(CultureInfo.InvariantCulture));
        Assert.Equal(text.Length, Process.Write(file.Descriptor, text));
        file.Close();
    }

    /// <summary>Opens the control file as the tester.</summary>
    public Handle OpenControl() => TestBus.OpenControl(World, Process);

    /// <summary>A process of another user.</summary>
    public IProcess SpawnAs(uint uid, params ReadOnlySpan<uint> groups)
    {
        IProcess process = World.Spawn();
        Assert.Equal(0, process.Become(uid, uid, groups));
        return process;
    }

    /// <summary>A connection in a process of its own, of root.</summary>
    public Peer Connect(WireStruct? hello = null) => Peer.Hello(Bus.Open(World.Spawn()), hello);

    /// <summary>A connection in a process that exists.</summary>
    public Peer Connect(IProcess process, WireStruct? hello = null) => Peer.Hello(Bus.Open(process), hello);

    /// <summary>A connection in a process of its own, of a user without privileges.</summary>
    public Peer ConnectAs(uint uid, WireStruct? hello = null) => Peer.Hello(Bus.Open(SpawnAs(uid)), hello);

    /// <summary>
    /// A connection of root that a process in a user namespace of its own uses: with names for as many users as are given, and all that it wants.
    /// </summary>
    public Peer ConnectInside(uint inside, uint outside, uint count, AttachFlags recv = AttachFlags.Any)
    {
        Peer parent = Connect(Peer.HelloCommand(recv: (ulong)recv, send: ulong.MaxValue));
        Assert.True(parent.Process.ForkIntoUserNamespace(inside, outside, count, out IProcess? child) > 0);
        return parent.In(child!);
    }

    /// <summary>A connection that hears of every name that gets, changes or loses its owner.</summary>
    public Peer ConnectWatcher()
    {
        Peer watcher = Connect();
        watcher.Matches(static m => m.NameAdd());
        watcher.Matches(static m => m.NameRemove());
        watcher.Matches(static m => m.NameChange());
        return watcher;
    }

    /// <summary>A connection on a custom endpoint in a process of its own, of root.</summary>
    public Peer ConnectAt(string endpoint, WireStruct? hello = null) => ConnectAt(World.Spawn(), endpoint, hello);

    /// <summary>A connection on a custom endpoint in a process that exists.</summary>
    public Peer ConnectAt(IProcess process, string endpoint, WireStruct? hello = null) =>
        Peer.Hello(Handle.Open(process, Bus.EndpointPath(endpoint)), hello);

    /// <inheritdoc/>
    public void Dispose() => World.Dispose();
}
