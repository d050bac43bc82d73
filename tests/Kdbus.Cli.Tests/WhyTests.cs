using System.Globalization;
using System.Text.Json.Nodes;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli.Tests;

/// <summary><c>kdbusctl why-denied</c> and <c>kdbusctl why-blocked</c>.</summary>
public sealed class WhyTests
{
    [Fact]
    public async Task Who_may_not_talk_is_told_what_decides_and_the_line_that_is_proposed_lets_him()
    {
        await using Scene scene = await Scene.StartAsync();
        Running maker = scene.Start("bus", "make", "open", "--world", "--domain", scene.Domain);
        string bus = (await maker.SaysAsync("0-open/bus\n")).TrimEnd('\n');
        await using BusConnection service = await BusConnection.ConnectAsync(bus, cancellation: TestContext.Current.CancellationToken);
        await using OwnedName name = await service.AcquireNameAsync("org.example.Clock");
        await using Attempts attempts = await Attempts.StartAsync(bus, 20001, 20001);
        string id = attempts.Id.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(Errno.EPERM, await attempts.TryAsync("talk", "org.example.Clock"));
        Outcome denied = await scene.RunAsync("why-denied", id, "org.example.Clock", "--bus", bus);
        Assert.Equal(1, denied.Code);
        Assert.Contains($"denied: connection {id} (process ", denied.Output, StringComparison.Ordinal);
        Assert.Contains("the policy of the bus has no entry for org.example.Clock", denied.Output, StringComparison.Ordinal);
        string rule = JsonNode.Parse((await scene.RunAsync("why-denied", id, "org.example.Clock", "--bus", bus, "--json")).Output)!["rule"]!.GetValue<string>();
        Assert.Equal("org.example.Clock user:20001=talk", rule);

        Running policy = scene.Start("policy", "set", rule, "--bus", bus);
        _ = await policy.SaysAsync("holding");
        Assert.Equal(Errno.OK, await attempts.TryAsync("talk", "org.example.Clock"));
        Outcome allowed = (await scene.RunAsync("why-denied", id, "org.example.Clock", "--bus", bus)).Succeeded();
        Assert.Contains("the policy of the bus allows it: 'org.example.Clock user:20001=talk'", allowed.Output, StringComparison.Ordinal);
        Outcome own = await scene.RunAsync("why-denied", id, "org.example.Clock", "--own", "--bus", bus);
        Assert.Equal(1, own.Code);
        Assert.Contains("gives connection " + id, own.Output, StringComparison.Ordinal);
        Assert.Contains("no more than talk", own.Output, StringComparison.Ordinal);
        Assert.Matches(@"to allow it, connection \d+, which holds that entry, has to say: org\.example\.Clock user:20001=own\n", own.Output);
    }

    [Fact]
    public async Task Who_may_talk_by_being_the_same_user_or_privileged_is_told_so_and_so_is_a_receiver_without_a_name()
    {
        await using Scene scene = await Scene.StartAsync();
        Running maker = scene.Start("bus", "make", "open", "--world", "--domain", scene.Domain);
        string bus = (await maker.SaysAsync("0-open/bus\n")).TrimEnd('\n');
        await using BusConnection service = await BusConnection.ConnectAsync(bus, cancellation: TestContext.Current.CancellationToken);
        await using Attempts one = await Attempts.StartAsync(bus, 20001, 20001);
        await using Attempts other = await Attempts.StartAsync(bus, 20001, 20001);
        (await scene.RunAsync(new ProgramCall(["why-denied", "me", "1", "--bus", bus]) { Uid = 65534 })).Failed(77, "only the owner of the bus, and root, reads it");
        (await scene.RunAsync(new ProgramCall(["why-blocked", "1", "--bus", bus]) { Uid = 65534 })).Failed(77, "only the owner of the bus, and root, reads it");
        string nameless = service.Id.ToString(CultureInfo.InvariantCulture);
        Outcome same = (await scene.RunAsync("why-denied", Text(one.Id), Text(other.Id), "--bus", bus)).Succeeded();
        Assert.Contains("both are of the same user", same.Output, StringComparison.Ordinal);
        Outcome privileged = (await scene.RunAsync("why-denied", "me", Text(other.Id), "--bus", bus)).Succeeded();
        Assert.Contains("CAP_IPC_OWNER", privileged.Output, StringComparison.Ordinal);
        Outcome denied = await scene.RunAsync("why-denied", "user:20001", nameless, "--bus", bus);
        Assert.Equal(1, denied.Code);
        Assert.Contains("owns no name, and the policy of the bus speaks of names only", denied.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_cannot_even_open_the_bus_is_told_which_permissions_keep_him_out()
    {
        await using Scene scene = await Scene.StartAsync();
        Running maker = scene.Start("bus", "make", "closed", "--domain", scene.Domain);
        string bus = (await maker.SaysAsync("0-closed/bus\n")).TrimEnd('\n');
        await using BusConnection service = await BusConnection.ConnectAsync(bus, cancellation: TestContext.Current.CancellationToken);
        Outcome denied = await scene.RunAsync("why-denied", "user:20001", Text(service.Id), "--bus", bus);
        Assert.Equal(1, denied.Code);
        Assert.Contains($"the permissions of {Path.GetDirectoryName(bus)} do not let 20001 in (r-x------ root:root)", denied.Output, StringComparison.Ordinal);
        Assert.Contains("--world", denied.Output, StringComparison.Ordinal);
        (await scene.RunAsync("why-denied", "me", "org.example.A", "--own", "--see", "--bus", bus)).Failed(64, "two questions");
        (await scene.RunAsync("why-denied", "org.example.Nobody", "org.example.A", "--bus", bus)).Failed(66, "nobody owns 'org.example.Nobody'");
    }

    [Fact]
    public async Task A_flood_into_a_reader_that_does_not_read_is_told_with_whose_messages_lie_there()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection sleeper = await scene.ConnectAsync();
        await using BusConnection flood = await scene.ConnectAsync();
        Outcome before = (await scene.RunAsync("why-blocked", Text(sleeper.Id))).Succeeded();
        Assert.Contains("not blocked", before.Output, StringComparison.Ordinal);
        Assert.Contains("its queue is empty; it ", before.Output, StringComparison.Ordinal);

        Assert.Equal(Errno.ENOBUFS, SendUntilRefused(flood, sleeper.Id, new byte[8]));
        Outcome blocked = await scene.RunAsync("why-blocked", Text(sleeper.Id));
        Assert.Equal(1, blocked.Code);
        Assert.StartsWith($"blocked: connection {sleeper.Id} (process ", blocked.Output, StringComparison.Ordinal);
        Assert.Contains("user root has 256 unread messages there, as many as one user may (256): 256 (", blocked.Output, StringComparison.Ordinal);
        Assert.Contains($"of connection {flood.Id} (process {Environment.ProcessId} ", blocked.Output, StringComparison.Ordinal);
        Assert.Contains("1 message found no room there so far; the last one got ENOBUFS", blocked.Output, StringComparison.Ordinal);

        // What was is told, too, when there is room again.
        for (int i = 0; i < 256; i++)
            (await sleeper.ReceiveAsync(TestContext.Current.CancellationToken)).Dispose();
        Outcome was = await scene.RunAsync("why-blocked", Text(sleeper.Id));
        Assert.Equal(1, was.Code);
        Assert.StartsWith("was blocked: ", was.Output, StringComparison.Ordinal);
        Assert.Matches(@"its queue is empty; it last read \d", was.Output);
    }

    [Fact]
    public async Task Bytes_that_fill_a_share_of_the_pool_are_told_as_such()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection sleeper = await scene.ConnectAsync(new BusConnectionOptions { PoolSize = 1 << 16 });
        await using BusConnection flood = await scene.ConnectAsync();
        Assert.Equal(Errno.ENOBUFS, SendUntilRefused(flood, sleeper.Id, new byte[8]));
        Outcome blocked = await scene.RunAsync("why-blocked", Text(sleeper.Id));
        Assert.Equal(1, blocked.Code);
        Assert.Matches(@"user root has 10\.\d KiB of unread messages there, as much as one user may now \(10\.7 KiB\): \d+ \(", blocked.Output);
    }

    [Fact]
    public async Task A_receiver_that_frees_nothing_has_a_pool_that_is_full()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection keeper = await scene.ConnectAsync(new BusConnectionOptions { PoolSize = 1 << 18, ClassicOnly = true });
        await using BusConnection sender = await scene.ConnectAsync();
        List<Message> kept = [];
        try
        {
            Errno error = Errno.OK;
            for (int i = 0; i < 1000 && error == Errno.OK; i++)
            {
                error = SendOnce(sender, keeper.Id, new byte[8192]);
                if (error == Errno.OK)
                    kept.Add(await keeper.ReceiveAsync(TestContext.Current.CancellationToken));
            }
            Assert.Equal(Errno.EXFULL, error);
            Outcome blocked = await scene.RunAsync("why-blocked", Text(keeper.Id));
            Assert.Equal(1, blocked.Code);
            Assert.Matches(@"of its pool of 256 KiB, 2\d\d(\.\d)? KiB are messages that it has received and not freed; .* \(EXFULL\)", blocked.Output);
            Assert.Contains("it has to free what it has received", blocked.Output, StringComparison.Ordinal);
            JsonNode json = JsonNode.Parse((await scene.RunAsync("why-blocked", Text(keeper.Id), "--json")).Output)!;
            Assert.True(json["blocks"]!.GetValue<bool>());
            Assert.Contains(json["findings"]!.AsArray(), static finding => finding!["error"]?.GetValue<string>() == "EXFULL");
        }
        finally
        {
            kept.ForEach(static message => message.Dispose());
        }
    }

    [Fact]
    public async Task Descriptors_and_unanswered_requests_are_told()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection sleeper = await scene.ConnectAsync();
        await using BusConnection sender = await scene.ConnectAsync();
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle("/dev/null");
        MessageOptions withFiles = new() { Descriptors = [file, file, file, file] };
        for (int i = 0; i < 4; i++)
            _ = sender.Send(sleeper.Id, new byte[1], withFiles);
        Assert.Equal(Errno.EMFILE, Assert.Throws<BusRefusedException>(() => sender.Send(sleeper.Id, new byte[1], withFiles)).Error);
        Task<Message> call = sender.CallAsync(sleeper.Id, new byte[1], new MessageOptions { Timeout = TimeSpan.FromMinutes(2) }, TestContext.Current.CancellationToken).AsTask();
        Outcome blocked = await scene.RunAsync("why-blocked", Text(sleeper.Id));
        Assert.Equal(1, blocked.Code);
        Assert.Contains("user root has 16 descriptors in unread messages there, as many as one user may (16): 5 (", blocked.Output, StringComparison.Ordinal);
        Assert.Contains("(EMFILE)", blocked.Output, StringComparison.Ordinal);
        Assert.Matches($@"1 request waits for its answer \(1 of connection {sender.Id} .*\); it has read none of them; the next one times out in 1 min ", blocked.Output);
        await sleeper.DisposeAsync();
        _ = await Assert.ThrowsAsync<PeerFailedException>(() => call);
    }

    private static Errno SendUntilRefused(BusConnection sender, ulong to, byte[] payload)
    {
        for (int i = 0; i < 100_000; i++)
        {
            if (SendOnce(sender, to, payload) is not Errno.OK and var error)
                return error;
        }
        return Errno.OK;
    }

    private static Errno SendOnce(BusConnection sender, ulong to, byte[] payload)
    {
        try
        {
            _ = sender.Send(to, payload);
            return Errno.OK;
        }
        catch (BusRefusedException refused)
        {
            return refused.Error;
        }
    }

    private static string Text(ulong id) => id.ToString(CultureInfo.InvariantCulture);
}
