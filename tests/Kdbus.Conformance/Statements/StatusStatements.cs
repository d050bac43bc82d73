using System.Text.Json;

namespace Kdbus.Conformance.Statements;

/// <summary>What an operator can see of a domain, and who may see it.</summary>
public class StatusStatements
{
    private const string Clock = "org.example.Clock";

    [Theory, Worlds]
    public void STA_01_the_status_directory_is_found_but_not_listed(WorldKind world)
    {
        using Scene scene = new(world);
        _ = scene.Bus;
        Assert.Equal(["0-test", "control"], Names(scene, ""));
        Assert.Equal(0, scene.Process.Stat(scene.PathOf(".status"), out FileStatus status));
        Assert.Equal((true, "555", 0U), (status.IsDirectory, Octal(status), status.Uid));
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.PathOf("0-test/.status"), out _));
    }

    [Theory, Worlds]
    public void STA_02_it_lists_its_files_and_the_buses_alive(WorldKind world)
    {
        using Scene scene = new(world);
        string[] ofDomain = [.. StatusFiles.OfDomain, .. StatusFiles.OfDomain.Select(static name => $"{name}.json")];
        Assert.Equal(Sorted(ofDomain), Names(scene, ".status"));
        _ = scene.Bus;
        Assert.Equal(Sorted([.. ofDomain, "0-test"]), Names(scene, ".status"));
        string[] ofBus = [.. StatusFiles.OfBus, .. StatusFiles.OfBus.Select(static name => $"{name}.json")];
        Assert.Equal(Sorted(ofBus), Names(scene, ".status/0-test"));
        scene.Bus.Owner.Close();
        Assert.Equal(Sorted(ofDomain), Names(scene, ".status"));
    }

    [Theory, Worlds]
    public void STA_03_files_belong_to_the_daemon_and_to_the_owner_of_the_bus(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess owner = scene.SpawnAs(Scene.User);
        TestBus.Make(scene.World, owner, $"{Scene.User}-mine");
        AssertNode(scene, ".status/buses", "400", 0);
        AssertNode(scene, ".status/limits.json", "400", 0);
        AssertNode(scene, ".status/server", "444", 0);
        AssertNode(scene, $".status/{Scene.User}-mine", "500", Scene.User);
        AssertNode(scene, $".status/{Scene.User}-mine/queues", "400", Scene.User);
    }

    [Theory, Worlds]
    public void STA_04_root_reads_all_an_owner_his_own_bus_and_others_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess owner = scene.SpawnAs(Scene.User);
        IProcess other = scene.SpawnAs(Scene.OtherUser);
        TestBus.Make(scene.World, owner, $"{Scene.User}-mine");
        _ = scene.Bus;
        foreach (string name in StatusFiles.OfBus)
        {
            foreach (string path in (string[])[$".status/{Scene.User}-mine/{name}", $".status/{Scene.User}-mine/{name}.json"])
            {
                Assert.NotEmpty(StatusFiles.Read(scene.Process, scene.PathOf(path)));
                Assert.NotEmpty(StatusFiles.Read(owner, scene.PathOf(path)));
                Assert.Equal(-(int)Errno.EACCES, other.Open(scene.PathOf(path), OpenFlags.ReadOnly));
            }
            Assert.Equal(-(int)Errno.EACCES, owner.Open(scene.PathOf($".status/0-test/{name}"), OpenFlags.ReadOnly));
        }
        foreach (string name in StatusFiles.OfDomain)
        {
            Assert.NotEmpty(StatusFiles.Read(scene.Process, scene.PathOf($".status/{name}")));
            if (name == "server")
                Assert.NotEmpty(StatusFiles.Read(other, scene.PathOf($".status/{name}.json")));
            else
                Assert.Equal(-(int)Errno.EACCES, owner.Open(scene.PathOf($".status/{name}"), OpenFlags.ReadOnly));
        }
    }

    [Theory, Worlds]
    public void STA_05_text_and_JSON_agree(WorldKind world)
    {
        using Scene scene = new(world);
        Furnish(scene);
        // What the daemon has allocated is more by the time it is read again.
        foreach (string name in StatusFiles.OfDomain.Where(static name => name != "memory"))
            AssertAgree(scene, $".status/{name}", null, name is "buses" or "server" ? 1 : 3);
        foreach (string name in StatusFiles.OfBus)
            AssertAgree(scene, $".status/0-test/{name}", "0-test", 1);
    }

    [Theory, Worlds]
    public void STA_06_the_files_show_what_there_is(WorldKind world)
    {
        using Scene scene = new(world);
        (Peer receiver, Peer sender) = Furnish(scene);

        JsonElement row = Assert.Single(Rows(scene, "connections"), row => Id(row, "id") == receiver.Id);
        Assert.Equal(
            ("clock service", Scene.User, 4UL, "ordinary", receiver.Process.Id),
            (row.GetProperty("description").GetString()!.Replace('-', ' '), row.GetProperty("uid").GetUInt32(), Id(row, "queued"),
                row.GetProperty("kind").GetString(), row.GetProperty("pid").GetInt32()));
        Assert.Equal(world == WorldKind.Memory ? null : "puppet", row.GetProperty("process").GetString());
        Assert.Equal(1UL, Id(row.GetProperty("flags"), "value"));

        row = Assert.Single(Rows(scene, "names"));
        Assert.Equal((Clock, receiver.Id), (row.GetProperty("name").GetString(), Id(row, "owner")));
        Assert.Equal("allow-replacement", Assert.Single(row.GetProperty("flags").GetProperty("names").EnumerateArray()).GetString());

        row = Assert.Single(Rows(scene, "matches"));
        Assert.Equal((receiver.Id, 5UL), (Id(row, "connection"), Id(row, "cookie")));
        Assert.Equal(sender.Id, Id(Assert.Single(row.GetProperty("rules").EnumerateArray()), "id"));

        row = Assert.Single(Rows(scene, "replies"));
        Assert.Equal((sender.Id, receiver.Id, 44UL, "asynchronous"), (Id(row, "requester"), Id(row, "answerer"), Id(row, "cookie"), row.GetProperty("state").GetString()));
        Assert.InRange(row.GetProperty("deadline").GetProperty("remaining").GetInt64(), 1, 600_000_000_000);

        Assert.Equal([0UL, 1, 2, 3], Rows(scene, "queues").Select(static row => Id(row, "position")));
        row = Assert.Single(Rows(scene, "quota"));
        JsonElement holder = Assert.Single(row.GetProperty("holders").EnumerateArray());
        Assert.Equal((sender.Id, 4UL, Id(row, "bytes")), (Id(holder, "connection"), Id(holder, "messages"), Id(holder, "bytes")));
        Assert.Equal((4UL, 256UL), (Id(row, "messages"), Id(row, "messagesLimit")));

        row = Assert.Single(Rows(scene, "policy"));
        Assert.Equal(("org.example.*", "talk"), (row.GetProperty("name").GetString(), row.GetProperty("access")[0].GetProperty("level").GetString()));
    }

    [Theory, Worlds]
    public void STA_07_an_open_file_stays_as_it_was_and_a_new_one_shows_what_is_now(WorldKind world)
    {
        using Scene scene = new(world);
        string path = scene.PathOf(".status/0-test/connections");
        scene.Connect();
        Handle before = Handle.Open(scene.Process, path, OpenFlags.ReadOnly);
        scene.Connect();
        Handle after = Handle.Open(scene.Process, path, OpenFlags.ReadOnly);
        Assert.Equal(2, StatusFiles.Cells(StatusFiles.ReadOn(before)).Length);
        Assert.Equal(3, StatusFiles.Cells(StatusFiles.ReadOn(after)).Length);
    }

    [Theory, Worlds]
    public void STA_08_reading_in_small_pieces_gives_the_same_bytes(WorldKind world)
    {
        using Scene scene = new(world);
        Furnish(scene);
        string whole = StatusFiles.Read(scene.Process, scene.PathOf(".status/limits"));
        Assert.Equal(whole, StatusFiles.Read(scene.Process, scene.PathOf(".status/limits"), pieces: 7));
        Assert.Contains("max-messages", whole, StringComparison.Ordinal);
    }

    [Theory, Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void STA_08_reading_at_any_offset_gives_what_is_there(WorldKind world)
    {
        using Scene scene = new(world);
        string whole = StatusFiles.Read(scene.Process, scene.PathOf(".status/limits"));
        using FileStream file = File.OpenRead(scene.PathOf(".status/limits"));
        byte[] piece = new byte[20];
        foreach (int offset in (int[])[100, 0, 53, whole.Length - 20])
        {
            Assert.Equal(20, RandomAccess.Read(file.SafeFileHandle, piece, offset));
            Assert.Equal(whole.Substring(offset, 20), System.Text.Encoding.ASCII.GetString(piece));
        }
        Assert.Equal(5, RandomAccess.Read(file.SafeFileHandle, piece, whole.Length - 5));
        Assert.Equal(0, RandomAccess.Read(file.SafeFileHandle, piece, whole.Length));
        Assert.Equal(0, RandomAccess.Read(file.SafeFileHandle, piece, 1L << 40));
    }

    [Theory, Worlds]
    public void STA_09_a_file_can_be_read_on_when_its_bus_has_ended_and_not_be_opened_again(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect();
        string path = scene.PathOf(".status/0-test/connections");
        Handle file = Handle.Open(scene.Process, path, OpenFlags.ReadOnly);
        scene.Bus.Owner.Close();
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Open(path, OpenFlags.ReadOnly));
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.PathOf(".status/0-test"), out _));
        Assert.Equal(2, StatusFiles.Cells(StatusFiles.ReadOn(file)).Length);
    }

    [Theory, Worlds]
    public void STA_10_nothing_but_reading_can_be_done_with_them(WorldKind world)
    {
        using Scene scene = new(world);
        _ = scene.Bus;
        string path = scene.PathOf(".status/0-test/quota");
        Assert.Equal(-(int)Errno.EACCES, scene.Process.Open(path, OpenFlags.ReadWrite));
        Assert.Equal(-(int)Errno.EACCES, scene.Process.Open(path, OpenFlags.WriteOnly));
        Assert.Equal(-(int)Errno.EPERM, scene.Process.Truncate(path, 0));
        Assert.Equal(-(int)Errno.EPERM, scene.Process.Unlink(path));

        Handle file = Handle.Open(scene.Process, path, OpenFlags.ReadOnly);
        Assert.Equal(Errno.ENOTTY, file.Run(Command.Byebye, WireStruct.Of(Command.Byebye)).Result);
        Assert.Equal(Errno.ENOTTY, file.Run(Command.Hello, Peer.HelloCommand()).Result);
        Assert.Equal(Errno.ENOTTY, file.Run(0x1234, 0));
        Assert.Equal(PollEvents.In | PollEvents.Out | PollEvents.ReadNormal | PollEvents.WriteNormal, file.Poll());
        Assert.Equal(0, scene.Process.Stat(path, out FileStatus status));
        Assert.Equal(0UL, status.Size);
    }

    /// <summary>A command whose struct lies in such a mapping cannot make the daemon wait for itself.</summary>
    [Theory, Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void STA_10_no_memory_can_be_mapped_of_them(WorldKind world)
    {
        using Scene scene = new(world);
        Peer peer = scene.Connect();
        int file = peer.Process.Open(scene.PathOf(".status/0-test/quota"), OpenFlags.ReadOnly);
        Assert.True(file >= 0);
        long shared = peer.Process.Map(4096, Protection.Read, MapFlags.Shared, file, 0);
        long mapped = peer.Process.Map(4096, Protection.Read, MapFlags.Private, file, 0);
        foreach (long address in (long[])[shared, mapped])
        {
            if (address >= 0)
                Assert.Equal(Errno.EFAULT, peer.Handle.Run(Command.Send, (ulong)address));
        }
    }

    [Theory, Worlds(WorldKind.Memory)]
    public void STA_11_opening_one_counts_as_any_other_open_file_of_the_user(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess owner = scene.SpawnAs(Scene.User);
        TestBus.Make(scene.World, owner, $"{Scene.User}-mine");
        string path = scene.PathOf($".status/{Scene.User}-mine/policy");
        int opened = 1; // control
        while (opened < 5000 && owner.Open(path, OpenFlags.ReadOnly) >= 0)
            opened++;
        Assert.Equal(4096, opened);
        Assert.Equal(-(int)Errno.EMFILE, owner.Open(path, OpenFlags.ReadOnly));
        Assert.Equal(-(int)Errno.EMFILE, owner.Open(scene.PathOf("control")));
        Assert.NotEmpty(StatusFiles.Read(scene.Process, path));
    }

    [Theory, Worlds]
    public void STA_12_each_snapshot_is_whole_while_messages_come_and_go(WorldKind world)
    {
        using Scene scene = new(world);
        Peer sender = scene.Connect();
        Peer receiver = scene.Connect();
        using CancellationTokenSource stop = new();
        Task traffic = Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    for (int i = 0; i < 10; i++)
                        Assert.Equal(Errno.OK, sender.Send(m => m.To(receiver.Id).Vec(new byte[(i + 1) * 100])));
                    for (int i = 0; i < 10; i++)
                        receiver.ReceiveAndFree();
                }
            },
            TestContext.Current.CancellationToken);
        HashSet<int> seen = [];
        for (int i = 0; i < 200; i++)
        {
            IReadOnlyList<JsonElement> queues = Rows(scene, "queues");
            seen.Add(queues.Count);
            Assert.Equal(Enumerable.Range(0, queues.Count).Select(static position => (ulong)position), queues.Select(static row => Id(row, "position")));
            foreach (JsonElement row in Rows(scene, "quota"))
            {
                ulong held = row.GetProperty("holders").EnumerateArray().Aggregate(Id(row, "onTheWayBytes"), static (sum, holder) => sum + Id(holder, "bytes"));
                Assert.Equal(Id(row, "bytes"), held);
            }
        }
        stop.Cancel();
        Pending.Await(traffic.ContinueWith(static done => done.Exception, TaskScheduler.Default), "the traffic");
        Assert.Null(traffic.Exception);
        Assert.True(seen.Count > 1, "no snapshot saw another queue than the others");
    }

    [Theory, Worlds(WorldKind.Memory)]
    public void STA_13_ten_thousand_matches_are_ten_thousand_lines(WorldKind world)
    {
        using Scene scene = new(world);
        for (int i = 0; i < 40; i++)
        {
            Peer peer = scene.Connect(scene.Process, Peer.HelloCommand(poolSize: 4096));
            for (ulong cookie = 0; cookie < 250; cookie++)
                AddMatch(peer, cookie, sender: cookie + 1);
        }
        string[][] lines = StatusFiles.Cells(StatusFiles.Read(scene.Process, scene.PathOf(".status/0-test/matches")));
        Assert.Equal(10_001, lines.Length);
        Assert.All(lines, static line => Assert.Equal(3, line.Length));
        Assert.Equal(
            lines.Skip(1).Select(static line => ulong.Parse(line[0], System.Globalization.CultureInfo.InvariantCulture)),
            Rows(scene, "matches").Select(static row => Id(row, "connection")));
    }

    [Theory, Worlds(WorldKind.Memory)]
    public void STA_14_a_user_cannot_make_the_daemon_keep_any_number_of_bytes(WorldKind world)
    {
        using Scene scene = new(world);
        for (int i = 0; i < 12; i++)
        {
            Peer peer = scene.Connect(scene.Process, Peer.HelloCommand(poolSize: 4096));
            for (ulong cookie = 0; cookie < 250; cookie++)
                AddMatch(peer, cookie, sender: cookie + 1);
        }
        string path = scene.PathOf(".status/0-test/matches.json");
        int size = StatusFiles.Read(scene.Process, path).Length;
        List<int> opened = [];
        int descriptor;
        while ((descriptor = scene.Process.Open(path, OpenFlags.ReadOnly)) >= 0)
            opened.Add(descriptor);
        Assert.Equal(-(int)Errno.EMFILE, descriptor);
        Assert.Equal(((64 << 20) + size - 1) / size, opened.Count);
        Assert.Equal(-(int)Errno.EMFILE, scene.Process.Open(scene.PathOf(".status/limits"), OpenFlags.ReadOnly));
        scene.OpenControl().Close();
        Assert.Equal(0, scene.Process.Close(opened[0]));
        Assert.NotEmpty(StatusFiles.Read(scene.Process, scene.PathOf(".status/limits")));
    }

    [Theory, Worlds]
    public void STA_15_metadata_shows_which_kinds_are_let_through(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Exe | AttachFlags.Caps | AttachFlags.Pidfd);
        Assert.Equal(["exe", "caps"], LetThrough(scene));
        Assert.Equal(
            (17, "pidfd", (ulong)ItemType.Pidfd),
            (DomainRows(scene, "metadata").Count, DomainRows(scene, "metadata")[^1].GetProperty("kind").GetString(), Id(DomainRows(scene, "metadata")[^1], "item")));

        // Three kinds more about the process go with its number, whatever their own bits are.
        Handle parameter = Handle.Open(scene.Process, scene.PathOf("parameters/attach_flags_mask"));
        Assert.Equal(1, scene.Process.Write(parameter.Descriptor, "4"u8));
        Assert.Equal(["pids", "pidfs-id", "start-time", "pidfd"], LetThrough(scene));
    }

    private static string?[] LetThrough(Scene scene) =>
        [.. DomainRows(scene, "metadata").Where(static row => row.GetProperty("letsThrough").GetBoolean()).Select(static row => row.GetProperty("kind").GetString())];

    private static (Peer Receiver, Peer Sender) Furnish(Scene scene)
    {
        Peer receiver = scene.ConnectAs(Scene.User, Peer.HelloCommand().Text(ItemType.ConnDescription, "clock-service"));
        Peer sender = scene.Connect();
        Handle holder = scene.Bus.Open(scene.World.Spawn());
        WireStruct hello = Peer.HelloCommand(HelloFlags.PolicyHolder).Text(ItemType.Name, "org.example.*").Item(
            ItemType.PolicyAccess, new KdbusPolicyAccess { Type = (ulong)PolicyAccessType.User, Id = Scene.User, Access = (ulong)PolicyAccessLevel.Own });
        WireStruct policy = Peer.HelloCommand(HelloFlags.PolicyHolder).Text(ItemType.Name, "org.example.*").Item(
            ItemType.PolicyAccess, new KdbusPolicyAccess { Type = (ulong)PolicyAccessType.World, Access = (ulong)PolicyAccessLevel.Talk });
        Assert.Equal(Errno.OK, holder.Run(Command.Hello, hello).Result);
        Assert.Equal(Errno.OK, receiver.Handle.Run(
            Command.NameAcquire, WireStruct.Of(Command.NameAcquire).Flags((ulong)NameFlags.AllowReplacement).Text(ItemType.Name, Clock)).Result);
        holder.Close();
        holder = scene.Bus.Open(scene.World.Spawn());
        Assert.Equal(Errno.OK, holder.Run(Command.Hello, policy).Result);
        AddMatch(receiver, 5, sender.Id);
        for (int i = 0; i < 3; i++)
            Assert.Equal(Errno.OK, sender.Send(m => m.To(receiver.Id).Priority(-i).Vec(new byte[(i + 1) * 1000])));
        Assert.Equal(Errno.OK, sender.Send(m => m.To(receiver.Id).ExpectReply(44, sender.Deadline(600_000))));
        return (receiver, sender);
    }

    private static void AddMatch(Peer peer, ulong cookie, ulong sender) => Assert.Equal(
        Errno.OK, peer.Handle.Run(Command.MatchAdd, WireStruct.Of(new KdbusCmdMatch { Cookie = cookie }).Item(ItemType.Id, sender)).Result);

    private static void AssertAgree(Scene scene, string path, string? bus, int leastRows)
    {
        string[][] lines = StatusFiles.Cells(StatusFiles.Read(scene.Process, scene.PathOf(path)));
        IReadOnlyList<JsonElement> rows = StatusFiles.Rows(StatusFiles.Read(scene.Process, scene.PathOf($"{path}.json")), bus);
        Assert.InRange(rows.Count, leastRows, int.MaxValue);
        Assert.Equal(rows.Count, lines.Length - 1);
        for (int i = 0; i < rows.Count; i++)
        {
            JsonProperty[] members = [.. rows[i].EnumerateObject()];
            Assert.Equal((path, members.Length, members.Length), (path, lines[0].Length, lines[i + 1].Length));
            for (int column = 0; column < members.Length; column++)
            {
                // The process of a fake is gone, which is a word in the text alone.
                if (members[column].Name == "process" || StatusFiles.Cell(members[column].Value) is not { } expected)
                    continue;
                Assert.Equal((path, members[column].Name, expected), (path, members[column].Name, lines[i + 1][column]));
            }
        }
    }

    private static void AssertNode(Scene scene, string path, string mode, uint owner)
    {
        Assert.Equal(0, scene.Process.Stat(scene.PathOf(path), out FileStatus status));
        Assert.Equal((path, mode, owner, 0UL), (path, Octal(status), status.Uid, status.Size));
    }

    [Theory, Worlds]
    public void STA_16_who_does_not_allow_what_a_bus_requires_can_be_seen_with_what_was_missing(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(required: (ulong)(AttachFlags.Pids | AttachFlags.Creds | AttachFlags.Timestamp));
        IProcess refused = scene.World.Spawn();
        Assert.Equal((0UL, ""), Unmet(scene, out JsonElement pid));
        Assert.Equal(JsonValueKind.Null, pid.ValueKind);

        Assert.Equal(Errno.ECONNREFUSED, scene.Bus.Open(refused).Run(Command.Hello, Peer.HelloCommand(send: (ulong)AttachFlags.Creds)).Result);
        Assert.Equal((1UL, "timestamp pids"), Unmet(scene, out pid));
        Assert.Equal(refused.Id, pid.GetInt32());

        Peer member = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue));
        Assert.Equal(Errno.EINVAL, member.Update(send: (ulong)(AttachFlags.Pids | AttachFlags.Timestamp)));
        Assert.Equal((2UL, "creds"), Unmet(scene, out pid));
        Assert.Equal(member.Process.Id, pid.GetInt32());
    }

    [Theory, Worlds]
    public void STA_17_a_connection_that_speaks_for_somebody_else_is_shown_as_one_with_its_own_ids(WorldKind world)
    {
        using Scene scene = new(world);
        Peer plain = scene.Connect();
        Peer faked = scene.Connect(Peer.FakedHello(label: "somebody"));
        JsonElement row = Assert.Single(Rows(scene, "connections"), row => Id(row, "id") == faked.Id);
        Assert.Equal((true, faked.Process.Id), (row.GetProperty("faked").GetBoolean(), row.GetProperty("pid").GetInt32()));
        row = Assert.Single(Rows(scene, "connections"), row => Id(row, "id") == plain.Id);
        Assert.False(row.GetProperty("faked").GetBoolean());
    }

    private static (ulong Count, string Missing) Unmet(Scene scene, out JsonElement pid)
    {
        JsonElement row = Assert.Single(DomainRows(scene, "buses"));
        pid = row.GetProperty("lastMissingPid");
        IEnumerable<string?> missing = row.GetProperty("lastMissing").GetProperty("names").EnumerateArray().Select(static name => name.GetString());
        return (Id(row, "unmet"), string.Join(' ', missing));
    }

    private static IReadOnlyList<JsonElement> Rows(Scene scene, string name) =>
        StatusFiles.Rows(StatusFiles.Read(scene.Process, scene.PathOf($".status/0-test/{name}.json")), "0-test");

    private static IReadOnlyList<JsonElement> DomainRows(Scene scene, string name) =>
        StatusFiles.Rows(StatusFiles.Read(scene.Process, scene.PathOf($".status/{name}.json")), null);

    private static string Octal(FileStatus status) => Convert.ToString(status.Permissions, 8);

    private static ulong Id(JsonElement row, string key) => row.GetProperty(key).GetUInt64();

    private static string[] Names(Scene scene, string path)
    {
        Assert.Equal(0, scene.Process.List(scene.PathOf(path), out IReadOnlyList<string> names));
        return Sorted([.. names.Where(static name => name is not ("." or ".."))]);
    }

    private static string[] Sorted(string[] names) => [.. names.Order(StringComparer.Ordinal)];
}
