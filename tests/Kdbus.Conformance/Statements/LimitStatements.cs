using Kdbus.Engine;

namespace Kdbus.Conformance.Statements;

/// <summary>A domain with other limits than the usual ones, lower and higher, says no exactly at its own numbers and with the same errors.</summary>
[AlsoByExchange]
public class LimitStatements
{
    [Theory, Worlds]
    public void LIM_01_messages_of_a_user_in_a_queue_are_ENOBUFS_beyond_max_messages(WorldKind world)
    {
        foreach (int most in (int[])[5, 300])
        {
            using Scene scene = new(world, new DomainLimits { Messages = most });
            Peer a = scene.Connect();
            Peer b = scene.Connect();
            SaysNoAfter(most, Errno.ENOBUFS, _ => a.Send(m => m.To(b.Id)));
            b.ReceiveAndFree();
            SaysNoAfter(1, Errno.ENOBUFS, _ => a.Send(m => m.To(b.Id)));
        }
    }

    [Theory, Worlds]
    public void LIM_02_requests_without_reply_are_EMLINK_beyond_max_requests(WorldKind world)
    {
        foreach (int most in (int[])[3, 200])
        {
            using Scene scene = new(world, new DomainLimits { Requests = most });
            Peer a = scene.Connect();
            Peer b = scene.Connect();
            long deadline = a.Deadline(600_000);
            SaysNoAfter(most, Errno.EMLINK, i => a.Send(m => m.To(b.Id).ExpectReply((ulong)i, deadline)));
        }
    }

    [Theory, Worlds]
    public void LIM_03_names_of_a_connection_are_E2BIG_beyond_max_names(WorldKind world)
    {
        foreach (int most in (int[])[3, 300])
        {
            using Scene scene = new(world, new DomainLimits { Names = most });
            Peer a = scene.Connect();
            SaysNoAfter(most, Errno.E2BIG, i => Acquire(a, $"name.n{i}"));
            Peer other = scene.Connect(a.Process);
            Assert.Equal(Errno.OK, Acquire(other, "name.more"));
        }
    }

    [Theory, Worlds]
    public void LIM_04_matches_of_a_connection_are_EMFILE_beyond_max_matches(WorldKind world)
    {
        foreach (int most in (int[])[3, 300])
        {
            using Scene scene = new(world, new DomainLimits { Matches = most });
            Peer a = scene.Connect();
            SaysNoAfter(most, Errno.EMFILE, i => AddMatch(a, (ulong)i));
        }
    }

    [Theory, Worlds]
    public void LIM_05_connections_of_a_user_are_EMFILE_beyond_max_connections(WorldKind world)
    {
        foreach (int most in (int[])[3, 1030])
        {
            using Scene scene = new(world, new DomainLimits { Connections = most });
            SaysNoAfter(most, Errno.EMFILE, _ => Hello(scene, scene.Process));
            Assert.Equal(Errno.OK, Hello(scene, scene.SpawnAs(Scene.User)));
        }
    }

    [Theory, Worlds]
    public void LIM_06_open_files_of_a_user_are_EMFILE_beyond_four_times_max_connections(WorldKind world)
    {
        using Scene scene = new(world, new DomainLimits { Connections = 3 });
        string endpoint = scene.Bus.Endpoint;
        IProcess user = scene.SpawnAs(Scene.User);
        SaysNoAfter(12, Errno.EMFILE, _ => (Errno)Math.Max(0, -user.Open(endpoint)));
        Assert.True(scene.SpawnAs(Scene.OtherUser).Open(endpoint) >= 0);
    }

    [Theory, Worlds]
    public void LIM_07_buses_of_a_user_are_EMFILE_beyond_max_buses(WorldKind world)
    {
        foreach (int most in (int[])[1, 40])
        {
            using Scene scene = new(world, new DomainLimits { Buses = most });
            SaysNoAfter(most, Errno.EMFILE, i => MakeBus(scene, $"0-bus{i}"));
        }
    }

    [Theory, Worlds]
    public void LIM_08_items_of_a_message_are_E2BIG_beyond_max_items(WorldKind world)
    {
        foreach (int most in (int[])[4, 200])
        {
            using Scene scene = new(world, new DomainLimits { MessageItems = most });
            Peer a = scene.Connect();
            Peer b = scene.Connect();
            ulong data = a.Process.Scratch.Place(new byte[8]);
            Assert.Equal(Errno.OK, a.Send(m => Vecs(m.To(b.Id), most, data, 8)));
            Assert.Equal(Errno.E2BIG, a.Send(m => Vecs(m.To(b.Id), most + 1, data, 8)));
            Assert.Equal(most, b.Receive().Pieces.Count);
        }
    }

    /// <summary>The kernel takes so many pieces in one copy, and no more.</summary>
    [Theory, Worlds]
    public void LIM_08_a_message_may_have_1024_pieces_of_payload(WorldKind world)
    {
        const int Most = 1024;
        using Scene scene = new(world, new DomainLimits { MessageItems = Most, MessageSize = 64 + (32 * Most) });
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        foreach (int each in (int[])[8, 40])
        {
            byte[] data = new byte[each * Most];
            for (int i = 0; i < data.Length; i++)
                data[i] = (byte)(i * 31 >> 3);
            ulong address = a.Process.Scratch.Place(data);
            Errno result = a.Send(m =>
            {
                m.To(b.Id);
                for (int i = 0; i < Most; i++)
                    m.Vec(address + (ulong)(i * each), (ulong)each);
            });
            Assert.Equal((each, Errno.OK), (each, result));
            Assert.Equal(data, b.Receive().Payload);
        }
    }

    [Theory, Worlds]
    public void LIM_09_payload_of_a_message_is_EMSGSIZE_beyond_max_payload(WorldKind world)
    {
        const int Least = 4096, Large = (3 << 20) + 5;
        foreach (int most in (int[])[Least, Large])
        {
            using Scene scene = new(world, new DomainLimits { MessagePayload = most });
            Peer a = scene.Connect();
            Peer b = scene.Connect(Peer.HelloCommand(poolSize: 64 << 20));
            ulong room = a.Process.Scratch.Allocate(most + 1);
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(room, (ulong)most)));
            Assert.Equal(Errno.EMSGSIZE, a.Send(m => m.To(b.Id).Vec(room, (ulong)most + 1)));
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(room, (ulong)most - 8).NullVec(8)));
            Assert.Equal(Errno.EMSGSIZE, a.Send(m => m.To(b.Id).Vec(room, (ulong)most - 8).NullVec(9)));
            Assert.Equal((ulong)most, Assert.Single(b.Receive().Pieces).Size);
        }
    }

    [Theory, Worlds]
    public void LIM_10_a_message_is_EINVAL_beyond_max_message_size(WorldKind world)
    {
        foreach (int items in (int[])[20, 300])
        {
            int size = 64 + (32 * items);
            foreach (int most in (int[])[size, size - 1])
            {
                using Scene scene = new(world, new DomainLimits { MessageSize = most, MessageItems = 1024 });
                Peer a = scene.Connect();
                Peer b = scene.Connect();
                ulong data = a.Process.Scratch.Place(new byte[8]);
                Assert.Equal(size == most ? Errno.OK : Errno.EINVAL, a.Send(m => Vecs(m.To(b.Id), items, data, 8)));
                Assert.Equal(Errno.OK, a.Send(m => Vecs(m.To(b.Id), items - 1, data, 8)));
            }
        }
    }

    [Theory, Worlds]
    public void LIM_11_a_command_is_EMSGSIZE_beyond_max_command_size(WorldKind world)
    {
        KdbusPolicyAccess everybody = new() { Type = (ulong)PolicyAccessType.World, Access = (ulong)PolicyAccessLevel.Talk };
        foreach (int items in (int[])[120, 1000])
        {
            WireStruct hello = Peer.HelloCommand();
            for (int i = 0; i < items; i++)
                hello.Item(ItemType.PolicyAccess, everybody);
            foreach (int most in (int[])[hello.Length, hello.Length - 1])
            {
                using Scene scene = new(world, new DomainLimits { CommandSize = most });
                Errno result = scene.Bus.Open(scene.Process).Run(Command.Hello, hello).Result;
                Assert.Equal((most, hello.Length == most ? Errno.OK : Errno.EMSGSIZE), (most, result));
            }
        }
    }

    [Theory, Worlds]
    public void LIM_12_a_bloom_filter_is_EINVAL_beyond_max_bloom_size(WorldKind world)
    {
        foreach (int most in (int[])[8, 64, 8192, 65536])
        {
            using Scene scene = new(world, new DomainLimits { BloomSize = most });
            Assert.Equal(Errno.EINVAL, MakeBus(scene, "0-larger", (ulong)most + 8));
            Assert.Equal(Errno.OK, MakeBus(scene, "0-largest", (ulong)most));
        }
    }

    [Theory, Worlds]
    public void LIM_13_a_well_known_name_is_EINVAL_beyond_max_name_length(WorldKind world)
    {
        const int Most = 12;
        string longest = "org." + new string('a', Most - 4);
        using Scene scene = new(world, new DomainLimits { NameLength = Most });
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(0).Text(ItemType.DstName, longest + "a")));
        Assert.Equal(Errno.ESRCH, a.Send(m => m.To(0).Text(ItemType.DstName, longest)));
        Assert.Equal(Errno.EINVAL, Acquire(a, longest + "a"));
        Assert.Equal(Errno.OK, Acquire(a, longest));
        Assert.Equal(Errno.EINVAL, AddMatch(a, 1, longest + "a"));
        Assert.Equal(Errno.OK, AddMatch(a, 1, longest));
    }

    [Theory, Worlds]
    public void LIM_14_a_system_name_is_ENAMETOOLONG_beyond_max_sysname_length(WorldKind world)
    {
        foreach (int most in (int[])[8, 255])
        {
            using Scene scene = new(world, new DomainLimits { SysNameLength = most });
            string longest = "0-" + new string('a', most - 2);
            Assert.Equal(Errno.ENAMETOOLONG, MakeBus(scene, longest + "a"));
            TestBus bus = TestBus.Make(scene.World, scene.Process, longest);
            Handle endpoint = bus.Open(scene.Process);
            Assert.Equal(Errno.ENAMETOOLONG, endpoint.Run(Command.EndpointMake, TestBus.EndpointCommand(longest + "a")).Result);
            Assert.Equal(Errno.OK, endpoint.Run(Command.EndpointMake, TestBus.EndpointCommand(longest)).Result);
            Handle connection = Handle.Open(scene.Process, bus.EndpointPath(longest));
            Assert.Equal(Errno.ENAMETOOLONG, connection.Run(Command.Hello, Described(longest + "a")).Result);
            Assert.Equal(Errno.OK, connection.Run(Command.Hello, Described(longest)).Result);
        }
    }

    [Theory, Worlds]
    public void LIM_15_descriptors_in_a_message_are_EMFILE_beyond_max_fds(WorldKind world)
    {
        foreach (int most in (int[])[0, 2, 100])
        {
            using Scene scene = new(world, new DomainLimits { Fds = most });
            Peer a = scene.Connect();
            Peer b = scene.Connect();
            int one = scene.Bus.Open(a.Process).Descriptor;
            Assert.Equal(Errno.EMFILE, a.Send(m => m.To(b.Id).Item(ItemType.Fds, Descriptors(most + 1, one))));
            Assert.NotEqual(Errno.EMFILE, a.Send(m => m.To(b.Id).Item(ItemType.Fds, Descriptors(most, one))));
        }
    }

    /// <summary>So many times the command succeeds, and then no more.</summary>
    private static void SaysNoAfter(int most, Errno error, Func<int, Errno> command)
    {
        for (int i = 1; i <= most; i++)
            Assert.Equal((most, i, Errno.OK), (most, i, command(i)));
        Assert.Equal((most, error), (most, command(most + 1)));
    }

    private static Errno Acquire(Peer peer, string name) =>
        peer.Handle.Run(Command.NameAcquire, WireStruct.Of(Command.NameAcquire).Text(ItemType.Name, name)).Result;

    private static Errno AddMatch(Peer peer, ulong cookie, string? name = null)
    {
        WireStruct command = WireStruct.Of(new KdbusCmdMatch { Cookie = cookie });
        if (name is not null)
            command.Text(ItemType.Name, name);
        return peer.Handle.Run(Command.MatchAdd, command).Result;
    }

    private static Errno Hello(Scene scene, IProcess process) =>
        scene.Bus.Open(process).Run(Command.Hello, Peer.HelloCommand(poolSize: 4096)).Result;

    private static WireStruct Described(string text) => Peer.HelloCommand(poolSize: 4096).Text(ItemType.ConnDescription, text);

    private static Errno MakeBus(Scene scene, string name, ulong bloomSize = TestBus.BloomSize) =>
        scene.OpenControl().Run(Command.BusMake, TestBus.Command(name, bloomSize: bloomSize)).Result;

    private static void Vecs(OutgoingMessage message, int count, ulong address, ulong size)
    {
        for (int i = 0; i < count; i++)
            message.Vec(address, size);
    }

    private static byte[] Descriptors(int count, int descriptor)
    {
        byte[] numbers = new byte[sizeof(int) * count];
        for (int i = 0; i < count; i++)
            BitConverter.TryWriteBytes(numbers.AsSpan(sizeof(int) * i), descriptor);
        return numbers;
    }
}
