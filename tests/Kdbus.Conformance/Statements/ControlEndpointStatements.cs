namespace Kdbus.Conformance.Statements;

/// <summary>Endpoints made through <c>control</c>: an ENDPOINT_MAKE there names the bus together with the endpoint.</summary>
public class ControlEndpointStatements
{
    private const string Name = "org.example.Service";

    [Theory, Worlds]
    public void CTL_01_a_path_of_bus_and_endpoint_makes_a_custom_endpoint(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.OK, Make(scene.OpenControl(), PathOf(scene, "0-own"), MakeFlags.None));
        Assert.Equal(Errno.OK, Make(scene.OpenControl(), PathOf(scene, "0-world"), MakeFlags.AccessWorld));
        foreach ((string name, string mode) in ((string, string)[])[("0-own", "600"), ("0-world", "666")])
        {
            Assert.Equal(0, scene.Process.Stat(scene.Bus.EndpointPath(name), out FileStatus file));
            Assert.Equal((name, true, Convert.ToInt32(mode, 8)), (name, file.IsRegular, file.Permissions));
        }

        // It denies everything, as custom endpoints do.
        Peer owner = scene.Connect();
        Peer inside = Peer.Hello(Handle.Open(scene.World.Spawn(), scene.Bus.EndpointPath("0-world")));
        Assert.Equal(Errno.OK, owner.Acquire(Name));
        Assert.Equal(Errno.EPERM, inside.Send(m => m.To(owner.Id)));
        Assert.Equal(Errno.EPERM, inside.Acquire("a.b"));
    }

    [Theory, Worlds]
    public void CTL_02_the_same_handle_updates_its_policy(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.OK, Make(control, PathOf(scene, "0-e")));
        Peer owner = scene.Connect();
        Assert.Equal(Errno.OK, owner.Acquire(Name));
        Peer inside = Peer.Hello(Handle.Open(scene.World.Spawn(), scene.Bus.EndpointPath("0-e")));

        WireStruct update = WireStruct.Of(Command.EndpointUpdate);
        new PolicyRules(update).Name(Name).World(PolicyAccessLevel.Talk);
        Assert.Equal(Errno.OK, control.Run(Command.EndpointUpdate, update).Result);
        Assert.Equal(Errno.OK, inside.Send(m => m.To(owner.Id).Cookie(5)));
        Assert.Equal(5UL, owner.Receive().Header.Cookie);
        Assert.Equal(Errno.OK, control.Run(Command.EndpointUpdate, WireStruct.Of(Command.EndpointUpdate)).Result);
        Assert.Equal(Errno.EPERM, inside.Send(m => m.To(owner.Id)));
    }

    [Theory, Worlds]
    public void CTL_03_the_endpoint_lives_as_long_as_the_handle_and_the_bus(WorldKind world)
    {
        using Scene scene = new(world);
        Handle first = scene.OpenControl();
        Handle second = scene.OpenControl();
        Assert.Equal(Errno.OK, Make(first, PathOf(scene, "0-a")));
        Assert.Equal(Errno.OK, Make(second, PathOf(scene, "0-b")));
        Peer inside = Peer.Hello(Handle.Open(scene.World.Spawn(), scene.Bus.EndpointPath("0-a")));
        first.Close();
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.Bus.EndpointPath("0-a"), out _));
        Assert.Equal(Errno.ECONNRESET, inside.Recv().Result);
        Assert.Equal(0, scene.Process.Stat(scene.Bus.EndpointPath("0-b"), out _));
        Assert.Equal(Errno.OK, Make(scene.OpenControl(), PathOf(scene, "0-a")));

        scene.Bus.Owner.Close();
        Assert.Equal(Errno.ESHUTDOWN, second.Run(Command.EndpointUpdate, WireStruct.Of(Command.EndpointUpdate)).Result);
    }

    [Theory, Worlds]
    public void CTL_04_the_handle_has_its_role_for_ever(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.OK, Make(control, PathOf(scene, "0-e")));
        Assert.Equal(Errno.EBADFD, Make(control, PathOf(scene, "0-f")));
        Assert.Equal(Errno.EBADFD, control.Run(Command.BusMake, TestBus.Command("0-other")).Result);
        Assert.Equal(Errno.EBADFD, control.Run(Command.Hello, Peer.HelloCommand()).Result);
        Assert.Equal(Errno.EBADFD, Make(scene.Bus.Owner, PathOf(scene, "0-f")));
    }

    [Theory, Worlds]
    public void CTL_05_only_who_is_privileged_on_the_bus_makes_endpoints(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess user = scene.SpawnAs(Scene.User);
        Handle control = TestBus.OpenControl(scene.World, user);
        Assert.Equal(Errno.EPERM, Make(control, PathOf(scene, $"{Scene.User}-e")));

        // On his own bus he is, and so is root, on whatever name starts with the own uid.
        TestBus own = TestBus.Make(scene.World, user, $"{Scene.User}-mine", MakeFlags.None);
        Assert.Equal(Errno.OK, Make(control, $"{Scene.User}-mine/{Scene.User}-e"));
        Assert.Equal(Errno.OK, Make(scene.OpenControl(), $"{Scene.User}-mine/0-e"));
        Assert.Equal(0, scene.Process.Stat(own.EndpointPath("0-e"), out FileStatus file));
        Assert.Equal(0U, file.Uid);
        Assert.Equal(Errno.EPERM, Make(TestBus.OpenControl(scene.World, scene.SpawnAs(Scene.OtherUser)), $"{Scene.User}-mine/{Scene.OtherUser}-e"));
    }

    /// <summary>As with endpoints: what counts is who opened the file.</summary>
    [Theory, Worlds]
    public void CTL_06_privilege_is_that_of_who_opened_control(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        string path = PathOf(scene, $"{Scene.User}-e");
        Assert.True(scene.Process.Fork(out IProcess? child) > 0);
        Assert.Equal(0, child!.Become(Scene.User, Scene.User));
        Assert.Equal(Errno.OK, Make(control.In(child), path));
    }

    [Theory, Worlds]
    public void CTL_07_the_name_obeys_the_rules_of_endpoint_names(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        string bus = Path.GetFileName(scene.Bus.Path);
        foreach (string name in (string[])["1-e", "e", "bus", "0-e.", "0-", "", "/", "0-a/0-b", "0-a@b"])
            Assert.Equal((name, Errno.EINVAL), (name, Make(control, $"{bus}/{name}")));
        Assert.Equal(Errno.ENAMETOOLONG, Make(control, $"{bus}/{"0-".PadRight(64, 'e')}"));
        Assert.Equal(Errno.ENOENT, Make(control, "0-nobody/0-e"));
        Assert.Equal(Errno.ENOENT, Make(control, "/0-e"));
        Assert.Equal(Errno.OK, Make(scene.OpenControl(), $"{bus}/{"0-".PadRight(63, 'e')}"));
        Assert.Equal(Errno.OK, Make(control, $"{bus}/0-e"));
        Assert.Equal(Errno.EEXIST, Make(scene.OpenControl(), $"{bus}/0-e"));
    }

    [Theory, Worlds]
    public void CTL_08_any_other_endpoint_make_is_not_for_control(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.EBADFD, Make(control, "0-e"));
        Assert.Equal(Errno.EBADFD, control.Run(Command.EndpointMake, WireStruct.Of(Command.EndpointMake)).Result);
        Assert.Equal(Errno.EBADFD, control.Run(Command.EndpointMake, WireStruct.Of(Command.EndpointMake).Claim(3)).Result);
        Assert.Equal(Errno.EBADFD, control.Run(Command.EndpointMake, WireStruct.Of(Command.EndpointMake).Claim(1 << 20)).Result);
        Assert.Equal(Errno.EBADFD, control.Run(Command.EndpointMake, WireStruct.Of(Command.EndpointMake).ItemHeader(8, ItemType.MakeName)).Result);

        // It can still make what it is for.
        Assert.Equal(Errno.OK, control.Run(Command.BusMake, TestBus.Command("0-other")).Result);
    }

    [Theory, Worlds]
    public void CTL_09_the_command_is_checked_as_it_is_on_an_endpoint(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        WireStruct Path() => TestBus.EndpointCommand(PathOf(scene, "0-e"));
        Assert.Equal(Errno.EINVAL, control.Run(Command.EndpointMake, Path().Flags(1UL << 32)).Result);
        Assert.Equal(Errno.EINVAL, control.Run(Command.EndpointMake, Path().Text(ItemType.Name, Name)).Result);
        Assert.Equal(Errno.EINVAL, control.Run(Command.EndpointMake, Path().Text(ItemType.MakeName, PathOf(scene, "0-f"))).Result);
        CommandRun negotiated = control.Run(Command.EndpointMake, Path().Flags(Constants.FlagNegotiate));
        Assert.Equal((Errno.OK, 3UL), (negotiated.Result, negotiated.Flags));
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.Bus.EndpointPath("0-e"), out _));
        Assert.Equal(Errno.OK, control.Run(Command.EndpointMake, Path()).Result);
    }

    private static string PathOf(Scene scene, string endpoint) => $"{Path.GetFileName(scene.Bus.Path)}/{endpoint}";

    private static Errno Make(Handle control, string path, MakeFlags flags = MakeFlags.AccessWorld) =>
        control.Run(Command.EndpointMake, TestBus.EndpointCommand(path, flags)).Result;
}
