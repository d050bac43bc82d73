using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Fuse.Tests.Infrastructure;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Fuse.Tests;

/// <summary>Messages nobody asked for: as bytes, and what a real kernel makes of them.</summary>
public sealed class NotifierTests
{
    private readonly FakeKernel _kernel = new();

    private static T As<T>(Notification notification)
        where T : unmanaged => MemoryMarshal.Read<T>(notification.Body);

    [Fact]
    public void Each_notification_has_its_code_and_structure()
    {
        var notify = new FuseNotifier(_kernel);
        Assert.Equal(0, notify.Poll(77));
        Assert.Equal(0, notify.InvalInode(5, 4096, 100));
        Assert.Equal(0, notify.InvalEntry(6, "name"u8, FuseInvalEntryFlags.ExpireOnly));
        Assert.Equal(0, notify.Delete(7, 8, "gone"u8));
        Assert.Equal(0, notify.Store(9, 10, "data"u8));
        Assert.Equal(0, notify.Resend());
        Notification[] sent = [.. _kernel.Notifications];
        Assert.Equal(
            [FuseNotifyCode.Poll, FuseNotifyCode.InvalInode, FuseNotifyCode.InvalEntry, FuseNotifyCode.Delete, FuseNotifyCode.Store, FuseNotifyCode.Resend],
            sent.Select(n => n.Code));
        Assert.Equal(77UL, As<FuseNotifyPollOut>(sent[0]).Kh);
        FuseNotifyInvalInodeOut inode = As<FuseNotifyInvalInodeOut>(sent[1]);
        Assert.Equal((5UL, 4096L, 100L), (inode.NodeId, inode.Offset, inode.Length));
        FuseNotifyInvalEntryOut entry = As<FuseNotifyInvalEntryOut>(sent[2]);
        Assert.Equal((6UL, 4u, FuseInvalEntryFlags.ExpireOnly), (entry.Parent, entry.NameLen, entry.Flags));
        Assert.Equal("name\0", Encoding.UTF8.GetString(sent[2].Body[16..]));
        FuseNotifyDeleteOut delete = As<FuseNotifyDeleteOut>(sent[3]);
        Assert.Equal((7UL, 8UL, 4u), (delete.Parent, delete.Child, delete.NameLen));
        Assert.Equal("gone\0", Encoding.UTF8.GetString(sent[3].Body[24..]));
        FuseNotifyStoreOut store = As<FuseNotifyStoreOut>(sent[4]);
        Assert.Equal((9UL, 10UL, 4u), (store.NodeId, store.Offset, store.Size));
        Assert.Equal("data", Encoding.UTF8.GetString(sent[4].Body[24..]));
        Assert.Empty(sent[5].Body);
    }

    [Fact]
    public void A_name_that_cannot_be_one_is_not_sent()
    {
        var notify = new FuseNotifier(_kernel);
        Assert.Equal(-22, notify.InvalEntry(1, []));
        Assert.Equal(-22, notify.Delete(1, 2, new byte[4096]));
        Assert.Empty(_kernel.Notifications);
    }

    [Fact]
    public void The_kernel_takes_them_all_and_says_what_it_does_not_know()
    {
        using var mount = new RealMount();
        Assert.Equal("hello\n", File.ReadAllText(mount.FilePath));
        FuseNotifier notify = mount.Session.Notify;
        Assert.Equal(0, notify.Poll(123456));
        Assert.Equal(0, notify.InvalInode(2));
        Assert.Equal(-SystemError.ENOENT, notify.InvalInode(99));
        Assert.Equal(0, notify.InvalEntry(1, "file"u8));
        Assert.Equal(-SystemError.ENOENT, notify.InvalEntry(99, "file"u8));
        Assert.Equal("hello\n", File.ReadAllText(mount.FilePath));
        Assert.Equal(0, notify.Delete(1, 2, "file"u8));
        if (mount.Session.Capabilities!.Resend)
            Assert.Equal(0, notify.Resend());
        Assert.Equal("hello\n", File.ReadAllText(mount.FilePath));
    }

    [Fact]
    public void A_dropped_name_is_looked_up_again()
    {
        using var mount = new RealMount();
        mount.Files.EntrySeconds = 3600;
        Assert.Equal("hello\n", File.ReadAllText(mount.FilePath));
        int before = Lookups(mount);
        Assert.Equal("hello\n", File.ReadAllText(mount.FilePath));
        Assert.Equal(before, Lookups(mount));
        Assert.Equal(0, mount.Session.Notify.InvalEntry(1, "file"u8, FuseInvalEntryFlags.ExpireOnly));
        Assert.Equal("hello\n", File.ReadAllText(mount.FilePath));
        Assert.Equal(before + 1, Lookups(mount));

        static int Lookups(RealMount mount) => mount.Files.Calls.Split(' ').Count(call => call == "lookup");
    }

    [Fact]
    public void Stored_bytes_are_read_from_the_page_cache()
    {
        using var mount = new RealMount();
        mount.Files.OpenFlags = FuseOpenFlags.KeepCache;
        mount.Files.EntrySeconds = 3600;
        Assert.Equal("hello\n", File.ReadAllText(mount.FilePath));
        Assert.Equal(0, mount.Session.Notify.Store(2, 0, "HELLO"u8));
        Assert.Equal("HELLO\n", File.ReadAllText(mount.FilePath));
    }

    [Fact]
    public void A_passthrough_file_shows_its_backing_file()
    {
        using var mount = new RealMount();
        Assert.SkipUnless(mount.Session.Capabilities!.Passthrough, "the kernel has no passthrough");
        int memory = MemFd.Create("pool");
        try
        {
            Assert.Equal(7, FileDescriptor.Pwrite(memory, "backing"u8, 0));
            int id = mount.Device.BackingOpen(memory);
            Assert.True(id > 0, $"errno {-id}");
            mount.Files.OpenFlags = FuseOpenFlags.Passthrough;
            mount.Files.BackingId = id;
            Assert.Equal("backing", RealMount.Output("cat", mount.FilePath));
            Assert.Equal(0, mount.Device.BackingClose(id));
            Assert.Equal(-SystemError.ENOENT, mount.Device.BackingClose(id));
            Assert.Equal(-SystemError.EBADF, mount.Device.BackingOpen(-1));
        }
        finally
        {
            _ = FileDescriptor.Close(memory);
        }
    }
}
