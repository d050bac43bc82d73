using System.Globalization;
using System.Text;

namespace Kdbus.Linux.Tests;

public sealed class ProcFileTests
{
    [Fact]
    public void A_directory_that_is_held_open_is_of_one_process_for_ever()
    {
        var other = OtherProcess.Start();
        Assert.Equal(0, ProcDirectory.Open(other.Pid, out ProcDirectory directory));
        using (directory)
        {
            byte[] text = [];
            var status = new TaskStatus();
            Assert.Equal(4, directory.Read("comm\0"u8, ref text));
            Assert.Equal(0, status.Read(directory));
            Assert.Equal(other.Pid, status.Pid);
            Assert.Equal(-SystemError.EINVAL, directory.Read("comm"u8, ref text));
            Assert.Equal(-SystemError.ENOENT, directory.OpenFile("no such file\0"u8, OpenFlags.ReadOnly));
            other.End();
            Assert.Equal(-SystemError.ESRCH, status.Read(directory));
            Assert.Contains(directory.OpenFile("ns/pid\0"u8, OpenFlags.ReadOnly), (int[])[-SystemError.ESRCH, -SystemError.ENOENT]);
        }
        Assert.Equal(-SystemError.ENOENT, ProcDirectory.Open(int.MaxValue, out _));
    }

    [Fact]
    public void The_own_directory_is_that_of_this_process()
    {
        Assert.Equal(0, ProcDirectory.OpenSelf(out ProcDirectory self));
        using (self)
        {
            var status = new TaskStatus();
            Assert.Equal(0, status.Read(self));
            Assert.Equal(Environment.ProcessId, status.Pid);
        }
    }

    [Fact]
    public void The_root_directory_is_found_as_the_path_leads_there()
    {
        Assert.SkipUnless(Credentials.IsRoot, "needs root");
        using var here = OtherProcess.Start();
        using var jailed = OtherProcess.Start("env", "chroot", "/usr", "/bin/cat");
        byte[] root = new byte[16];
        Assert.True(SpinWait.SpinUntil(() => ProcFile.ReadLink(jailed.Pid, "root"u8, root) == 4, TimeSpan.FromMinutes(1)));
        Assert.Equal(0, ProcFile.Root(Environment.ProcessId, out FileStatus own));
        Assert.Equal(0, ProcFile.Root(here.Pid, out FileStatus same));
        Assert.Equal(0, ProcFile.Root(jailed.Pid, out FileStatus other));
        Assert.True(own.Mount > 0);
        Assert.Equal((own.Mount, own.DeviceMajor, own.DeviceMinor, own.Inode), (same.Mount, same.DeviceMajor, same.DeviceMinor, same.Inode));
        Assert.Equal(0, FileStatus.Of("/", out FileStatus slash));
        Assert.Equal(0, FileStatus.Of("/usr", out FileStatus usr));
        Assert.Equal((slash.DeviceMajor, slash.DeviceMinor, slash.Inode), (own.DeviceMajor, own.DeviceMinor, own.Inode));
        Assert.Equal((usr.DeviceMajor, usr.DeviceMinor, usr.Inode), (other.DeviceMajor, other.DeviceMinor, other.Inode));
        Assert.Equal(-SystemError.ENOENT, ProcFile.Root(int.MaxValue, out _));
        Assert.Equal(-SystemError.EINVAL, ProcFile.Root(0, out _));
    }

    [Fact]
    public void The_start_time_is_that_of_the_process()
    {
        using var other = OtherProcess.Start();
        long ticks = long.Parse(
            File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{other.Pid}/stat")).Split(' ')[21], CultureInfo.InvariantCulture);
        Assert.Equal(ticks * 10_000_000, TaskStat.StartTime(other.Pid));
        Assert.True(TaskStat.StartTime(Environment.ProcessId) <= TaskStat.StartTime(other.Pid));
        Assert.Equal(-SystemError.ENOENT, TaskStat.StartTime(int.MaxValue));
    }

    [Theory]
    [InlineData("7 (a) b) (c) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n", 4711)]
    [InlineData("7 (x) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 17 18 0 20", 0)]
    [InlineData("7 (x) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 17 18", -1)]
    [InlineData("7 (x) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 17 18 -5 20", -1)]
    [InlineData("7 (x) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 17 18 x", -1)]
    [InlineData("", -1)]
    public void The_start_time_is_the_22nd_field_whatever_the_name(string text, long expected)
        => Assert.Equal(expected, TaskStat.TryParseStart(Encoding.UTF8.GetBytes(text), out long ticks) ? ticks : -1);

    [Theory]
    [InlineData("12:memory:/m\n3:cpu,cpuacct:/c\n10:name=systemd:/s:x\n0::/u\n", "/c")]
    [InlineData("0::/u\n1:name=systemd:/s:x\n2:cpu:/c\n", "/s:x")]
    [InlineData("0::/u (deleted)\n", "/u (deleted)")]
    [InlineData("0::/u", "/u")]
    [InlineData("nonsense\n4:\n:cpu:/c\n7:cpu:/d\n", "/d")]
    [InlineData("", "/")]
    public void The_control_group_is_that_of_the_legacy_hierarchy_with_the_lowest_number(string text, string expected)
        => Assert.Equal(expected, Encoding.UTF8.GetString(ControlGroup.Path(Encoding.UTF8.GetBytes(text))));

    [Fact]
    public void The_last_capability_is_the_highest_bit_of_a_full_set()
    {
        int last = Credentials.LastCapability();
        Assert.InRange(last, Credentials.CapSysAdmin, 63);
        Assert.Equal(last.ToString(CultureInfo.InvariantCulture) + "\n", File.ReadAllText("/proc/sys/kernel/cap_last_cap"));
    }
}
