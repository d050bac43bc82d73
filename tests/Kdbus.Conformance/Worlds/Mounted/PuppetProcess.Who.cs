using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Engine.Processes;
using TaskStatus = Kdbus.Linux.TaskStatus;

namespace Kdbus.Conformance.Worlds.Mounted;

internal sealed partial class PuppetProcess
{
    private const ulong Unchanged = uint.MaxValue;
    private const ulong KeepGroups = 1;
    private const ulong CapIpcOwner = 15;
    private const ulong SetDumpableOption = 4; // PR_SET_DUMPABLE
    private const ulong DropBoundingOption = 24; // PR_CAPBSET_DROP
    private const ulong NewMounts = 0x20000; // CLONE_NEWNS
    private const ulong NewUsers = 0x10000000; // CLONE_NEWUSER
    private const ulong NewPids = 0x20000000; // CLONE_NEWPID
    private const int CredsAndNumbers = 11;

    public Self Self()
    {
        PuppetLink.Reply reply = _link.Request(PuppetOperation.Who, []);
        ReadOnlySpan<uint> w = MemoryMarshal.Cast<byte, uint>(reply.Data);
        return new Self(
            new TaskCreds(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]), new TaskNumbers(w[8], w[9], w[10]), w[CredsAndNumbers..].ToArray())
        {
            ThreadName = Shown("comm")!,
            Name = Shown("comm")!,
            Exe = File.ResolveLinkTarget($"/proc/{Id}/exe", returnFinalTarget: false)!.FullName,
            FirstArgument = Shown("cmdline")!.Split('\0')[0],
            Caps = Capabilities(),
            Cgroup = Shown("cgroup") is { } groups ? ControlGroup.PathIn(groups) : null,
            Seclabel = Shown("attr/current"),
            Audit = Shown("loginuid") is { } user ? new AuditIds(Number(Shown("sessionid")!), Number(user)) : null,
        };
    }

    public int Become(uint uid, uint gid, params ReadOnlySpan<uint> groups) =>
        Call(PuppetOperation.SetIds, [uid, uid, uid, gid, gid, gid], MemoryMarshal.AsBytes(groups));

    public int BecomeEffectively(uint uid, uint gid) =>
        Call(PuppetOperation.SetIds, [Unchanged, uid, Unchanged, Unchanged, gid, Unchanged]);

    public int SetUsers(uint real, uint effective, uint saved) =>
        Call(PuppetOperation.SetIds, [real, effective, saved, Unchanged, Unchanged, Unchanged, KeepGroups]);

    public int BecomeIpcOwner(uint uid, uint gid) => Call(PuppetOperation.KeepCapability, [uid, gid, CapIpcOwner]);

    public int ChangeThread(ThreadChange change) => Call(PuppetOperation.Change, [ulong.MaxValue], Bytes(change));

    public Pending IoctlInThread(int descriptor, uint command, ulong address, ThreadChange change) =>
        _link.RequestInThread(PuppetOperation.Change, static reply => reply.Result, [(ulong)descriptor, command, address], Bytes(change));

    public int SetDumpable(bool dumpable) => Call(PuppetOperation.ProcessControl, [SetDumpableOption, dumpable ? 1UL : 0]);

    public int SetCapabilities(ulong inheritable, ulong permitted, ulong effective) =>
        Call(PuppetOperation.SetCapabilities, [inheritable, permitted, effective]);

    public int DropFromBoundingSet(int capability) => Call(PuppetOperation.ProcessControl, [DropBoundingOption, (ulong)capability]);

    public int Execute(string fileName, string firstArgument, out IProcess? process)
    {
        ulong ticket = _family.NewTicket();
        PuppetLink.Reply reply = _link.Request(PuppetOperation.Execute, [ticket], Text(_family.CopyOfBinary(fileName), firstArgument));
        process = null;
        // The puppet that was asked is no more: a reply means that it still is.
        if (reply != PuppetLink.Ended)
            return (int)reply.Result;
        process = _family.Adopt(ticket, _reap);
        return 0;
    }

    public int ChangeRoot(string path) => Call(PuppetOperation.ChangeRoot, [], Text(path));

    public int UnshareMounts() => Call(PuppetOperation.Unshare, [NewMounts]);

    public int UnshareUserNamespace(uint inside, uint outside, uint count)
    {
        int result = Call(PuppetOperation.Unshare, [NewUsers]);
        if (result < 0)
            return result;
        string map = string.Create(CultureInfo.InvariantCulture, $"{inside} {outside} {count}");
        File.WriteAllText($"/proc/{Id}/gid_map", map);
        File.WriteAllText($"/proc/{Id}/uid_map", map);
        return result;
    }

    public int Fork(out IProcess? child) => Fork([0, 0, 0, 0], out child);

    public int ForkIntoUserNamespace(uint inside, uint outside, uint count, out IProcess? child) =>
        Fork([NewUsers, inside, outside, count], out child);

    public int ForkIntoPidNamespace(out IProcess? child) => Fork([NewPids, 0, 0, 0], out child);

    public int ForkIntoUserAndPidNamespace(uint inside, uint outside, uint count, out IProcess? child) =>
        Fork([NewUsers | NewPids, inside, outside, count], out child);

    private int Fork(ReadOnlySpan<ulong> how, out IProcess? child)
    {
        ulong ticket = _family.NewTicket();
        int pid = Call(PuppetOperation.Fork, [.. how, ticket]);
        child = pid < 0 ? null : _family.Adopt(ticket, () => Call(PuppetOperation.WaitPid, [(ulong)pid]));
        return pid;
    }

    private CapabilitySets Capabilities()
    {
        TaskStatus status = new();
        Assert.Equal(0, status.Read(Id));
        uint last = Number(File.ReadAllText("/proc/sys/kernel/cap_last_cap"));
        return new CapabilitySets(last, status.CapInheritable, status.CapPermitted, status.CapEffective, status.CapBounding);
    }

    /// <summary>A text of /proc/PID without the line break at its end; null if there is none.</summary>
    private string? Shown(string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{Id}/{file}").TrimEnd('\n');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);

    private static byte[] Bytes(ThreadChange change)
    {
        TaskCreds c = change.Creds;
        ReadOnlySpan<uint> ids = [c.Uid, c.Euid, c.Suid, c.Fsuid, c.Gid, c.Egid, c.Sgid, c.Fsgid];
        return [.. MemoryMarshal.AsBytes(ids), .. Encoding.ASCII.GetBytes(change.Name), 0];
    }
}
