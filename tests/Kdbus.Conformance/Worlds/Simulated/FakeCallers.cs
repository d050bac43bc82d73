using System.Collections.Concurrent;
using Kdbus.Daemon.Serving;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Daemon.Serving.Processes;
using Kdbus.Engine;
using Kdbus.Engine.Files;
using Kdbus.Engine.Processes;
using Kdbus.Linux;
using AttachFlags = Kdbus.Abi.AttachFlags;
using Errno = Kdbus.Abi.Errno;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>The daemon's view of fake processes: what /proc, pidfds and process_vm_readv(2) would show it.</summary>
internal sealed unsafe class FakeCallers(ConcurrentDictionary<int, FakeTask> tasks) : ICallers
{
    /// <summary>UIO_MAXIOV: the kernel refuses a copy of more pieces.</summary>
    private const int MostPieces = 1024;

    public nint Read(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote) =>
        Transfer(thread, local, remote, static (memory, address, piece) => memory.Read(address, new Span<byte>(piece.Base, (int)piece.Length)));

    public nint Write(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote) =>
        Transfer(thread, local, remote, static (memory, address, piece) => memory.Write(address, new ReadOnlySpan<byte>(piece.Base, (int)piece.Length)));

    public Errno Identify(int thread, CallerFacts facts, bool capabilities, out Caller caller)
    {
        caller = default;
        if (!tasks.TryGetValue(thread, out FakeTask? task))
            return Errno.ESRCH;
        FakeCredentials c = task.Credentials;
        caller = new Caller(c.Ids.Uid, c.Ids.Euid, c.Ids.Gid, c.Ids.Egid, capabilities && c.IsIpcOwner, task.Process.Id)
        {
            Groups = facts.HasFlag(CallerFacts.Groups) ? c.Groups.ToArray() : default,
            Maps = facts.HasFlag(CallerFacts.Maps) ? c.Namespace.Maps : null,
        };
        return Errno.OK;
    }

    public ProcessRecord? Describe(int thread, AttachFlags kinds) =>
        tasks.TryGetValue(thread, out FakeTask? task) ? task.Process.Describe(task, kinds) : null;

    public ReaderView ViewOf(int thread, CallerFacts facts) =>
        tasks.TryGetValue(thread, out FakeTask? task) ? task.Process.ViewOf(task, facts) : default;

    public NamedProcesses Name(int thread, in KdbusPids pids)
    {
        if (!tasks.TryGetValue(thread, out FakeTask? task))
            return default;
        ulong space = task.Process.PidNamespace;
        bool found = Find(space, pids.Pid, out PidNumbers? process);
        found &= Find(space, pids.Tid, out PidNumbers? named);
        found &= Find(space, pids.Ppid, out PidNumbers? parent);
        return new NamedProcesses(found, process, named, parent);
    }

    public Errno CopyDescriptor(int thread, int number, out int copy)
    {
        copy = -1;
        return tasks.TryGetValue(thread, out FakeTask? task) ? task.Process.CopyDescriptor(number, out copy) : Errno.EBADF;
    }

    public Errno CopyFile(int thread, int number, bool isMemfd, out CopiedFile copy)
    {
        copy = default;
        if (!tasks.TryGetValue(thread, out FakeTask? task))
            return Errno.EBADF;
        if (task.Process.IsOfDomain(number))
        {
            int standIn = FileDescriptor.Open("/dev/null", Linux.OpenFlags.ReadOnly | Linux.OpenFlags.CloseOnExec);
            copy = new CopiedFile(standIn, SentFileKind.Bus, IsServedByOthers: false);
            return Errno.OK;
        }
        Errno result = task.Process.CopyDescriptor(number, out int descriptor);
        if (result == Errno.OK)
            copy = FileFacts.Of(descriptor, isMemfd, uint.MaxValue, static _ => false);
        return result;
    }

    /// <summary>A pidfd of this process, which stands for all of them.</summary>
    public int OpenProcess(int thread) => tasks.ContainsKey(thread) ? PidFd.Open(Environment.ProcessId) : -SystemError.ESRCH;

    public Represented? FindRepresented(int thread, int number) => null;

    /// <summary>Who has a number in a pid namespace and has not ended; 0 stands for nobody.</summary>
    private bool Find(ulong space, ulong number, out PidNumbers? numbers)
    {
        numbers = number == 0 ? null : tasks.Values.FirstOrDefault(t => !t.Process.HasEnded && t.Numbers.In(space) == number)?.Numbers;
        return number == 0 || numbers is not null;
    }

    private delegate int Copy(FakeMemory memory, ulong address, IoVec piece);

    private nint Transfer(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote, Copy copy)
    {
        if (!tasks.TryGetValue(thread, out FakeTask? task))
            return -(int)Errno.ESRCH;
        if (local.Length > MostPieces || remote.Length > MostPieces)
            return -(int)Errno.EINVAL;
        nint total = 0;
        int i = 0, j = 0;
        nuint usedHere = 0;
        ulong usedThere = 0;
        while (i < local.Length && j < remote.Length)
        {
            ulong count = Math.Min(local[i].Length - usedHere, remote[j].Length - usedThere);
            int copied = copy(task.Process.Memory, remote[j].Address + usedThere, new IoVec((byte*)local[i].Base + usedHere, (nuint)count));
            total += copied;
            if ((ulong)copied < count)
                return total > 0 ? total : -(int)Errno.EFAULT;
            usedHere += (nuint)count;
            usedThere += count;
            if (usedHere == local[i].Length)
                (i, usedHere) = (i + 1, 0);
            if (usedThere == remote[j].Length)
                (j, usedThere) = (j + 1, 0);
        }
        return total;
    }
}
