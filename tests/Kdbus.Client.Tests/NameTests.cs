using Kdbus.Abi;

namespace Kdbus.Client.Tests;

/// <summary>Well-known names: having them, losing them, watching them.</summary>
public sealed class NameTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_name_belongs_to_who_acquired_it_until_it_is_released(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        OwnedName name = await scene.Service.AcquireNameAsync("org.example.Clock");
        Assert.True(name.IsOwner);
        Assert.Equal(new NameOwner("org.example.Clock", scene.Service.Id, false), scene.Client.GetOwner("org.example.Clock"));
        BusRefusedException refusal = await Assert.ThrowsAsync<BusRefusedException>(async () => await scene.Client.AcquireNameAsync("org.example.Clock"));
        Assert.Equal((Errno.EEXIST, "acquire the name org.example.Clock"), (refusal.Error, refusal.Operation));
        refusal = await Assert.ThrowsAsync<BusRefusedException>(async () => await scene.Service.AcquireNameAsync("org.example.Clock"));
        Assert.Equal(Errno.EALREADY, refusal.Error);
        await name.DisposeAsync();
        Assert.False(scene.Client.GetOwner("org.example.Clock").IsOwned);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Who_queues_gets_the_name_when_it_is_free(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        OwnedName first = await scene.Service.AcquireNameAsync("org.example.Clock");
        await using OwnedName second = await scene.Client.AcquireNameAsync("org.example.Clock", NameRequest.Queue);
        TaskCompletionSource acquired = new(TaskCreationOptions.RunContinuationsAsynchronously);
        second.Acquired += (_, _) => acquired.SetResult();
        Assert.False(second.IsOwner);
        await first.DisposeAsync();
        await second.WaitUntilOwnedAsync(Cancel);
        await acquired.Task.WaitAsync(Cancel);
        Assert.True(second.IsOwner);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Who_is_replaced_is_told(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using OwnedName first = await scene.Service.AcquireNameAsync("org.example.Clock", NameRequest.AllowReplacement);
        TaskCompletionSource lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
        first.Lost += (_, _) => lost.SetResult();
        await using OwnedName second = await scene.Client.AcquireNameAsync("org.example.Clock", NameRequest.ReplaceExisting);
        await lost.Task.WaitAsync(Cancel);
        Assert.False(first.IsOwner);
        Assert.True(second.IsOwner);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_connection_can_have_more_names_than_matches(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        for (int i = 0; i < 200; i++)
            Assert.True((await scene.Service.AcquireNameAsync($"org.example.N{i}")).IsOwner);
        Assert.Equal(200, scene.Client.FindPeer(scene.Service.Id)!.Names.Count);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Watching_a_name_begins_with_who_has_it_and_tells_each_change(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        List<ulong> owners = [];
        await foreach (NameOwner owner in scene.Client.WatchNameAsync("org.example.Clock", Cancel))
        {
            owners.Add(owner.Owner);
            if (owners.Count == 1)
                await (await scene.Service.AcquireNameAsync("org.example.Clock")).DisposeAsync();
            if (owners.Count == 3)
                break;
        }
        Assert.Equal([0UL, scene.Service.Id, 0UL], owners);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Connections_that_come_and_go_are_told(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using Subscription<PeerChange> peers = scene.Client.SubscribeToPeers();
        BusConnection other = await scene.ConnectAsync();
        await other.DisposeAsync();
        List<PeerChange> changes = [];
        await foreach (PeerChange change in peers.ReadAllAsync(Cancel))
        {
            changes.Add(change);
            if (changes.Count == 2)
                break;
        }
        Assert.Equal([new PeerChange(other.Id, true), new PeerChange(other.Id, false)], changes);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task The_list_has_connections_and_names(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using OwnedName name = await scene.Service.AcquireNameAsync("org.example.Clock");
        Assert.Equal([scene.Service.Id, scene.Client.Id], scene.Client.List().Select(static peer => peer.Id).Order());
        PeerInfo owner = Assert.Single(scene.Client.List(ListFlags.Names));
        Assert.Equal((scene.Service.Id, "org.example.Clock"), (owner.Id, Assert.Single(owner.Names)));
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task What_is_known_about_a_peer_can_be_asked_for(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way, new() { Description = "clock-service" });
        PeerInfo peer = scene.Client.FindPeer(scene.Service.Id)!;
        Assert.Equal("clock-service", peer.Metadata.Description);
        Assert.Equal((ulong)Environment.ProcessId, peer.Metadata.Process?.Pid);
        Assert.Null(scene.Client.FindPeer(9_999_999));
        Assert.Null(scene.Client.FindPeer("org.example.Nobody"));
        Assert.Equal((ulong)Environment.ProcessId, scene.Client.GetBusCreator().Metadata.Process?.Pid);
    }

    [Theory]
    [InlineData("nodots")]
    [InlineData("org..example")]
    [InlineData("org.1st")]
    [InlineData("org.exa mple")]
    [InlineData("org.example.*")]
    [InlineData("")]
    public void What_is_no_name_is_misuse(string name) => Assert.Throws<ArgumentException>(() => Destination.OwnerOf(name));
}
