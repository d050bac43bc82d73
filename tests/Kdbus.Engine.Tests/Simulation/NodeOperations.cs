using System.Runtime.InteropServices;
using Kdbus.Engine.Tests.Simulation.Model;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>Handles are opened and closed; buses, endpoints and connections are made, and end.</summary>
internal sealed class NodeOperations(World world, Vocabulary words)
{
    private Chance Chance => world.Chance;

    /// <summary>Null if there is no room for another handle, or the node has just ended.</summary>
    public HandleModel? Open(EndpointModel? endpoint, TaskModel task)
    {
        var (id, caller) = (world.NewHandle(), task.Caller);
        var played = world.Play(new Input.Open(id, endpoint?.Inode ?? Domain.ControlInode, caller));
        Invariant.Equal(world.Model.Open(id, endpoint, caller), played.Result, "Result of open", id);
        world.Settled();
        return world.Model.Handles.GetValueOrDefault(id);
    }

    public void Close(HandleModel handle) => End(handle, undo: false);

    public void Undo(HandleModel handle) => End(handle, undo: true);

    private void End(HandleModel handle, bool undo)
    {
        // In which order they end is the engine's choice.
        var bus = handle.OwnedBus ?? handle.OwnedEndpoint?.Bus;
        var order = bus is { Alive: true } && world.Domain.FindBus(bus.Name) is { } ending
            ? ending.Endpoints.Where(each => handle.OwnedEndpoint == null || each.Name == handle.OwnedEndpoint.Name)
                .SelectMany(endpoint => ending.Connections.Where(each => each.Endpoint == endpoint)).Select(each => each.Id).ToArray()
            : [];
        var stamp = world.Stamp();
        world.Play(undo ? new Input.Undo(handle.Id, stamp) : new Input.Close(handle.Id, stamp));
        world.Model.End(handle, stamp, order, undo);
        world.Settled();
    }

    public void MakeBus(bool first)
    {
        var caller = first ? world.Tasks[0] : words.Caller();
        if (Open(endpoint: null, caller) is not { } handle) return;
        var name = first ? "1000-main" : Chance.Of("1000-main", "1000-side", "1001-side", "0-side", "side");
        var bloom = Chance.OneIn(20) ? Chance.Of(0, 12, 128) : Chance.Of(8, 16, 64);
        if (first) bloom = 16;
        var (required, creatorSend) = (Chance.OneIn(4) ? (ulong)Chance.Of(AttachFlags.Timestamp, AttachFlags.Creds, AttachFlags.Timestamp | AttachFlags.Names) : 0, words.Mask());
        if (!first && Chance.OneIn(20)) required = words.Mask();
        if (first && (creatorSend & 1UL << 14) != 0) creatorSend = ulong.MaxValue;
        var flags = (MakeFlags)Chance.Below(4);
        var frame = Frame.Of(
            new KdbusCmd { Flags = (ulong)flags },
            Frame.Item(ItemType.MakeName, name),
            Frame.Item(ItemType.BloomParameter, new KdbusBloomParameter { Size = (ulong)bloom, NHash = 1 }),
            Frame.Item(ItemType.AttachFlagsRecv, required),
            Frame.Item(ItemType.AttachFlagsSend, creatorSend));
        world.Run(handle, Command.BusMake, frame, caller, () => world.Model.BusMake(handle, caller, name, bloom, flags, required, creatorSend), out _);
        if (handle.OwnedBus is { } made) Learn(made);
        world.Settled();
    }

    /// <summary>On an endpoint, or on <c>control</c>.</summary>
    public void MakeEndpoint(BusModel bus)
    {
        var caller = words.Caller();
        var onControl = Chance.OneIn(2);
        if (Open(onControl ? null : Chance.Any(bus.Endpoints), caller) is not { } handle) return;
        var name = $"{(Chance.OneIn(10) ? 7 : caller.Euid)}-{Chance.Of("one", "two")}";
        if (onControl && !Chance.OneIn(10)) name = $"{(Chance.OneIn(10) ? "1000-none" : bus.Name)}/{name}";
        var frame = Frame.Of(new KdbusCmd { Flags = (ulong)MakeFlags.AccessWorld }, Frame.Item(ItemType.MakeName, name));
        world.Run(handle, Command.EndpointMake, frame, caller, () => world.Model.EndpointMake(handle, caller.Caller, name), out _);
        if (handle.OwnedEndpoint != null) Learn(bus);
        world.Settled();
        if (handle.Role == RoleModel.Untyped) Close(handle);
        else UpdateEndpoint(handle);
    }

    public void UpdateEndpoint(HandleModel handle)
    {
        var (policy, caller) = (words.Policy(Chance.Below(5)), words.Caller());
        var frame = Frame.Of(new KdbusCmd(), [.. policy.Select(line => line.Item)]);
        world.Run(handle, Command.EndpointUpdate, frame, caller, () => DomainModel.EndpointUpdate(handle, caller, policy), out _);
        world.Settled();
    }

    public void Connect(EndpointModel endpoint)
    {
        var caller = words.Caller();
        if (Open(endpoint, caller) is not { } handle) return;
        Hello(handle, Chance.OneIn(20) ? words.Caller() : caller);
        if (handle.Role == RoleModel.Untyped && Chance.OneIn(2)) Hello(handle, caller);
        if (handle.Role == RoleModel.Untyped) Close(handle);
    }

    private void Hello(HandleModel handle, TaskModel caller)
    {
        var fakes = Chance.OneIn(handle.Privileged ? 6 : 60) ? words.Fakes() : default;
        var hello = new HelloModel
        {
            Flags = Kind(handle.Privileged) | (HelloFlags)Chance.Below(2),
            PoolSize = Chance.OneIn(60) ? Chance.Of(0UL, 4000UL) : 4096UL << Chance.Below(5),
            Send = words.Mask(),
            Recv = words.Mask(),
            Description = Chance.OneIn(2) ? "" : Chance.Of("me", "somebody", "x-1.2_y"),
            Creds = fakes.Creds,
            Pids = fakes.Pids,
            Seclabel = fakes.Seclabel,
            HasPool = !Chance.OneIn(60),
            IsExhausted = Chance.OneIn(60),
            Policy = [],
        };
        var takesName = (hello.Flags & (HelloFlags.Activator | HelloFlags.PolicyHolder)) != 0;
        if (Chance.OneIn(40) ? !takesName : takesName) hello.Policy.AddRange(words.Policy(1));
        else if (Chance.OneIn(20)) hello.Policy.Add(words.Access());

        var items = hello.Policy.ConvertAll(line => line.Item);
        if (hello.Creds != null) items.Add(Frame.Item(ItemType.Creds, MemoryMarshal.AsBytes(hello.Creds.AsSpan())));
        if (hello.Pids != null) items.Add(Frame.Item(ItemType.Pids, MemoryMarshal.AsBytes(hello.Pids.AsSpan())));
        if (hello.Seclabel != null) items.Add(Frame.Item(ItemType.Seclabel, hello.Seclabel));
        if (hello.Description.Length > 0) items.Add(Frame.Item(ItemType.ConnDescription, hello.Description));
        var frame = Frame.Of(
            new KdbusCmdHello { Flags = (ulong)hello.Flags, PoolSize = hello.PoolSize, AttachFlagsSend = hello.Send, AttachFlagsRecv = hello.Recv },
            [.. items]);
        var isWritable = Chance.OneIn(3);
        var played = world.Issue(handle, Command.Hello, frame, caller, out _, input => input with
        {
            PoolSize = hello.HasPool ? (int)(hello.PoolSize + 4095) / 4096 * 4096 : 0,
            IsPoolExhausted = hello.IsExhausted,
            IsPoolWritable = isWritable,
            Named = hello.Pids == null ? default : world.Tasks.Name(caller, hello.Pids),
        });
        var expected = world.Model.Execute(handle, Command.Hello, world.Stamped, () => world.Model.Hello(handle, caller, hello, world.Tasks.Find));
        world.Agree(expected, played, Command.Hello);
        if (expected.Result == Errno.OK)
        {
            var result = Frame.As<KdbusCmdHello>(played.Frame);
            Invariant.Equal((expected.Extra, expected.Offset, expected.Size), (result.Id, result.Offset, result.ItemsSize), "Results of HELLO", handle.Id);
            world.Engine.Add(handle.Connection!, world.Domain.FindConnection(handle.Id)!);
        }

        world.Settled();
    }

    /// <summary>Most of those who may be something special are; a few others would like to.</summary>
    private HelloFlags Kind(bool mayBeSpecial) => Chance.Below(mayBeSpecial ? 12 : 120) switch
    {
        < 4 => HelloFlags.Activator,
        < 6 => HelloFlags.PolicyHolder,
        6 when Chance.OneIn(3) => HelloFlags.Monitor,
        7 when Chance.OneIn(20) => HelloFlags.Monitor | HelloFlags.Activator,
        _ => 0,
    };

    private void Learn(BusModel bus)
    {
        var made = world.Domain.FindBus(bus.Name)!;
        foreach (var endpoint in bus.Endpoints) endpoint.Inode = made.FindEndpoint(endpoint.Name)!.Inode;
    }
}
