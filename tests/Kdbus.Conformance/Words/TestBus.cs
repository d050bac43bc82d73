namespace Kdbus.Conformance.Words;

/// <summary>A bus made by a test, which lives as long as its owner's handle.</summary>
public sealed class TestBus
{
    /// <summary>Bytes of a bloom filter on a bus that does not say otherwise.</summary>
    public const int BloomSize = 64;

    private TestBus(Handle owner, string path)
    {
        Owner = owner;
        Path = path;
    }

    /// <summary>The handle on <c>control</c> that made the bus.</summary>
    public Handle Owner { get; }

    /// <summary>Its directory.</summary>
    public string Path { get; }

    /// <summary>Its default endpoint.</summary>
    public string Endpoint => System.IO.Path.Combine(Path, "bus");

    /// <summary>Makes a bus that must be makeable.</summary>
    public static TestBus Make(
        IWorld world, IProcess owner, string name = "0-test", MakeFlags flags = MakeFlags.AccessWorld, ulong? required = null, ulong? allowed = null)
    {
        Handle control = OpenControl(world, owner);
        WireStruct command = Command(name, flags);
        if (required is { } mask)
            command.Item(ItemType.AttachFlagsRecv, mask);
        if (allowed is { } told)
            command.Item(ItemType.AttachFlagsSend, told);
        Assert.Equal(Errno.OK, control.Run(Abi.Command.BusMake, command).Result);
        return new TestBus(control, System.IO.Path.Combine(world.Root, name));
    }

    /// <summary>Opens the control file.</summary>
    public static Handle OpenControl(IWorld world, IProcess process) => Handle.Open(process, System.IO.Path.Combine(world.Root, "control"));

    /// <summary>A BUS_MAKE with the items it must have.</summary>
    public static WireStruct Command(string name, MakeFlags flags = MakeFlags.None, ulong bloomSize = BloomSize, ulong hashes = 1) =>
        WireStruct.Of(new KdbusCmd { Flags = (ulong)flags })
            .Item(ItemType.BloomParameter, new KdbusBloomParameter { Size = bloomSize, NHash = hashes })
            .Text(ItemType.MakeName, name);

    /// <summary>Opens the default endpoint.</summary>
    public Handle Open(IProcess process) => Handle.Open(process, Endpoint);

    /// <summary>Makes a custom endpoint that must be makeable, and gives the handle that owns it.</summary>
    public Handle MakeEndpoint(IProcess owner, string name, MakeFlags flags = MakeFlags.AccessWorld)
    {
        Handle endpoint = Open(owner);
        Assert.Equal(Errno.OK, endpoint.Run(Abi.Command.EndpointMake, EndpointCommand(name, flags)).Result);
        return endpoint;
    }

    /// <summary>An ENDPOINT_MAKE with the item it must have.</summary>
    public static WireStruct EndpointCommand(string name, MakeFlags flags = MakeFlags.None) =>
        WireStruct.Of(new KdbusCmd { Flags = (ulong)flags }).Text(ItemType.MakeName, name);

    /// <summary>The path of a custom endpoint.</summary>
    public string EndpointPath(string name) => System.IO.Path.Combine(Path, name);
}
