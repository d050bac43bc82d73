using System.Collections.Concurrent;
using System.Diagnostics;
using Kdbus.Fuse;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;
using Errno = Kdbus.Abi.Errno;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>
/// A process without a machine: descriptors, memory, ids and threads, and the system calls on them as the kernel would turn them into FUSE
/// requests. Its ids lie above those of any real process, so nothing can be done to one by mistake.
/// </summary>
internal sealed partial class FakeProcess : IProcess
{
    private const long FuseMagic = 0x65735546;
    private const int RestartSys = -512;
    private const int FirstDescriptor = 3;
    private static readonly int s_maxWrite = (int)FuseDemands.Default.MaxWrite;

    private readonly MemoryWorld _world;
    private readonly FakeKernel _kernel;
    private readonly FakePaths _paths;
    private readonly FakePidNamespace _pids;
    private readonly FakeProcess? _parent;
    private readonly FakeTask _main;
    private readonly SortedDictionary<int, FakeFile> _files = [];
    private readonly Dictionary<int, RealFile> _others = []; // guarded by _files
    private readonly ConcurrentDictionary<int, (FakeTask Task, Task<long> Outcome)> _threads = new();
    private readonly Dictionary<int, bool> _handlers = [];
    private int _handled;
    private volatile bool _exiting;

    public FakeProcess(MemoryWorld world, FakeKernel kernel, FakePaths paths)
        : this(world, kernel, paths, FakeCredentials.Root, FakePidNamespace.Initial, null)
    {
    }

    private FakeProcess(
        MemoryWorld world, FakeKernel kernel, FakePaths paths, FakeCredentials credentials, FakePidNamespace pids, FakeProcess? parent)
    {
        _world = world;
        _kernel = kernel;
        _paths = paths;
        _pids = pids;
        _parent = parent;
        _main = world.NewTask(this, pids, credentials, parent?._main.Name ?? NameOf(Exe));
        Scratch = new Scratch(this);
    }

    public int Id => _main.Id;

    public bool ByExchange => _kernel.ByExchange;

    public Scratch Scratch { get; private set; }

    /// <summary>Its memory.</summary>
    public FakeMemory Memory { get; private set; } = new();

    public int Open(string path, int flags)
    {
        if (!_paths.IsOfDomain(path))
            return InstallReal(FileDescriptor.Open(path, flags));
        if ((flags & OpenFlags.Path) != 0)
            return OpenStandIn(path, "/dev/null", OpenFlags.Path);
        int access = (flags & 3) switch
        {
            OpenFlags.ReadOnly => AccessMode.Read,
            OpenFlags.WriteOnly => AccessMode.Write,
            _ => AccessMode.Read | AccessMode.Write,
        };
        int result = _paths.Find(_main, Credentials, path, out FakePaths.Node node);
        if (result < 0)
            return result;
        if (!Credentials.May(node.Attributes, access))
        {
            _kernel.Forget(node.Id, 1);
            return -(int)Errno.EACCES;
        }
        if (node.IsDirectory)
        {
            _kernel.Forget(node.Id, 1);
            return OpenStandIn(path, "/", OpenFlags.ReadOnly);
        }
        FakeRequest request = _kernel.Call(_main, FuseOpcode.Open, node.Id, FakeKernel.Bytes(new FuseOpenIn { Flags = (uint)(flags & ~OpenFlags.Truncate) }));
        if (request.Error < 0)
        {
            _kernel.Forget(node.Id, 1);
            return request.Error;
        }
        FuseOpenOut opened = request.As<FuseOpenOut>();
        bool passthrough = opened.OpenFlags.HasFlag(FuseOpenFlags.Passthrough);
        FakeFile file = new(_kernel, node.Id, opened, flags, passthrough ? _kernel.Backing(opened.BackingId) : null);
        int emptied = (flags & OpenFlags.Truncate) != 0 ? _paths.Change(_main, node, new FuseSetAttrIn { Valid = FuseSetAttrFields.Size }) : 0;
        if (emptied == 0)
            return Install(file);
        file.Drop();
        return emptied;
    }

    public int Create(string path, int mode) =>
        _paths.Make(_main, Credentials, path, FuseOpcode.Create, [.. Words(0x42 | 0x80, (uint)mode, 0x12, 0)]);

    public int Close(int descriptor)
    {
        FakeFile? file;
        lock (_files)
        {
            if (_others.Remove(descriptor, out RealFile? other))
            {
                other.Drop();
                return 0;
            }
            if (!_files.Remove(descriptor, out file))
                return -(int)Errno.EBADF;
        }
        _kernel.Call(_main, FuseOpcode.Flush, file.Node, FakeKernel.Bytes(new FuseFlushIn { Fh = file.Handle }));
        file.Drop();
        return 0;
    }

    public int Duplicate(int descriptor) => FindOther(descriptor) is { } other ? Install(other.Use()) : With(descriptor, file => Install(file.Use()));

    public int Ioctl(int descriptor, uint command, ulong address) => With(descriptor, file => Ioctl(_main, file, command, address));

    public Pending IoctlInThread(int descriptor, uint command, ulong address) =>
        InThread("ioctl", task => With(descriptor, file => Ioctl(task, file, command, address)));

    public int Poll(int descriptor, int events, int milliseconds) => FindOther(descriptor) is { } other
        ? other.Poll(events, milliseconds)
        : With(descriptor, file => Poll(_main, file, events, milliseconds));

    public Pending IoctlInThread(int descriptor, uint command, ulong address, ThreadChange change) => InThread(
        "ioctl", task => task.Change(change) is < 0 and int refused ? refused : With(descriptor, file => Ioctl(task, file, command, address)));

    public Pending PollInThread(int descriptor, int events, int milliseconds) =>
        InThread("poll", task => With(descriptor, file => Poll(task, file, events, milliseconds)));

    public long Map(ulong length, int protection, int flags, int descriptor, ulong offset)
    {
        if ((flags & MapFlags.Anonymous) != 0)
            return Memory.MapAnonymous(length, protection);
        FakeFile? file = Find(descriptor);
        if (file is null)
            return -(int)Errno.EBADF;
        bool isShared = (flags & MapFlags.Shared) != 0;
        if (isShared && (protection & Protection.Write) != 0 && !file.IsWritable)
            return -(int)Errno.EACCES;
        return Memory.MapFile(length, protection, isShared, !isShared || file.IsWritable, file.Contents, offset);
    }

    public int Unmap(ulong address, ulong length) => Memory.Unmap(address, length);

    public int Protect(ulong address, ulong length, int protection) => Memory.Protect(address, length, protection);

    public int Poke(ulong address, ReadOnlySpan<byte> data) => Memory.Write(address, data) == data.Length ? 0 : -(int)Errno.EFAULT;

    public int Peek(ulong address, Span<byte> data) => Memory.Read(address, data) == data.Length ? 0 : -(int)Errno.EFAULT;

    public int Stat(string path, out FileStatus status)
    {
        FileStatus found = default;
        int result = _paths.With(_main, Credentials, path, node =>
        {
            FuseAttr a = node.Attributes;
            found = new FileStatus(a.Mode, a.Uid, a.Gid, a.NLink, a.Size, a.Ino);
            return 0;
        });
        status = found;
        return result;
    }

    public long FileSystemType(string path)
    {
        int result = _paths.With(_main, Credentials, path, node => _kernel.Call(_main, FuseOpcode.StatFs, node.Id, []).Error);
        return result < 0 ? result : FuseMagic;
    }

    public int List(string path, out IReadOnlyList<string> names)
    {
        List<string> found = [];
        int result = _paths.With(_main, Credentials, path, node =>
            !node.IsDirectory ? -(int)Errno.ENOTDIR
            : !Credentials.May(node.Attributes, AccessMode.Read) ? -(int)Errno.EACCES
            : _paths.List(_main, node, out found));
        names = found;
        return result;
    }

    public int Access(string path, int mode) => _paths.With(_main, Credentials.Really, path, node =>
        Credentials.Really.May(node.Attributes, mode) ? 0 : -(int)Errno.EACCES);

    public int Unlink(string path) => _paths.Remove(_main, Credentials, path, isDirectory: false);

    public int RemoveDirectory(string path) => _paths.Remove(_main, Credentials, path, isDirectory: true);

    public int MakeDirectory(string path, int mode) => _paths.Make(_main, Credentials, path, FuseOpcode.MkDir, Words((uint)mode, 0x12));

    public int Rename(string from, string to) => _paths.Rename(_main, Credentials, from, to);

    public int Link(string from, string to) => _paths.With(_main, Credentials, from, node =>
        _paths.Make(_main, Credentials, to, FuseOpcode.Link, BitConverter.GetBytes(node.Id)));

    public int Symlink(string target, string path) => _paths.Make(_main, Credentials, path, FuseOpcode.SymLink, [], FakePaths.Text(target));

    public int ChangeMode(string path, int mode) => _paths.With(_main, Credentials, path, node =>
        Credentials.HasCapabilities || Credentials.Ids.Fsuid == node.Attributes.Uid
            ? _paths.Change(_main, node, new FuseSetAttrIn { Valid = FuseSetAttrFields.Mode, Mode = (uint)mode })
            : -(int)Errno.EPERM);

    public int ChangeOwner(string path, uint uid, uint gid) => _paths.With(_main, Credentials, path, node =>
        Credentials.HasCapabilities
            ? _paths.Change(_main, node, new FuseSetAttrIn { Valid = FuseSetAttrFields.Uid | FuseSetAttrFields.Gid, Uid = uid, Gid = gid })
            : -(int)Errno.EPERM);

    public int Truncate(string path, long length) => _paths.With(_main, Credentials, path, node =>
        Credentials.May(node.Attributes, AccessMode.Write)
            ? _paths.Change(_main, node, new FuseSetAttrIn { Valid = FuseSetAttrFields.Size, Size = (ulong)length })
            : -(int)Errno.EACCES);

    public long Read(int descriptor, Span<byte> data)
    {
        if (FindOther(descriptor) is { } other)
            return FileDescriptor.Read(other.Descriptor, data);
        FakeFile? file = Find(descriptor);
        if (file is null)
            return -(int)Errno.EBADF;
        // A file of size 0 that goes through the page cache has nothing to ask for.
        if (!file.Treatment.HasFlag(FuseOpenFlags.DirectIo))
            return 0;
        FuseReadIn read = new() { Fh = file.Handle, Offset = file.Position, Size = (uint)data.Length };
        FakeRequest request = _kernel.Call(_main, FuseOpcode.Read, file.Node, FakeKernel.Bytes(read));
        request.Answer.CopyTo(data);
        file.Position += (uint)request.Answer.Length;
        return request.Error < 0 ? request.Error : request.Answer.Length;
    }

    public long Write(int descriptor, ReadOnlySpan<byte> data)
    {
        if (FindOther(descriptor) is { } other)
            return FileDescriptor.Write(other.Descriptor, data);
        FakeFile? file = Find(descriptor);
        if (file is null || !file.IsWritable)
            return -(int)Errno.EBADF;
        // Without bytes there is no request, and with too many for one there are several, up to the first that fails or takes less.
        int written = 0;
        while (written < data.Length)
        {
            ReadOnlySpan<byte> piece = data[written..Math.Min(data.Length, written + s_maxWrite)];
            FuseWriteIn write = new() { Fh = file.Handle, Offset = file.Position, Size = (uint)piece.Length, Flags = (uint)file.OpenFlags };
            FakeRequest request = _kernel.Call(_main, FuseOpcode.Write, file.Node, [.. FakeKernel.Bytes(write), .. piece]);
            if (request.Error < 0)
                return written > 0 ? written : request.Error;
            int taken = (int)request.As<FuseWriteOut>().Size;
            file.Position += (uint)taken;
            written += taken;
            if (taken < piece.Length)
                break;
        }
        return written;
    }

    public int EventFd(uint value)
    {
        int made = Linux.EventFd.Create();
        for (uint i = 0; made >= 0 && i < value; i++)
            _ = Linux.EventFd.Signal(made);
        return InstallReal(made);
    }

    public int Pipe(out int readEnd, out int writeEnd)
    {
        int result = FileDescriptor.Pipe(out int read, out int write);
        (readEnd, writeEnd) = (InstallReal(read), InstallReal(write));
        return result;
    }

    public int MemoryFile() => InstallReal(MemFd.Create("fake"));

    public int PollSet(int descriptor)
    {
        if (FindOther(descriptor) is not { } watched)
            return -(int)Errno.EBADF;
        int made = Epoll.Create();
        int result = Epoll.Add(made, watched.Descriptor, EpollEvents.In, 0);
        if (result == 0)
            return InstallReal(made);
        _ = FileDescriptor.Close(made);
        return result;
    }

    /// <summary>Whether a descriptor is an opened file of the domain.</summary>
    public bool IsOfDomain(int descriptor) => Find(descriptor) is not null;

    /// <summary>A copy of one of its descriptors, for the daemon. It can only be of a file that the real kernel knows.</summary>
    public Errno CopyDescriptor(int descriptor, out int copy)
    {
        copy = FindOther(descriptor) is { } other ? FileDescriptor.Duplicate(other.Descriptor) : -1;
        return copy >= 0 ? Errno.OK : Errno.EBADF;
    }

    public int Handle(int signal, bool restart)
    {
        _handlers[signal] = restart;
        return 0;
    }

    public int Handled() => Volatile.Read(ref _handled);

    public int SignalThread(int thread, int signal)
    {
        if (!_handlers.ContainsKey(signal))
            throw new InvalidOperationException($"Signal {signal} would kill process {Id}.");
        if (!_threads.TryGetValue(thread, out (FakeTask Task, Task<long> Outcome) found) || found.Outcome.IsCompleted)
            return -(int)Errno.ESRCH;
        _kernel.Signal(found.Task);
        return 0;
    }

    public long Now() => Clock.MonotonicNanoseconds;

    public int Exit(int status)
    {
        _exiting = true;
        foreach ((FakeTask task, Task<long> outcome) in _threads.Values)
        {
            if (outcome.IsCompleted)
                continue;
            _kernel.Signal(task);
            Pending.Await(outcome, $"the last call of thread {task.Id}");
        }
        int[] open;
        lock (_files)
            open = [.. _files.Keys, .. _others.Keys];
        foreach (int descriptor in open)
            Close(descriptor);
        return status;
    }

    public void Kill() => Exit(0);

    public void Dispose()
    {
        if (!_exiting)
            Exit(0);
    }

    private int Ioctl(FakeTask task, FakeFile file, uint command, ulong address)
    {
        uint direction = command >> 30;
        int size = (int)(command >> 16 & 0x3fff);
        int inSize = (direction & 1) != 0 ? size : 0;
        int outSize = (direction & 2) != 0 ? size : 0;
        for (; ; )
        {
            byte[] input = new byte[inSize];
            if (Memory.Read(address, input) != inSize)
                return -(int)Errno.EFAULT;
            FuseIoctlIn head = new() { Fh = file.Handle, Cmd = command, Arg = address, InSize = (uint)inSize, OutSize = (uint)outSize };
            FakeRequest request = _kernel.Call(task, FuseOpcode.Ioctl, file.Node, [.. FakeKernel.Bytes(head), .. input]);
            int result = request.Error < 0 ? request.Error : TakeIoctl(request, address);
            if (!TakeSignal(task))
                return result;
            if (result != RestartSys)
                return result;
            if (_exiting || !_handlers.Values.All(static restart => restart))
                return -(int)Errno.EINTR;
        }
    }

    private int TakeIoctl(FakeRequest request, ulong address)
    {
        FuseIoctlOut head = request.As<FuseIoctlOut>();
        if (head.Flags != FuseIoctlFlags.None)
            return -(int)Errno.EIO;
        ReadOnlySpan<byte> output = request.Behind<FuseIoctlOut>();
        return Memory.Write(address, output) == output.Length ? head.Result : -(int)Errno.EFAULT;
    }

    private int Poll(FakeTask task, FakeFile file, int events, int milliseconds)
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan time = TimeSpan.FromMilliseconds(milliseconds);
        _kernel.Remember(file);
        for (; ; )
        {
            long seen = file.News;
            TimeSpan left = time - Stopwatch.GetElapsedTime(start);
            FusePollIn arguments = new()
            {
                Fh = file.Handle,
                Kh = file.PollHandle,
                Flags = milliseconds != 0 ? FusePollFlags.ScheduleNotify : FusePollFlags.None,
                Events = (uint)events | PollEvents.Err | PollEvents.Hup,
            };
            FakeRequest request = _kernel.Call(task, FuseOpcode.Poll, file.Node, FakeKernel.Bytes(arguments));
            int found = request.Error < 0 ? PollEvents.Err : (int)request.As<FusePollOut>().Revents & (events | PollEvents.Err | PollEvents.Hup);
            if (found != 0 || left <= TimeSpan.Zero)
                return found;
            _kernel.AwaitNews(file, seen, task, left);
            if (TakeSignal(task))
                return -(int)Errno.EINTR;
        }
    }

    private bool TakeSignal(FakeTask task)
    {
        if (!_kernel.TakeSignal(task))
            return false;
        Interlocked.Increment(ref _handled);
        return true;
    }

    private Pending InThread(string call, Func<FakeTask, int> body)
    {
        FakeTask task = _world.NewTask(this, _pids, Credentials, _main.Name);
        TaskCompletionSource<long> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _threads[task.Id] = (task, outcome.Task);
        new Thread(() =>
        {
            try
            {
                outcome.SetResult(body(task));
            }
            catch (Exception e)
            {
                outcome.SetException(e);
            }
        })
        { IsBackground = true, Name = $"fake thread {task.Id}" }.Start();
        return new Pending(task.Id, $"{call} by thread {task.Id}", outcome.Task);
    }

    private int Install(FakeFile file)
    {
        lock (_files)
        {
            int lowest = LowestFree();
            _files.Add(lowest, file);
            return lowest;
        }
    }

    private int InstallReal(int descriptor) => descriptor < 0 ? descriptor : Install(new RealFile(descriptor));

    private int Install(RealFile file)
    {
        lock (_files)
        {
            int lowest = LowestFree();
            if (lowest < _limit)
            {
                _others.Add(lowest, file);
                return lowest;
            }
        }
        file.Drop();
        return -(int)Errno.EMFILE;
    }

    private int LowestFree()
    {
        int lowest = FirstDescriptor;
        while (_files.ContainsKey(lowest) || _others.ContainsKey(lowest))
            lowest++;
        return lowest;
    }

    private RealFile? FindOther(int descriptor)
    {
        lock (_files)
            return _others.GetValueOrDefault(descriptor);
    }

    private FakeFile? Find(int descriptor)
    {
        lock (_files)
            return _files.GetValueOrDefault(descriptor);
    }

    /// <summary>A call keeps the open file for as long as it takes, whatever becomes of the descriptor.</summary>
    private int With(int descriptor, Func<FakeFile, int> call)
    {
        FakeFile? file;
        lock (_files)
            file = _files.GetValueOrDefault(descriptor)?.Use();
        if (file is null)
            return -(int)Errno.EBADF;
        try
        {
            return call(file);
        }
        finally
        {
            file.Drop();
        }
    }

    private static byte[] Words(params ReadOnlySpan<uint> words) => System.Runtime.InteropServices.MemoryMarshal.AsBytes(words).ToArray();
}
