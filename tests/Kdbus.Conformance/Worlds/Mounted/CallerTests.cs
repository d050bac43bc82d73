using Kdbus.Daemon.Serving;
using Kdbus.Engine;
using Kdbus.Engine.Processes;
using Kdbus.Linux;
using Errno = Kdbus.Abi.Errno;

namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>What the daemon finds out about a process that is stopped in a call, from the real kernel.</summary>
public sealed class CallerTests : IDisposable
{
    private readonly PuppetFamily _family = new();
    private readonly ProcessCallers _callers = new(ownDevice: 0, openFiles: 1024);

    public void Dispose()
    {
        _family.Dispose();
        _callers.Dispose();
    }

    [Fact]
    public void Ids_are_told_each_as_what_it_is()
    {
        IProcess puppet = _family.Start();
        Assert.Equal(0, puppet.Become(40001, 40002, 40003));
        Caller caller = Of(puppet, CallerFacts.Ids);
        Assert.Equal((40001U, 40001U, 40002U, 40002U, puppet.Id), (caller.Uid, caller.Euid, caller.Gid, caller.Egid, caller.Pid));
        IProcess mixed = _family.Start();
        Assert.Equal(0, mixed.SetUsers(40001, 40002, 40003));
        caller = Of(mixed, CallerFacts.Groups);
        Assert.Equal((40001U, 40002U), (caller.Uid, caller.Euid));
    }

    [Fact]
    public void Groups_are_told_when_they_are_asked_for()
    {
        IProcess puppet = _family.Start();
        Assert.Equal(0, puppet.Become(40001, 40002, 50000, 40003));
        Assert.True(Of(puppet, CallerFacts.Ids).Groups.IsEmpty);
        Assert.Equal([40003, 50000], Of(puppet, CallerFacts.Groups).Groups.ToArray());
        IProcess none = _family.Start();
        Assert.Equal(0, none.Become(40001, 40002));
        Assert.True(Of(none, CallerFacts.Groups).Groups.IsEmpty);
    }

    [Fact]
    public void Maps_are_told_of_who_is_in_another_user_namespace()
    {
        IProcess puppet = _family.Start();
        Assert.Null(Of(puppet, CallerFacts.Groups | CallerFacts.Maps).Maps);
        Assert.True(puppet.ForkIntoUserNamespace(7, 40001, 2, out IProcess? child) > 0);
        Assert.Null(Of(child!, CallerFacts.Ids).Maps);
        Caller caller = Of(child!, CallerFacts.Maps);
        Assert.Equal(40001U, caller.Euid);
        Assert.Equal([new IdRange(7, 40001, 2)], caller.Maps!.Users.ToArray());
        Assert.Equal([new IdRange(7, 40001, 2)], caller.Maps.Groups.ToArray());
    }

    [Fact]
    public void A_capability_counts_in_the_domains_user_namespace()
    {
        IProcess root = _family.Start();
        Assert.True(Of(root, CallerFacts.Ids, capabilities: true).CapIpcOwner);
        Assert.True(root.ForkIntoUserNamespace(0, 40001, 1, out IProcess? child) > 0);
        Assert.False(Of(child!, CallerFacts.Ids, capabilities: true).CapIpcOwner);
        IProcess owner = _family.Start();
        Assert.Equal(0, owner.BecomeIpcOwner(40001, 40001));
        Assert.True(Of(owner, CallerFacts.Ids, capabilities: true).CapIpcOwner);
        Assert.Equal(0, root.Become(40001, 40001));
        Assert.False(Of(root, CallerFacts.Ids, capabilities: true).CapIpcOwner);
    }

    [Fact]
    public void Of_who_cannot_be_seen_nothing_is_told()
    {
        Assert.Equal(Errno.ESRCH, _callers.Identify(0, CallerFacts.Groups | CallerFacts.Maps, capabilities: true, out _));
        IProcess gone = _family.Start();
        int id = gone.Id;
        gone.Exit();
        Assert.Equal(Errno.ESRCH, _callers.Identify(id, CallerFacts.Groups | CallerFacts.Maps, capabilities: true, out _));
        Assert.Equal(Errno.EBADF, _callers.CopyDescriptor(id, 1, out _));
    }

    [Fact]
    public void A_descriptor_is_copied_if_there_is_one()
    {
        IProcess puppet = _family.Start();
        int event1 = puppet.EventFd(3);
        Assert.Equal(Errno.OK, _callers.CopyDescriptor(puppet.Id, event1, out int copy));
        Assert.Equal(3, EventFd.Drain(copy));
        Assert.Equal(0, FileDescriptor.Close(copy));
        foreach (int number in (int[])[-1, int.MinValue, event1 + 1, int.MaxValue])
        {
            Assert.Equal(Errno.EBADF, _callers.CopyDescriptor(puppet.Id, number, out copy));
            Assert.Equal(-1, copy);
        }
    }

    /// <summary>A namespace that has not all ids: its own numbers are good as far as it has them, those of others as far as both go.</summary>
    [Fact]
    public void Ids_that_the_domains_namespace_does_not_have_are_nobodys()
    {
        Assert.True(IdMap.TryParse("0 1000 1\n1 100000 65535\n"u8, out IdMap own));
        IdMaps themselves = UserNamespaces.Own(own, IdMap.Identity)!;
        Assert.Equal([new IdRange(0, 0, 1), new IdRange(1, 1, 65535)], themselves.Users.ToArray());
        Assert.Equal([new IdRange(0, 0, uint.MaxValue)], themselves.Groups.ToArray());
        Assert.Null(UserNamespaces.Own(IdMap.Identity, IdMap.Identity));

        // A child's map; one of a namespace above, of which only the first id is known to be ours; one that we know nothing of.
        Assert.True(IdMap.TryParse("0 1 10\n10 65530 100\n"u8, out IdMap child));
        Assert.Equal([new IdRange(0, 1, 10), new IdRange(10, 65530, 6)], UserNamespaces.Known(child, own));
        Assert.True(IdMap.TryParse("1000 0 4294966295\n"u8, out IdMap parent));
        Assert.Equal([new IdRange(1000, 0, 1)], UserNamespaces.Known(parent, own));
        Assert.True(IdMap.TryParse("0 4294967295 4294967295\n"u8, out IdMap stranger));
        Assert.Empty(UserNamespaces.Known(stranger, own));
        Assert.Empty(UserNamespaces.Known(child, IdMap.Empty));
        Assert.Equal([new IdRange(0, 1, 10), new IdRange(10, 65530, 100)], UserNamespaces.Known(child, IdMap.Identity));
    }

    private Caller Of(IProcess process, CallerFacts needs, bool capabilities = false)
    {
        Assert.Equal(Errno.OK, _callers.Identify(process.Id, needs, capabilities, out Caller caller));
        return caller;
    }
}
