using System.Text;

namespace Kdbus.Linux.Tests;

public sealed class TaskStatusTests
{
    private const string Sample =
        "Name:\ta:b\\nc\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t70\nNgid:\t0\nPid:\t71\nPPid:\t1\nTracerPid:\t0\n"
        + "Uid:\t1\t2\t3\t4294967295\nGid:\t5\t6\t7\t8\n"
        + "FDSize:\t64\nGroups:\t10 20 4000000000 \nNStgid:\t70\t2\nNSpid:\t71\t3\nCapInh:\t0000000000000001\nCapPrm:\t000001ffffffffff\n"
        + "CapEff:\t0000000000200000\n"
        + "CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\n";

    [Fact]
    public void Every_field_of_a_status_is_found()
    {
        var status = new TaskStatus();
        Assert.True(status.Parse(Encoding.UTF8.GetBytes(Sample)));
        Assert.Equal((70, 71, 1), (status.Tgid, status.Pid, status.PPid));
        Assert.Equal(new TaskIds(1, 2, 3, uint.MaxValue), status.Uid);
        Assert.Equal(new TaskIds(5, 6, 7, 8), status.Gid);
        Assert.Equal<uint>([10, 20, 4000000000], status.Groups.ToArray());
        Assert.Equal([71, 3], status.NamespacePids.ToArray());
        Assert.Equal([70, 2], status.NamespaceTgids.ToArray());
        Assert.Equal((1UL, 0x1ffffffffffUL, 1UL << Credentials.CapSysAdmin, 0x1ffffffffffUL),
            (status.CapInheritable, status.CapPermitted, status.CapEffective, status.CapBounding));
    }

    [Fact]
    public void A_reused_status_forgets_the_groups_of_the_task_before()
    {
        var status = new TaskStatus();
        Assert.True(status.Parse(Encoding.UTF8.GetBytes(Sample)));
        Assert.True(status.Parse(Encoding.UTF8.GetBytes(Sample.Replace("10 20 4000000000 ", "", StringComparison.Ordinal))));
        Assert.True(status.Groups.IsEmpty);
        Assert.Equal(2, status.NamespacePids.Length);
        Assert.Equal(2, status.NamespaceTgids.Length);
    }

    [Theory]
    [InlineData("Tgid:\t70", "Tgid:\tx")]
    [InlineData("Tgid:\t70\n", "")]
    [InlineData("Uid:\t1\t2\t3\t4294967295", "Uid:\t1\t2\t3")]
    [InlineData("Uid:\t1\t2\t3\t4294967295", "Uid:\t1\t2\t3\t4\t5")]
    [InlineData("Uid:\t1\t2\t3\t4294967295", "Uid:\t1\t2\t3\t4294967296")]
    [InlineData("CapEff:\t0000000000200000", "CapEff:\tno")]
    [InlineData("Groups:\t10 20", "Groups:\t10 -20")]
    [InlineData("Ngid:\t0", "Ngid")]
    public void A_malformed_status_is_refused(string good, string bad)
        => Assert.False(new TaskStatus().Parse(Encoding.UTF8.GetBytes(Sample.Replace(good, bad, StringComparison.Ordinal))));

    [Fact]
    public void The_status_of_this_process_is_read()
    {
        var status = new TaskStatus();
        Assert.Equal(0, status.Read(Environment.ProcessId));
        Assert.Equal(Environment.ProcessId, status.Tgid);
        Assert.Equal(CurrentProcess.ParentId, status.PPid);
        Assert.Equal((Credentials.Uid, Credentials.EffectiveUid), (status.Uid.Real, status.Uid.Effective));
        Assert.Equal((Credentials.Gid, Credentials.EffectiveGid), (status.Gid.Real, status.Gid.Effective));
        Assert.Equal(Environment.ProcessId, status.NamespacePids[^1]);
    }

    [Fact]
    public void Reading_again_allocates_nothing()
    {
        var status = new TaskStatus();
        Assert.Equal(0, status.Read(Environment.ProcessId));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
            _ = status.Read(Environment.ProcessId);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void More_groups_than_expected_are_all_there()
    {
        string groups = string.Join(' ', Enumerable.Range(0, 5000));
        var status = new TaskStatus();
        Assert.True(status.Parse(Encoding.UTF8.GetBytes(Sample.Replace("10 20 4000000000", groups, StringComparison.Ordinal))));
        Assert.Equal(5000, status.Groups.Length);
        Assert.Equal(4999u, status.Groups[^1]);
    }

    [Fact]
    public void No_such_task_is_ENOENT() => Assert.Equal(-SystemError.ENOENT, new TaskStatus().Read(int.MaxValue));
}
