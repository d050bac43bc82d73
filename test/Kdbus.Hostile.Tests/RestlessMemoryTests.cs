using System.Diagnostics;
using System.Globalization;

namespace Kdbus.Hostile.Tests;

/// <summary>Payload out of memory that its owner pulls away, or whose faults he does not handle.</summary>
public sealed class RestlessMemoryTests
{
    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Memory_that_is_unmapped_while_it_is_read_slows_nobody_down_for_long(WorldKind kind)
    {
        using Scene scene = new(kind);
        using Chatter others = new(scene);
        using Tool restless = new("restless", scene.Bus.Endpoint, "churn");
        Thread.Sleep(3000);
        string did = restless.Ask("look");
        Assert.Contains(did.Split(' '), static number => int.Parse(number, CultureInfo.InvariantCulture) > 0);
        TestContext.Current.TestOutputHelper?.WriteLine($"{kind}: sent and failed: {did}");
        others.GoesOn($"{kind} churn");
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Faults_that_nobody_handles_stop_nobody_and_their_owner_can_be_killed(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer user = scene.ConnectAs(Scene.User);
        using Tool restless = new("restless", scene.Bus.Endpoint, "userfault");
        Assert.SkipWhen(restless.Read() == "refused", "userfaultfd(2) is refused here.");

        // Four of root's are stuck, which is all one user may have; another user does not notice.
        Assert.Equal(Errno.OK, user.Send(m => m.To(user.Id).Vec("on"u8)));
        Assert.Equal("on"u8.ToArray(), user.ReceiveAndFree().Payload);
        using Process culprit = Process.GetProcessById(restless.Id);
        culprit.Kill();
        Moment.Await(() => culprit.HasExited, "the end of the culprit");
        Peer root = scene.Connect();
        Moment.Await(() => root.Send(m => m.To(root.Id).Vec("root"u8)) == Errno.OK, "room for another command of the same user");
        Assert.Equal(Errno.OK, user.Send(m => m.To(user.Id).Vec("still"u8)));
        Assert.Equal("still"u8.ToArray(), user.ReceiveAndFree().Payload);
    }
}
