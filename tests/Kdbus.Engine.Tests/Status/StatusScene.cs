namespace Kdbus.Engine.Tests.Status;

/// <summary>
/// A bus with something of everything: two ordinary connections, an activator, a policy holder, a custom endpoint with a
/// policy and a connection through it, names with waiters, matches of every kind. The same inputs each time.
/// </summary>
internal sealed class StatusScene
{
    public const string Clock = "org.example.Clock";
    public const string Sleeper = "org.example.Sleeper";

    public StatusScene()
    {
        Receiver = World.Connect();
        Sender = World.Connect();
        Other = World.Connect(uid: 0);
        Activator = Hello(HelloFlags.Activator, Frame.Item(ItemType.Name, Sleeper));
        Holder = Hello(
            HelloFlags.PolicyHolder,
            Frame.Item(ItemType.Name, "org.example.*"),
            Access(PolicyAccessType.User, 2000, PolicyAccessLevel.Talk),
            Access(PolicyAccessType.World, 0, PolicyAccessLevel.See));

        Door = World.Open(World.Bus.DefaultEndpoint);
        Assert.Equal(Errno.OK, World.MakeEndpoint(Door, "1000-door").Result);
        Assert.Equal(Errno.OK, World.Run(
            Door,
            Command.EndpointUpdate,
            Frame.Of(new KdbusCmd(), Frame.Item(ItemType.Name, Clock), Access(PolicyAccessType.Group, 50, PolicyAccessLevel.Own))).Result);
        Guest = World.Connect(endpoint: World.Bus.FindEndpoint("1000-door"));

        Acquire(Receiver, Clock, NameFlags.AllowReplacement | NameFlags.Queue);
        Acquire(Sender, Clock, NameFlags.Queue);
        Acquire(Other, Clock, NameFlags.Queue);

        AddMatch(Receiver, 7);
        AddMatch(Receiver, 7, Frame.Item(ItemType.Id, Sender.Id), Frame.Item(ItemType.Name, Clock));
        AddMatch(Sender, 1, Frame.Item(ItemType.NameChange, NameChange(5, Constants.MatchIdAny, "org.example.Nobody")));
        AddMatch(Sender, 2, Frame.Item(ItemType.IdRemove, new KdbusNotifyIdChange { Id = 99_999 }));
        AddMatch(Other, 3, Frame.Item(ItemType.BloomMask, Mask(3, 77)));
    }

    public TestDomain World { get; } = new();

    public Bus Bus => World.Bus;

    public TestPeer Receiver { get; }

    public TestPeer Sender { get; }

    /// <summary>Of root.</summary>
    public TestPeer Other { get; }

    public Connection Activator { get; }

    public Connection Holder { get; }

    /// <summary>The handle the custom endpoint lives by.</summary>
    public ulong Door { get; }

    /// <summary>Came through the custom endpoint.</summary>
    public TestPeer Guest { get; }

    public Connection Hello(HelloFlags flags, params ReadOnlySpan<byte[]> items)
    {
        var handle = World.Open(Bus.DefaultEndpoint);
        var frame = Frame.Of(new KdbusCmdHello { Flags = (ulong)flags, PoolSize = 65536 }, items);
        Assert.Equal(Errno.OK, World.Run(handle, Command.Hello, frame, pool: new PoolMemory(65536)).Result);
        return World.Domain.FindConnection(handle)!;
    }

    public void Acquire(TestPeer peer, string name, NameFlags flags) => Assert.Equal(
        Errno.OK,
        World.Run(peer.Handle, Command.NameAcquire, Frame.Of(new KdbusCmd { Flags = (ulong)flags }, Frame.Item(ItemType.Name, name)), peer.Uid).Result);

    public void AddMatch(TestPeer peer, ulong cookie, params ReadOnlySpan<byte[]> items) => Assert.Equal(
        Errno.OK, World.Run(peer.Handle, Command.MatchAdd, Frame.Of(new KdbusCmdMatch { Cookie = cookie }, items), peer.Uid).Result);

    /// <summary>A mask of the bus's size with these bits.</summary>
    public static byte[] Mask(params ReadOnlySpan<int> bits)
    {
        var mask = new byte[64];
        foreach (var bit in bits) mask[bit / 8] |= (byte)(1 << (bit % 8));
        return mask;
    }

    private static byte[] Access(PolicyAccessType type, ulong id, PolicyAccessLevel level) =>
        Frame.Item(ItemType.PolicyAccess, new KdbusPolicyAccess { Type = (ulong)type, Id = id, Access = (ulong)level });

    private static byte[] NameChange(ulong before, ulong after, string name) =>
    [
        .. System.Runtime.InteropServices.MemoryMarshal.AsBytes<KdbusNotifyNameChange>(
        [
            new KdbusNotifyNameChange { OldId = new KdbusNotifyIdChange { Id = before }, NewId = new KdbusNotifyIdChange { Id = after } },
        ]),
        .. System.Text.Encoding.ASCII.GetBytes(name + '\0'),
    ];
}
