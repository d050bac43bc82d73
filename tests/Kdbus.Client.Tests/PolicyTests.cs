using Kdbus.Abi;

namespace Kdbus.Client.Tests;

/// <summary>Custom endpoints and what they allow.</summary>
public sealed class PolicyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Through_a_custom_endpoint_one_reaches_what_its_policy_names_and_nothing_else(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Echo();
        await using OwnedName seen = await scene.Service.AcquireNameAsync("org.example.Open");
        BusConnection other = await scene.ConnectAsync();
        await using OwnedName hidden = await other.AcquireNameAsync("org.example.Closed");
        using OwnedEndpoint box = scene.Bus.MakeEndpoint("box");
        await using BusConnection boxed = await scene.Bus.ConnectThroughAsync(box, ct: Cancel);
        Assert.Equal(Errno.EPERM, Assert.Throws<BusRefusedException>(() => boxed.Call("org.example.Open", "x"u8, cancellation: Cancel)).Error);
        box.SetPolicy("org.example.Open", PolicyAccess.Everybody(PolicyAccessLevel.Talk));
        boxed.Call("org.example.Open", "x"u8, cancellation: Cancel).Dispose();
        Assert.Equal(Errno.EPERM, Assert.Throws<BusRefusedException>(() => boxed.Call("org.example.Closed", "x"u8, cancellation: Cancel)).Error);
        Assert.Equal(Errno.EPERM, (await Assert.ThrowsAsync<BusRefusedException>(async () => await boxed.AcquireNameAsync("org.example.Mine"))).Error);
        Assert.False(boxed.GetOwner("org.example.Closed").IsOwned);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task With_its_endpoint_a_connection_ends(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        OwnedEndpoint box = scene.Bus.MakeEndpoint("box");
        await using BusConnection boxed = await scene.Bus.ConnectThroughAsync(box, ct: Cancel);
        ValueTask<Message> receiving = boxed.ReceiveAsync(Cancel);
        box.Dispose();
        await Assert.ThrowsAsync<BusBrokenException>(async () => await receiving);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_policy_holder_says_who_may_own_a_name(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await scene.ConnectAsync(new()
        {
            Kind = ConnectionKind.PolicyHolder,
            Name = "org.example.*",
            Policy = [PolicyAccess.User(12345, PolicyAccessLevel.Own), PolicyAccess.Everybody(PolicyAccessLevel.Talk)],
        });
        BusRefusedException refusal = await Assert.ThrowsAsync<BusRefusedException>(() => scene.ConnectAsync(new() { Kind = ConnectionKind.PolicyHolder, Name = "org.example.*" }));
        Assert.Equal(Errno.EEXIST, refusal.Error);
    }
}
