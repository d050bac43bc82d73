using System.Text.Json.Nodes;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli.Tests;

/// <summary>Policy: as text, shown, held, and what <c>policy check</c> says of it, beside what the bus does.</summary>
public sealed class PolicyTests
{
    private const uint Alice = 20001, Bob = 20002, Staff = 30001, Guests = 30002;

    [Fact]
    public void A_rule_is_read_as_it_is_written_in_both_forms()
    {
        PolicyEntry[] read =
        [
            .. PolicyText.Parse(
            [
                "# who may what", "", "org.example.Clock user:2000 own   # alice", "org.example.Clock  group:50 talk", "org.example.* user:2000=talk,world=see",
                "org.example.Secret -", "org.example.One user:1 own world see group:2=talk",
            ],
            "line"),
        ];
        Assert.Equal(["org.example.Clock", "org.example.*", "org.example.Secret", "org.example.One"], read.Select(static entry => entry.Name), StringComparer.Ordinal);
        Assert.Equal([PolicyAccess.User(2000, PolicyAccessLevel.Own), PolicyAccess.Group(50, PolicyAccessLevel.Talk)], read[0].Access);
        Assert.Equal([PolicyAccess.User(2000, PolicyAccessLevel.Talk), PolicyAccess.Everybody(PolicyAccessLevel.See)], read[1].Access);
        Assert.Empty(read[2].Access);
        Assert.Equal([PolicyAccess.User(1, PolicyAccessLevel.Own), PolicyAccess.Everybody(PolicyAccessLevel.See), PolicyAccess.Group(2, PolicyAccessLevel.Talk)], read[3].Access);
        Assert.Equal(read.Select(static entry => entry.ToString()), PolicyText.Parse(read.Select(static entry => entry.ToString()), "line").Select(static entry => entry.ToString()), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("org.example.A world eat", "line 2: 'eat' is nothing that can be allowed")]
    [InlineData("org.example.A", "line 2: nothing is said about org.example.A")]
    [InlineData("org.example.A world", "line 2: what may world do with org.example.A?")]
    [InlineData("org.example.A user:no-such-user own", "line 2: there is no user 'no-such-user'")]
    [InlineData("org.example.A group:no-such-group own", "line 2: there is no group 'no-such-group'")]
    [InlineData("org.example.A user:4294967295 own", "line 2: there is no user '4294967295'")]
    [InlineData("org.example.A bob own", "line 2: 'bob' is nobody")]
    [InlineData("org.example.A world=see,world", "line 2: 'world' is not like")]
    [InlineData("example world see", "line 2: 'example' is no name")]
    [InlineData("org.*.A world see", "line 2: 'org.*.A' is no name")]
    [InlineData("org.9example.A world see", "line 2: 'org.9example.A' is no name")]
    [InlineData("org.example.\u001b[31mA world see", "line 2: 'org.example.\\x1b[31mA' is no name")]
    public void A_wrong_line_is_told_with_its_number_and_what_is_wrong(string line, string message)
    {
        CommandException wrong = Assert.Throws<CommandException>(() => PolicyText.Parse(["# the first", line], "line"));
        Assert.StartsWith(message, wrong.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.BadInput, wrong.Code);
    }

    [Fact]
    public void An_entry_of_the_very_name_hides_a_wildcard_which_stands_for_one_word()
    {
        Asker alice = new(Alice, new HashSet<uint>(), IsPrivileged: false);
        PolicyBook book = new(null, PolicyText.Parse(["org.example.* world own", "org.example.Clock user:20002 own", "org.example.Empty -"], "line"));
        Assert.Equal(PolicyAccessLevel.Own, book.Ask(alice, "org.example.Other").Granted!.Value.Level);
        Assert.Null(book.Ask(alice, "org.example.Clock").Granted);
        Assert.Null(book.Ask(alice, "org.example.Empty").Granted);
        Assert.Null(book.Ask(alice, "org.example.Two.Words").Entry);
        Assert.Null(book.Ask(alice, "org.example").Entry);
    }

    [Fact]
    public void The_first_no_decides_and_the_rule_that_is_proposed_keeps_what_the_entry_says()
    {
        Asker alice = new(Alice, new HashSet<uint> { Staff }, IsPrivileged: false);
        PolicyBook bus = new(null, PolicyText.Parse(["org.example.* world own", $"org.example.Clock group:{Staff} see"], "line"));
        PolicyBook door = new("0-door", PolicyText.Parse(["org.example.Clock world talk"], "line"));
        Verdict verdict = Verdict.Own(alice, door, bus, "org.example.Clock");
        Assert.False(verdict.Allows);
        Assert.Same(door, verdict.Decisive.Book);
        Assert.Single(verdict.Steps);
        verdict = Verdict.Talk(alice, door, bus, owner: 5, ["org.example.Clock"]);
        Assert.Equal([true, false], verdict.Steps.Select(static step => step.Allows));
        using MemoryStream shown = new();
        using Output output = new(shown, isJson: false, width: null, hasColors: false);
        Assert.Equal(ExitCode.No, new Explanation("alice", alice, PolicyAccessLevel.Talk, "the clock", ["org.example.Clock"], verdict).Tell(output));
        string text = System.Text.Encoding.UTF8.GetString(shown.ToArray());
        Assert.Contains("denied: alice may not talk to the clock", text, StringComparison.Ordinal);
        Assert.Contains($"'org.example.Clock group:{Staff}=see' gives alice no more than see, and hides 'org.example.* world=own'", text, StringComparison.Ordinal);
        Assert.Contains($"org.example.Clock group:{Staff}=see,user:{Alice}=talk", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Groups_of_a_user_are_his_first_one_and_those_that_list_him()
    {
        string[] users = ["root:x:0:0::/root:/bin/sh", "alice:x:1000:100::/home/alice:/bin/sh", "nonsense"];
        string[] groups = ["adm:x:4:bob,alice", "users:x:100:", "audio:x:29:alicea", "games:x:60:bob"];
        Assert.Equal([4u, 100u], UserGroups.Of(1000, users, groups).Order());
        Assert.Empty(UserGroups.Of(1001, users, groups));
    }

    [Fact]
    public async Task What_policy_check_says_is_what_the_bus_does()
    {
        await using Scene scene = await Scene.StartAsync();
        Running maker = scene.Start("bus", "make", "open", "--world", "--domain", scene.Domain);
        string endpointOfBus = (await maker.SaysAsync("0-open/bus\n")).TrimEnd('\n');
        await using BusConnection service = await BusConnection.ConnectAsync(endpointOfBus, cancellation: TestContext.Current.CancellationToken);
        string[] served = ["org.example.Clock", "org.example.Plain", "org.other.Hidden"];
        foreach (string name in served)
            _ = await service.AcquireNameAsync(name);
        await using BusConnection lonely = await BusConnection.ConnectAsync(endpointOfBus, cancellation: TestContext.Current.CancellationToken);
        _ = await lonely.AcquireNameAsync("org.lonely.Only");
        string[] bus = [$"org.example.Clock user:{Alice}=talk,group:{Staff}=own", "org.example.* world see", $"org.free.* group:{Guests}=own", $"org.lonely.Only user:{Bob}=see", "org.free.Taken -"];
        string[] door = ["org.example.Clock world talk", $"org.free.* user:{Alice}=own", $"org.lonely.Only user:{Bob}=own", $"org.free.Mine user:{Bob}=own", "org.mine.* world own"];
        Running holder = scene.Start(["policy", "set", "--bus", endpointOfBus, .. bus]);
        Running endpoint = scene.Start(["endpoint", "make", "door", "--world", "--bus", endpointOfBus, .. door.SelectMany(static rule => (string[])["--allow", rule])]);
        _ = await holder.SaysAsync("holding the policy");
        string path = (await endpoint.SaysAsync("0-door\n")).TrimEnd('\n');

        Outcome rules = (await scene.RunAsync("policy", "show", "--rules", "--bus", endpointOfBus)).Succeeded();
        Assert.Equal(bus.Select(static rule => rule.Split(' ')[0]).Order(StringComparer.Ordinal), rules.Lines.Select(static rule => rule.Split(' ')[0]).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        string[] names = [.. served, "org.lonely.Only", "org.free.Mine", "org.free.Taken", "org.free.Two.Words", "org.mine.Own"];
        (uint Uid, uint Gid, uint[] Groups)[] users = [(Alice, Alice, []), (Bob, Bob, [Staff]), (Bob, Guests, []), (20003, 20003, []), (0, 0, [])];
        int allowed = 0, denied = 0;
        BusPlace place = BusPlace.Find(endpointOfBus);
        Status.StatusFiles status = new(place);
        foreach ((uint uid, uint gid, uint[] groups) in users)
        {
            foreach (string through in (string[])[endpointOfBus, path])
            {
                await using Attempts attempts = await Attempts.StartAsync(through, uid, gid, groups);
                foreach (string name in names)
                {
                    foreach (string what in (string[])["own", "talk", "see"])
                    {
                        Errno real = await attempts.TryAsync(what, name);
                        bool isServed = served.Contains(name) || name == "org.lonely.Only";
                        // Nobody can be talked to, or seen, who is not there; who owns a name keeps it.
                        if ((what != "own" && !isServed) || real == Errno.ESRCH && what == "talk")
                            continue;
                        bool isAllowed = real is Errno.OK or Errno.EEXIST;
                        IReadOnlyList<Status.ConnectionRow> connections = status.Connections();
                        Somebody asker = Askers.Find(place, connections, attempts.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
                        Verdict verdict = PolicyCheckCommand.Explain(status, connections, asker, PolicyText.Level(what)!.Value, name).Verdict;
                        Assert.True(verdict.Allows == isAllowed, $"{uid}/{gid}/{string.Join(',', groups)} {what} {name} through {through}: {real}, but {verdict.Decisive}");
                        _ = isAllowed ? allowed++ : denied++;
                    }
                }
            }
        }
        Assert.Equal(0, (await scene.RunAsync("policy", "check", "uid:20001", "talk", "org.example.Clock", "--endpoint", "door", "--bus", endpointOfBus)).Code);
        Outcome refused = await scene.RunAsync("policy", "check", "uid:20001", "own", "org.mine.Own", "--endpoint", "door", "--bus", endpointOfBus);
        Assert.Equal(1, refused.Code);
        Assert.Contains("the policy of the endpoint 0-door allows it: 'org.mine.* world=own', which stands for org.mine.Own", refused.Output, StringComparison.Ordinal);
        Assert.Contains("the policy of the bus has no entry for org.mine.Own", refused.Output, StringComparison.Ordinal);
        Assert.True(allowed > 25 && denied > 25, $"the table has {allowed} and {denied} answers");
    }

    [Fact]
    public async Task A_file_is_read_again_on_SIGHUP_and_a_wrong_one_changes_nothing()
    {
        await using Scene scene = await Scene.StartAsync();
        string file = Path.Combine(scene.Files, "policy");
        await File.WriteAllTextAsync(file, "org.example.A world talk\norg.example.B world see\n", TestContext.Current.CancellationToken);
        Running holder = scene.Start("policy", "set", "--file", file);
        Running endpoint = scene.Start("endpoint", "make", "door", "--policy", file);
        _ = await holder.SaysAsync("holding the policy of org.example.A, org.example.B");
        _ = await endpoint.SaysAsync("0-door");
        Assert.Equal("org.example.A world=talk\norg.example.B world=see\n", await RulesAsync(scene, "bus"));
        Assert.Equal("org.example.A world=talk\norg.example.B world=see\n", await RulesAsync(scene, "door"));

        await File.WriteAllTextAsync(file, "org.example.B world own\norg.example.C -\n", TestContext.Current.CancellationToken);
        foreach (Running running in (Running[])[holder, endpoint])
        {
            running.Signal(1);
            _ = await running.NotesAsync("policy read again: 2 names");
        }
        Assert.Equal("org.example.B world=own\norg.example.C -\n", await RulesAsync(scene, "bus"));
        Assert.Equal("org.example.B world=own\norg.example.C -\n", await RulesAsync(scene, "door"));

        await File.WriteAllTextAsync(file, "org.example.B world own\norg.example.D world eat\n", TestContext.Current.CancellationToken);
        foreach (Running running in (Running[])[holder, endpoint])
        {
            running.Signal(1);
            _ = await running.NotesAsync("line 2: 'eat' is nothing that can be allowed");
            _ = await running.NotesAsync("the old policy stays");
        }
        Assert.Equal("org.example.B world=own\norg.example.C -\n", await RulesAsync(scene, "bus"));
        Assert.Equal("org.example.B world=own\norg.example.C -\n", await RulesAsync(scene, "door"));
        Assert.Equal(0, (await holder.InterruptAsync()).Code);
        Assert.Equal("", await RulesAsync(scene, "bus"));
    }

    [Fact]
    public async Task A_name_whose_policy_somebody_holds_is_refused_with_who_that_is_and_nothing_is_held_then()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection holder = await scene.ConnectAsync(new BusConnectionOptions
        {
            Kind = ConnectionKind.PolicyHolder, Name = "org.example.Held", Policy = [PolicyAccess.Everybody(PolicyAccessLevel.See)],
        });
        (await scene.RunAsync("policy", "set", "org.example.Free world talk", "org.example.Held world talk"))
            .Failed(71, "cannot hold the policy of org.example.Held", $"connection {holder.Id} (policy-holder, process {Environment.ProcessId} ", "EEXIST");
        Assert.Equal("org.example.Held world=see\n", await RulesAsync(scene, "bus"));
    }

    [Fact]
    public async Task Policy_is_shown_with_who_holds_it_and_only_to_who_may_read_it()
    {
        await using Scene scene = await Scene.StartAsync();
        Running maker = scene.Start("bus", "make", "open", "--world", "--domain", scene.Domain);
        string open = (await maker.SaysAsync("0-open/bus\n")).TrimEnd('\n');
        Running holder = scene.Start("policy", "set", "org.example.A user:0=own,world=talk", "org.example.* world see");
        _ = await holder.SaysAsync("holding");
        Outcome shown = (await scene.RunAsync("policy", "show")).Succeeded();
        Assert.Matches(@"^bus +org\.example\.A +user:root=own,world=talk +\d+ +kdbusctl +root$", shown.Lines[2]);
        JsonNode row = JsonNode.Parse((await scene.RunAsync("policy", "show", "org.example.A", "--json")).Succeeded().Output)!.AsArray().Single(static row => row!["name"]!.GetValue<string>() == "org.example.A")!;
        Assert.Equal(["user:root=own", "world=talk"], row["access"]!.AsArray().Select(static word => word!.GetValue<string>()), StringComparer.Ordinal);
        (await scene.RunAsync(new ProgramCall(["policy", "show", "--bus", open]) { Uid = 65534 })).Failed(77, "only the owner of the bus, and root");
        (await scene.RunAsync(new ProgramCall(["policy", "set", "org.example.B world talk", "--bus", open]) { Uid = 65534 })).Failed(77, "EPERM");
        (await scene.RunAsync("policy", "show", "--endpoint", "none")).Failed(66, "there is no endpoint 'none'", "there are: bus");
        (await scene.RunAsync("policy", "check", "user:no-such-user", "own", "org.example.A")).Failed(66, "there is no user 'no-such-user'");
        (await scene.RunAsync("policy", "check", "999999", "own", "org.example.A")).Failed(66, "there is no connection 999999");
        (await scene.RunAsync("policy", "check", "me", "eat", "org.example.A")).Failed(64, "eat");
        (await scene.RunAsync("policy", "check", "me", "own", "example")).Failed(64, "'example' is no name");
    }

    private static async Task<string> RulesAsync(Scene scene, string endpoint) => (await scene.RunAsync("policy", "show", "--rules", "--endpoint", endpoint)).Succeeded().Output;
}
