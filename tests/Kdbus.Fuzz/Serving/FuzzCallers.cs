using System.Text;
using Kdbus.Daemon.Serving;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Daemon.Serving.Processes;
using Kdbus.Engine;
using Kdbus.Engine.Processes;
using Kdbus.Linux;

namespace Kdbus.Fuzz.Serving;

/// <summary>
/// The daemon's view of the processes. Now and then memory takes its time, so that a reader loses its turn. What is written
/// to a caller must lie in the command that it issued.
/// </summary>
internal sealed unsafe class FuzzCallers(ScriptedKernel kernel, Dice dice) : ICallers, IDisposable
{
    private const int ThreadsOfProcess = 16;
    private static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(14);

    private static long s_stalls;
    private static long s_lateStores;

    private readonly Lock _lock = new();
    private readonly FuzzFiles _files = new();

    public FuzzProcess[] Processes { get; } =
    [
        new(1, 0), new(2, 1000), new(3, 1000) { Maps = new IdMaps(new IdRange[] { new(0, 1000, 2) }, new IdRange[] { new(0, 5, 1) }) }, new(4, 1001) { Groups = new uint[] { 5, 1000 } },
    ];

    /// <summary>The id of a thread.</summary>
    public static int ThreadId(FuzzProcess process, int thread) => (process.Pid * ThreadsOfProcess) + thread;

    public nint Read(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote)
    {
        if (Find(thread) is not { } process) return -(int)Errno.ESRCH;
        bool stalls;
        lock (_lock) stalls = dice.OneIn(3000);
        if (stalls)
        {
            Interlocked.Increment(ref s_stalls);
            Thread.Sleep(Stall);
        }

        return Transfer(local, remote, process.Read);
    }

    public nint Write(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote)
    {
        if (Find(thread) is not { } process) return -(int)Errno.ESRCH;
        foreach (var piece in remote)
        {
            if (!kernel.CheckStore(thread, piece)) StoredLate(thread, piece);
        }

        return Transfer(local, remote, (address, bytes) => process.Write(address, bytes));
    }

    public Errno Identify(int thread, CallerFacts facts, bool capabilities, out Caller caller)
    {
        caller = default;
        if (Find(thread) is not { } process) return Errno.ESRCH;
        caller = new Caller(process.Uid, process.Uid, process.Uid, process.Uid, capabilities && process.Uid == 0, process.Pid)
        {
            Groups = facts.HasFlag(CallerFacts.Groups) ? process.Groups : default,
            Maps = facts.HasFlag(CallerFacts.Maps) ? process.Maps : null,
        };
        return Errno.OK;
    }

    public Errno CopyFile(int thread, int number, bool isMemfd, out CopiedFile copy)
    {
        copy = default;
        var descriptor = _files.Copy(number);
        if (descriptor < 0) return Errno.EBADF;
        copy = FileFacts.Of(descriptor, isMemfd, uint.MaxValue, static _ => false);
        return Errno.OK;
    }

    public int OpenProcess(int thread) => PidFd.Open(Environment.ProcessId);

    public Represented? FindRepresented(int thread, int number) => null;

    /// <summary>Something else each time, and now and then not all of it.</summary>
    public ProcessRecord? Describe(int thread, AttachFlags kinds)
    {
        if (Find(thread) is not { } process) return null;
        lock (_lock)
        {
            if (dice.OneIn(40)) return null;
            if (dice.OneIn(4)) kinds &= (AttachFlags)dice.Next();
            return new ProcessRecord
            {
                Kinds = kinds,
                Creds = new TaskCreds(process.Uid, process.Uid, Id(), Id(), process.Uid, Id(), Id(), Id()),
                Process = Numbers(process),
                Thread = Numbers(process),
                Parent = dice.OneIn(3) ? null : Numbers(Processes[0]),
                PidfsId = dice.Next(),
                StartTime = dice.Next(),
                Details = Details(process),
            };
        }
    }

    public ReaderView ViewOf(int thread, CallerFacts facts)
    {
        if (Find(thread) is not { } process) return default;
        lock (_lock)
        {
            if (dice.OneIn(40)) return default;
            return new ReaderView
            {
                UserNamespace = facts.HasFlag(CallerFacts.UserNamespace) ? UserNamespaceOf(process) : 0,
                Maps = facts.HasFlag(CallerFacts.UserNamespace) ? process.Maps : null,
                PidNamespace = facts.HasFlag(CallerFacts.PidNamespace) ? 1 + (ulong)dice.Below(3) : 0,
                Root = facts.HasFlag(CallerFacts.Root) ? RootOf() : default,
            };
        }
    }

    public NamedProcesses Name(int thread, in KdbusPids pids)
    {
        ulong[] numbers = [pids.Pid, pids.Tid, pids.Ppid];
        var named = numbers.Select(number => Array.Find(Processes, process => (ulong)process.Pid == number)).ToArray();
        var found = numbers.Zip(named).All(each => each.First == 0 || each.Second != null);
        return new NamedProcesses(found, Pid(named[0]), Pid(named[1]), Pid(named[2]));

        PidNumbers? Pid(FuzzProcess? process)
        {
            lock (_lock) return process == null ? null : Numbers(process);
        }
    }

    /// <summary>All processes have the same descriptors.</summary>
    public Errno CopyDescriptor(int thread, int number, out int copy)
    {
        var isForPolling = number is not (FuzzFiles.NotForPolling or FuzzFiles.Sealed or FuzzFiles.Unsealed);
        copy = isForPolling ? _files.Copy(number) : -1;
        return copy >= 0 ? Errno.OK : isForPolling ? Errno.EBADF : Errno.EINVAL;
    }

    /// <summary>Time goes by: descriptors become readable, or are not any more, and what was sent is taken.</summary>
    public void Switch()
    {
        _files.Switch();
        _files.Drain();
    }

    /// <inheritdoc/>
    public void Dispose() => _files.Dispose();

    /// <summary>
    /// Results are stored into a call that a signal has ended meanwhile. Between the daemon's look whether it has ended and
    /// its store there is always a moment, so that happens, to one stalled caller in thousands; a look that is missing shows
    /// in one of fifty.
    /// </summary>
    private void StoredLate(int thread, RemoteIoVec piece)
    {
        var late = Interlocked.Increment(ref s_lateStores);
        if (late < 3 || late * 400 < Interlocked.Read(ref s_stalls)) return;
        kernel.Fault($"{piece.Length} bytes are stored at {piece.Address:x} of thread {thread}, which is not in a call: the {late}th time in {s_stalls} stalls.");
    }

    private static ulong UserNamespaceOf(FuzzProcess process) => process.Maps == null ? 1 : (ulong)process.Pid;

    private ProcessDetails Details(FuzzProcess process) => new()
    {
        AuxGroups = new uint[dice.Below(5)],
        TidComm = Text(process),
        PidComm = Text(process),
        Exe = Text(process),
        Root = RootOf(),
        Cmdline = Text(process),
        Cgroup = Text(process),
        Caps = new CapabilitySets(40, dice.Next(), dice.Next(), dice.Next(), dice.Next()),
        UserNamespace = UserNamespaceOf(process),
        Seclabel = Text(process),
        AuditSession = (uint)dice.Next(),
        LoginUid = Id(),
    };

    private uint Id() => dice.OneIn(4) ? (uint)dice.Wild() : (uint)(1000 + dice.Below(3));

    private byte[] Text(FuzzProcess process) => Encoding.ASCII.GetBytes(process.Word + new string('x', dice.OneIn(30) ? dice.Below(4096) : dice.Below(20)));

    private RootDirectory RootOf() => new(1, 1, 1 + (ulong)dice.Below(2));

    private PidNumbers Numbers(FuzzProcess process) =>
        dice.OneIn(2) ? new PidNumbers([1], [(uint)process.Pid]) : new PidNumbers([1, 2], [(uint)process.Pid, (uint)dice.Next()]);

    private FuzzProcess? Find(int thread) => Array.Find(Processes, process => process.Pid == thread / ThreadsOfProcess);

    private delegate int Copy(ulong address, Span<byte> bytes);

    private static nint Transfer(ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote, Copy copy)
    {
        nint total = 0;
        int i = 0, j = 0;
        nuint usedHere = 0;
        var usedThere = 0UL;
        while (i < local.Length && j < remote.Length)
        {
            var count = Math.Min(local[i].Length - usedHere, remote[j].Length - usedThere);
            var copied = copy(remote[j].Address + usedThere, new Span<byte>((byte*)local[i].Base + usedHere, (int)count));
            total += copied;
            if ((ulong)copied < count) return total > 0 ? total : -(int)Errno.EFAULT;
            usedHere += (nuint)count;
            usedThere += count;
            if (usedHere == local[i].Length) (i, usedHere) = (i + 1, 0);
            if (usedThere == remote[j].Length) (j, usedThere) = (j + 1, 0);
        }

        return total;
    }
}
