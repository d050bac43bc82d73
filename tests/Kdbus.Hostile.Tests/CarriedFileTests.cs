using System.Globalization;
using Kdbus.Conformance.Worlds.Mounted;

namespace Kdbus.Hostile.Tests;

/// <summary>Files in messages by which clients mean no good: what is behind a descriptor, and when it is closed, is the sender's choice.</summary>
public sealed class CarriedFileTests
{
    private const uint Stranger = 40003;

    /// <summary>More than the daemon takes in with the message: its payload is read when its files are taken in already.</summary>
    private const int Large = 100_000;

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void An_opened_file_of_another_domain_is_refused_as_one_of_our_own(WorldKind kind)
    {
        using Scene scene = new(kind);
        using Scene other = new(WorldKind.Mount);
        Peer a = scene.Connect();
        foreach (Handle file in (Handle[])[other.Bus.Open(a.Process), TestBus.OpenControl(other.World, a.Process), other.Connect(a.Process).Handle])
        {
            Assert.Equal(Errno.EOPNOTSUPP, a.Send(m => m.To(a.Id).Fds(file.Descriptor)));
            Assert.Equal(Errno.EMEDIUMTYPE, a.Send(m => m.To(a.Id).Memfd(file.Descriptor, 0, 8)));
        }
        int[] harmless = [a.Process.Open(other.World.Root, OpenFlags.ReadOnly), a.Process.Open(other.Bus.Endpoint, OpenFlags.Path)];
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds(harmless)));
        Assert.DoesNotContain(-1, a.ReceiveWithDescriptors().Fds);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_device_of_a_FUSE_server_that_nothing_is_mounted_with_travels(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer a = scene.Connect();
        int device = a.Process.Open("/dev/fuse");
        for (int i = 0; i < 3; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds(device)));
        Assert.Equal(0, a.Process.Close(device));
        int received = Assert.Single(a.ReceiveWithDescriptors().Fds);
        Assert.Equal(Errno.OK, a.Recv(RecvFlags.Drop).Result);
        a.Receive();
        Assert.Equal(0, a.Process.Close(received));
    }

    /// <summary>Its server is told of each close, and does not answer. Only the sender's user is refused further ones.</summary>
    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Files_of_a_FUSE_mount_that_does_not_answer_hold_up_nobody(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer culprit = scene.ConnectAs(Scene.User);
        Peer other = scene.ConnectAs(Scene.OtherUser);
        DaemonUse before = DaemonUse.Of(scene);
        int file = Handle.Open(culprit.Process, Path.Combine(slow.Root, "0")).Descriptor;
        int also = Handle.Open(other.Process, Path.Combine(slow.Root, "1")).Descriptor;
        slow.Stop();

        // It arrives, and whoever has it closes it when he likes.
        Assert.Equal(Errno.OK, culprit.Send(m => m.To(culprit.Id).Fds(file)));
        Assert.NotEqual(-1, Assert.Single(culprit.ReceiveWithDescriptors().Fds));
        others.GoesOn($"{kind} one file");
        int taken = 0;
        Errno result;
        while ((result = culprit.Send(m => m.To(culprit.Id).Fds([.. Enumerable.Repeat(file, 8)]))) == Errno.OK && taken < 100)
        {
            taken++;
            Assert.Equal(Errno.OK, culprit.Recv(RecvFlags.Drop).Result);
        }
        Assert.Equal(Errno.EUSERS, result);
        Assert.InRange(taken, 7, 20);
        others.GoesOn($"{kind} {taken} messages");
        Assert.Equal(Errno.EMEDIUMTYPE, other.Send(m => m.To(other.Id).Memfd(also, 0, 8)));
        Assert.Equal(Errno.OK, other.Send(m => m.To(other.Id).Fds(also)));
        other.Close();
        int plain = culprit.Process.EventFd();
        Assert.Equal(Errno.OK, culprit.Send(m => m.To(culprit.Id).Fds(plain)));
        Assert.Equal(Errno.OK, culprit.Recv(RecvFlags.Drop).Result);
        others.GoesOn($"{kind} the end of a connection");

        slow.GoOn();
        // One pool less than at the beginning.
        Moment.Await(() => DaemonUse.Of(scene).Descriptors < before.Descriptors, "the end of all that was to be closed");
        Assert.Equal(Errno.OK, culprit.Send(m => m.To(culprit.Id).Fds(file)));
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_socket_that_lingers_is_closed_where_nobody_waits_for_it(WorldKind kind)
    {
        using Scene scene = new(kind);
        using Chatter others = new(scene);
        Peer a = scene.Connect();
        DaemonUse before = DaemonUse.Of(scene);
        using (Tool linger = new("linger", scene.Bus.Endpoint))
        {
            Assert.InRange(int.Parse(linger.ReadAtTheEnd(), CultureInfo.InvariantCulture), 0, 2000);
            others.GoesOn($"{kind} sockets that linger");
        }
        // Their peers are gone with the program, which ends the waiting.
        Moment.Await(() => DaemonUse.Of(scene).Descriptors <= before.Descriptors, "as many descriptors as before");
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_number_that_is_closed_and_used_again_during_SEND_means_what_it_meant(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = a.Process.EventFd(5);
        Pending send = SendSlowly(a, b, slow, file);
        slow.AwaitHeld(0);
        others.GoesOn($"{kind} SEND under way");
        Assert.Equal(0, a.Process.Close(file));
        Assert.Equal(file, a.Process.EventFd(7));
        slow.Answer(0);
        Assert.Equal(Errno.OK, Handle.Outcome(send.Result()));
        byte[] value = new byte[8];
        Assert.Equal(8, b.Process.Read(Assert.Single(b.ReceiveWithDescriptors().Fds), value));
        Assert.Equal(5UL, BitConverter.ToUInt64(value));
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void The_files_of_a_sender_killed_during_SEND_are_closed(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        Peer keeper = scene.Connect();
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Pipe(out int reader, out int writer));
        Assert.Equal(Errno.OK, a.Send(m => m.To(keeper.Id).Fds(reader)));
        int end = keeper.ReceiveWithDescriptors().Fds[0];
        _ = SendSlowly(a, b, slow, writer);
        slow.AwaitHeld(0);
        Death.Of(a.Process);
        slow.Answer(0);
        Assert.Equal(PollEvents.Hup, keeper.Process.Poll(end, PollEvents.In, 20_000) & PollEvents.Hup);
        b.HasNothing();
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Files_in_messages_are_gone_with_a_daemon_that_is_killed(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Pipe(out int reader, out int writer));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(writer)));
        Assert.Equal(0, a.Process.Close(writer));
        Assert.Equal(0, a.Process.Poll(reader, PollEvents.In, 0));
        ((MountWorld)scene.World).Kill();
        Assert.Equal(PollEvents.Hup, a.Process.Poll(reader, PollEvents.In, 20_000) & PollEvents.Hup);
        Assert.NotEqual(Errno.OK, b.Recv().Result);
    }

    /// <summary>A SEND by a thread of its own, whose payload is not there before the test says so.</summary>
    private static Pending SendSlowly(Peer sender, Peer receiver, SlowMount slow, int file)
    {
        ulong payload = slow.MapHeld(sender.Process, 0, new byte[Large]);
        ulong message = new OutgoingMessage(sender.Process.Scratch).To(receiver.Id).Fds(file).Vec(payload, Large).Place();
        ulong command = sender.Process.Scratch.Place(WireStruct.Of(new KdbusCmdSend { MsgAddress = message }).ToArray());
        return sender.Process.IoctlInThread(sender.Handle.Descriptor, (uint)Command.Send, command);
    }
}
