namespace Kdbus.Linux.Tests;

public sealed class NamespaceTests
{
    [Fact]
    public void What_stands_for_ids_without_a_translation_is_what_the_kernel_says()
    {
        static uint Of(string name) => uint.Parse(File.ReadAllText($"/proc/sys/kernel/{name}"), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal((Of("overflowuid"), Of("overflowgid")), (IdMap.OverflowUser, IdMap.OverflowGroup));
    }

    [Fact]
    public void A_child_shares_its_parents_namespaces()
    {
        using var other = OtherProcess.Start();
        Assert.All(Enum.GetValues<NamespaceKind>(), kind =>
        {
            long own = ProcessNamespace.Inode(Environment.ProcessId, kind);
            Assert.True(own > 0, $"{kind} {own}");
            Assert.Equal(own, ProcessNamespace.Inode(other.Pid, kind));
            int file = NamespaceFile.Open(other.Pid, kind);
            Assert.Equal(0, FileStatus.Of(file, out FileStatus status));
            Assert.Equal((ulong)own, status.Inode);
            _ = FileDescriptor.Close(file);
        });
        Assert.Equal(-SystemError.ENOENT, NamespaceFile.Open(int.MaxValue, NamespaceKind.User));
        Assert.Equal(-SystemError.ENOENT, ProcessNamespace.Inode(int.MaxValue, NamespaceKind.User));
    }

    [Fact]
    public void A_process_in_a_user_namespace_of_its_own_has_another_number_and_a_map()
    {
        Assert.SkipUnless(Credentials.IsRoot, "needs root");
        using var other = OtherProcess.Start("unshare", "--user", "--map-root-user", "cat");
        // unshare becomes cat when everything is set up.
        byte[] name = new byte[16];
        Assert.True(SpinWait.SpinUntil(() => ProcFile.Read(other.Pid, "comm"u8, name) == 4, TimeSpan.FromMinutes(1)));
        int self = Environment.ProcessId;
        Assert.NotEqual(ProcessNamespace.Inode(self, NamespaceKind.User), ProcessNamespace.Inode(other.Pid, NamespaceKind.User));
        Assert.Equal(ProcessNamespace.Inode(self, NamespaceKind.Pid), ProcessNamespace.Inode(other.Pid, NamespaceKind.Pid));
        Assert.Equal(0, IdMap.ReadUsers(other.Pid, out IdMap users));
        Assert.Equal(1, users.RangeCount);
        Assert.True(users.TryToOutside(0, out uint outside));
        Assert.Equal(Credentials.Uid, outside);
        Assert.False(users.TryToOutside(1, out _));
    }

    [Theory]
    [InlineData("user:[]")]
    [InlineData("user:[0]")]
    [InlineData("user:[12")]
    [InlineData("user:[12]3")]
    [InlineData("user")]
    [InlineData("")]
    public void A_link_that_is_no_namespaces_is_refused(string target)
    {
        Assert.False(ProcessNamespace.TryParse(System.Text.Encoding.UTF8.GetBytes(target), out _));
        Assert.True(ProcessNamespace.TryParse("user:[4026531837]"u8, out long inode) && inode == 4026531837);
    }

    [Fact]
    public void A_pid_namespace_has_a_parent_and_an_id_and_translates_numbers()
    {
        Assert.SkipUnless(Credentials.IsRoot, "needs root");
        using var unshare = OtherProcess.Start("unshare", "--pid", "--fork", "cat");
        int inside = unshare.Child();
        int own = NamespaceFile.Open(Environment.ProcessId, NamespaceKind.Pid), inner = NamespaceFile.Open(inside, NamespaceKind.Pid);
        int around = NamespaceFile.OpenParent(inner);
        try
        {
            Assert.Equal(Inode(own), Inode(around));
            Assert.NotEqual(Inode(own), Inode(inner));
            Assert.Equal(-SystemError.EPERM, NamespaceFile.OpenParent(own));

            int translated = NamespaceFile.TranslatePid(inner, 1);
            Assert.SkipWhen(translated == -SystemError.ENOTTY, "this kernel has no NS_GET_PID_FROM_PIDNS");
            Assert.Equal(inside, translated);
            Assert.Equal(Environment.ProcessId, NamespaceFile.TranslatePid(own, Environment.ProcessId));
            Assert.Equal(-SystemError.ESRCH, NamespaceFile.TranslatePid(inner, 2));

            int error = NamespaceFile.UniqueId(inner, out ulong innerId);
            Assert.SkipWhen(error == -SystemError.ENOTTY, "this kernel has no NS_GET_ID");
            Assert.Equal(0, error);
            Assert.Equal(0, NamespaceFile.UniqueId(own, out ulong ownId));
            Assert.Equal(0, NamespaceFile.UniqueId(around, out ulong aroundId));
            Assert.Equal(ownId, aroundId);
            Assert.NotEqual(ownId, innerId);
        }
        finally
        {
            _ = FileDescriptor.Close(own);
            _ = FileDescriptor.Close(inner);
            _ = FileDescriptor.Close(around);
        }

        static ulong Inode(int file)
        {
            Assert.Equal(0, FileStatus.Of(file, out FileStatus status));
            return status.Inode;
        }
    }

    [Fact]
    public void The_map_of_the_own_namespace_is_readable()
    {
        Assert.Equal(0, IdMap.ReadUsers(Environment.ProcessId, out IdMap users));
        Assert.Equal(0, IdMap.ReadGroups(Environment.ProcessId, out _));
        Assert.True(users.TryToOutside(Credentials.Uid, out _));
        Assert.Equal(-SystemError.ENOENT, IdMap.ReadUsers(int.MaxValue, out _));
    }

    [Fact]
    public void Ids_are_translated_both_ways_within_their_ranges_only()
    {
        Assert.True(IdMap.TryParse("         0       1000          1\n         1     100000      65536\n"u8, out IdMap map));
        Assert.False(map.IsIdentity);
        Assert.True(map.TryToOutside(0, out uint outside) && outside == 1000);
        Assert.True(map.TryToOutside(65536, out outside) && outside == 165535);
        Assert.False(map.TryToOutside(65537, out _));
        Assert.True(map.TryToInside(1000, out uint inside) && inside == 0);
        Assert.True(map.TryToInside(100000, out inside) && inside == 1);
        Assert.False(map.TryToInside(999, out _));
        Assert.False(map.TryToInside(1001, out _));
        Assert.False(map.TryToInside(165536, out _));
    }

    [Fact]
    public void The_initial_map_is_the_identity()
    {
        Assert.True(IdMap.TryParse("         0          0 4294967295\n"u8, out IdMap map));
        Assert.True(map.IsIdentity);
        Assert.True(map.TryToInside(4294967294, out uint id) && id == 4294967294);
        Assert.False(map.TryToInside(4294967295, out _));
    }

    [Fact]
    public void An_empty_map_translates_nothing()
    {
        Assert.True(IdMap.TryParse([], out IdMap map));
        Assert.False(map.TryToOutside(0, out _));
    }

    [Theory]
    [InlineData("0 0\n")]
    [InlineData("0 0 0\n")]
    [InlineData("0 0 1 1\n")]
    [InlineData("a 0 1\n")]
    [InlineData("\n")]
    public void A_malformed_map_is_refused(string text) => Assert.False(IdMap.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out _));
}
