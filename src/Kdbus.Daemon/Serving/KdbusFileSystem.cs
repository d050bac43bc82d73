using Kdbus.Abi;
using Kdbus.Daemon.Serving.Exchanges;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Daemon.Status;
using Kdbus.Engine.Processes;
using Kdbus.Fuse;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;
using Microsoft.Extensions.Logging;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// The mount as the kernel asks for it: names and attributes from the tree, open files and their pools, poll; commands go
/// to <see cref="CommandService"/>. Nothing can be made, removed or renamed by anything but commands.
/// </summary>
internal sealed class KdbusFileSystem : IFuseFileSystem, IDisposable
{
    private const uint AccessMode = 3; // O_ACCMODE
    private const uint ReadOnly = 0; // O_RDONLY

    private readonly DomainHost _host;
    private readonly ICallers _callers;
    private readonly IFuseChannel _channel;
    private readonly ILogger _log;
    private readonly ProfileChoice _choice;

    /// <summary>
    /// Files of the mount that one user may have open: four times the connections he may have. Each costs the daemon a
    /// descriptor, of which it has not enough for everything that all processes of a user could open.
    /// </summary>
    private readonly int _maxOpenFilesPerUser;

    private readonly Tree _tree;
    private readonly PoolPublisher _publisher;
    private readonly CancelWatch _cancels;
    private readonly MessageFileService _files;
    private readonly Aftermath _aftermath;
    private readonly CommandService _commands;
    private readonly ExchangeService _exchanges;
    private readonly PollService _polls;
    private readonly bool _wantsLowLatency;
    private readonly StatusService _status;
    private readonly FuseSession _session;
    private DeadlineTimer? _timer;
    private PoolTrimmer? _trimmer;
    private LowLatency? _latency;

    public KdbusFileSystem(
        IFuseChannel channel,
        ICallers callers,
        ServerOptions options,
        FuseSessionOptions sessionOptions,
        ILogger log,
        TimeProvider? time = null,
        DomainClock? clock = null)
    {
        _channel = channel;
        _callers = callers;
        _log = log;
        _choice = options.Profile;
        _maxOpenFilesPerUser = 4 * options.Limits.Connections;
        _host = new DomainHost(options, log, time ?? TimeProvider.System, clock ?? DomainClock.Kernel);
        _wantsLowLatency = options.LowLatency;
        _tree = new Tree(_host.Domain, Credentials.EffectiveUid, Credentials.EffectiveGid, _host.Now.Realtime / 1_000_000_000);
        _session = new FuseSession(channel, this, sessionOptions);
        _publisher = new PoolPublisher(_host, _session);
        _status = new StatusService(_host, _session, log);
        _cancels = new CancelWatch(descriptor => _aftermath!.Cancel(descriptor), descriptor => _aftermath!.Closed(descriptor));
        _files = new MessageFileService(_host, callers, _session, options.OpenFiles / 2);
        _aftermath = new Aftermath(_host, callers, _session, _publisher, _files);
        _polls = new PollService(_host);
        var cancels = new CancelIntake(callers, _session, _cancels);
        _commands = new CommandService(_host, callers, _session, _publisher, cancels, _files);
        _exchanges = new ExchangeService(_host, callers, _session, _publisher, cancels, _files);
    }

    /// <summary>Descriptors of clients that it has: those in messages, and those that wait to be closed.</summary>
    public long CarriedFiles => _files.Open;

    /// <summary>What serves it.</summary>
    public FuseSession Session => _session;

    /// <summary>How pools are shown, known from <see cref="Init"/> on.</summary>
    public PoolProfile Profile => _publisher.Profile;

    /// <summary>Why the mount cannot be served although the kernel agreed, or null.</summary>
    public string? Refusal { get; private set; }

    /// <inheritdoc/>
    public void Init(FuseCapabilities capabilities)
    {
        var probed = capabilities.Passthrough ? ProbePassthrough() : -(int)Errno.EOPNOTSUPP;
        _publisher.Profile = probed >= 0 && _choice != ProfileChoice.PageCache ? PoolProfile.Passthrough : PoolProfile.PageCache;
        if (_choice == ProfileChoice.Passthrough && _publisher.Profile != PoolProfile.Passthrough)
        {
            Refusal = $"profile=passthrough was asked for, but the kernel refuses it ({SystemError.Describe(-probed)}).";
        }

        _tree.Profile = Profile;
        _timer = new DeadlineTimer(_host, _aftermath.Advance);
        _host.Timer = _timer;
        _trimmer = new PoolTrimmer(_host, _session, _publisher.Profile);
        if (_wantsLowLatency && LowLatency.Open(out _latency) is < 0 and var error)
        {
            Refusal = $"low-latency was asked for, but /dev/cpu_dma_latency cannot be opened ({SystemError.Describe(-error)}); only root may.";
        }

        _host.Server = new ServerRow(Profile, capabilities.Minor, _host.Now.Monotonic, _host.Domain.HasExtensions, _wantsLowLatency);
        _log.Serving(_publisher.Profile, capabilities.Minor);
    }

    /// <inheritdoc/>
    public void Destroy()
    {
        _timer?.Dispose();
        _trimmer?.Dispose();
        _cancels.Dispose();
        _latency?.Dispose();
        _latency = null;
        _timer = null;
        _trimmer = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Destroy();
        _session.Dispose();
        using (_host.Enter())
        {
            foreach (var file in _host.Files)
            {
                _host.Domain.Close(file.Handle, _host.Now);
                file.Pool?.Dispose();
            }

            _files.CloseWithoutWaiting(_host.TakeUnheldFiles());
        }

        _files.Dispose();
    }

    /// <inheritdoc/>
    public void Lookup(in LookupRequest request, FuseReply reply)
    {
        FuseEntryOut entry;
        TreeNode? found;
        using (_host.Enter())
        {
            found = _tree.Find(request.Context.NodeId) is { } directory ? _tree.Lookup(directory, request.Name) : null;
            entry = found == null ? default : _tree.EntryOf(found);
        }

        if (found == null) reply.Error((int)Errno.ENOENT);
        else if (!reply.Entry(entry)) Forget(found.NodeId, 1);
    }

    /// <inheritdoc/>
    public void Forget(ulong nodeId, ulong lookups)
    {
        using (_host.Enter()) _tree.Forget(nodeId, lookups);
    }

    /// <inheritdoc/>
    public void GetAttr(in GetAttrRequest request, FuseReply reply)
    {
        FuseAttrOut attributes = default;
        TreeNode? node;
        using (_host.Enter())
        {
            node = _tree.Find(request.Context.NodeId);
            if (node != null) attributes = _tree.AttributeReplyOf(node);
        }

        if (node == null) reply.Error((int)Errno.ESTALE);
        else reply.Attr(attributes);
    }

    /// <summary>
    /// What open(2) with O_TRUNC asks for has to succeed where something can be written. It changes nothing: the old value
    /// holds until there is a new one.
    /// </summary>
    public void SetAttr(in SetAttrRequest request, FuseReply reply)
    {
        const FuseSetAttrFields owned = FuseSetAttrFields.Mode | FuseSetAttrFields.Uid | FuseSetAttrFields.Gid;
        var empties = (request.Fields & (owned | FuseSetAttrFields.Size)) == FuseSetAttrFields.Size && request.Arguments.Size == 0;
        FuseAttrOut attributes = default;
        TreeNode? node;
        using (_host.Enter())
        {
            node = _tree.Find(request.Context.NodeId);
            if (node != null) attributes = _tree.AttributeReplyOf(node);
        }

        if (empties && node?.Kind == TreeNodeKind.AttachMask) reply.Attr(attributes);
        else reply.Error((int)Errno.EPERM);
    }

    /// <inheritdoc/>
    public void StatFs(in StatFsRequest request, FuseReply reply)
    {
        int files;
        using (_host.Enter()) files = _host.Domain.Buses.Sum(bus => 1 + bus.Endpoints.Count) + 2;
        reply.StatFs(new FuseKStatFs { BSize = 4096, FrSize = 4096, NameLen = 255, Files = (ulong)files });
    }

    /// <inheritdoc/>
    public void Access(in AccessRequest request, FuseReply reply) => reply.Error((int)Errno.ENOSYS); // default_permissions decides

    /// <inheritdoc/>
    public void OpenDir(in OpenRequest request, FuseReply reply)
    {
        bool alive;
        using (_host.Enter()) alive = _tree.Find(request.Context.NodeId) is { IsDirectory: true, IsGone: false };
        if (alive) reply.Open(0);
        else reply.Error((int)Errno.ENOENT);
    }

    /// <inheritdoc/>
    public void ReadDir(in ReadDirRequest request, FuseReply reply)
    {
        var buffer = reply.DirectoryBuffer(request);
        using (_host.Enter())
        {
            if (_tree.Find(request.Context.NodeId) is { IsDirectory: true, IsGone: false } directory)
            {
                _tree.List(directory, request.Offset, ref buffer);
            }
        }

        reply.Directory(buffer);
    }

    /// <inheritdoc/>
    public void ReleaseDir(in ReleaseRequest request, FuseReply reply) => reply.Ok();

    /// <inheritdoc/>
    public void Open(in OpenRequest request, FuseReply reply)
    {
        var result = Open(request, out var file);
        if (result != Errno.OK)
        {
            reply.Error((int)result);
            return;
        }

        // With direct I/O, mmap(2) goes to the pool's file but read(2) and write(2) come to us, who refuse them: a client could
        // else write as much as it likes into a pool that has no size yet.
        var flags = file.Pool != null && Profile == PoolProfile.PageCache ? FuseOpenFlags.KeepCache : FuseOpenFlags.DirectIo;
        if (file.BackingId != 0) flags |= FuseOpenFlags.Passthrough;
        if (!reply.Open(file.Handle, flags | FuseOpenFlags.NoFlush, file.BackingId)) Close(file.Handle);
    }

    /// <inheritdoc/>
    public void Read(in ReadRequest request, FuseReply reply)
    {
        OpenFile? file;
        using (_host.Enter()) file = _host.FindFile(request.Handle);
        if (file?.Content is { } content)
        {
            var start = (int)Math.Min(request.Offset, (ulong)content.Length);
            reply.Data(content.AsSpan(start, (int)Math.Min(request.Size, (uint)(content.Length - start))));
            return;
        }

        // Only the page cache profile gets here for pools: the kernel wants a page that was never stored, or was evicted.
        var pool = Profile == PoolProfile.PageCache ? file?.Pool : null;
        if (pool == null)
        {
            reply.Error((int)Errno.EINVAL);
            return;
        }

        var room = reply.Scratch[..(int)Math.Min(request.Size, (uint)reply.Scratch.Length)];
        var read = pool.Read(room, request.Offset);
        if (read < 0) reply.Error(read);
        else reply.Data(room[..read]);
    }

    /// <summary>Each write is a value of its own, wherever in the file it is made.</summary>
    public void Write(in WriteRequest request, FuseReply reply)
    {
        var isValue = AttachMaskText.TryParse(request.Data, out var mask);
        using (_host.Enter())
        {
            isValue &= _host.FindFile(request.Handle)?.Node.Kind == TreeNodeKind.AttachMask;
            if (isValue) _host.Domain.AttachMask = mask;
        }

        if (isValue) reply.Written((uint)request.Data.Length);
        else reply.Error((int)Errno.EINVAL);
    }

    /// <inheritdoc/>
    public void Release(in ReleaseRequest request, FuseReply reply)
    {
        Close(request.Handle);
        reply.Ok();
        _aftermath.Carry();
    }

    /// <inheritdoc/>
    public void Ioctl(in IoctlRequest request, FuseReply reply)
    {
        _latency?.RequestArrived();
        if (CommandLayout.IsExchange(request.Command))
        {
            // It is for connections, and HELLO was no EXCHANGE.
            _exchanges.Run(request, reply);
        }
        else
        {
            SettleBacking(request.Handle);
            _commands.Run(request, reply);
        }

        _aftermath.Carry();
    }

    /// <inheritdoc/>
    public void Poll(in PollRequest request, FuseReply reply)
    {
        _latency?.RequestArrived();
        SettleBacking(request.Handle);
        _polls.Run(request, reply);
    }

    /// <inheritdoc/>
    public bool HasPutOff => _polls.HasPutOff;

    /// <inheritdoc/>
    public void AnswerPutOff() => _polls.AnswerPutOff();

    /// <inheritdoc/>
    public void TurnTaken()
    {
        _polls.AnswerPutOff();
        _aftermath.Carry();
    }

    /// <inheritdoc/>
    public void Interrupt(in InterruptRequest request, HeldReply target)
    {
        // A question of poll(2) has no other end than its answer.
        _polls.AnswerPutOff();
        _aftermath.Interrupt(request, target);
    }

    private Errno Open(in OpenRequest request, out OpenFile file)
    {
        file = null!;
        TreeNode? node;
        bool taken, tooMany;
        using (_host.Enter())
        {
            node = _tree.Find(request.Context.NodeId);
            taken = node?.OpenedBy != null;
            tooMany = _host.OpenFilesOf(request.Context.Uid) >= _maxOpenFilesPerUser;
        }

        if (node == null) return Errno.ESTALE;
        if (node.IsDirectory) return Errno.EISDIR; // those come as OPENDIR
        if (tooMany) return Errno.EMFILE;
        if (node.Kind == TreeNodeKind.Status) return OpenStatus(request, node, out file);
        if (node.Kind == TreeNodeKind.AttachMask)
        {
            using (_host.Enter()) file = AddShowing(AttachMaskText.ToLine(_host.Domain.AttachMask), request, node);
            return Errno.OK;
        }

        if (taken) return Errno.EBUSY; // through /proc/PID/fd or an O_PATH descriptor: the node shows one pool only

        PoolFile? pool = null;
        var backingId = 0;
        if (node.Kind == TreeNodeKind.Endpoint)
        {
            // With passthrough a mapping shows our own memory, which the kernel lets whoever opened it for writing write to.
            var isWritable = Profile == PoolProfile.Passthrough && (request.Flags & AccessMode) != ReadOnly;
            var made = PoolFile.Create(node.NodeId, _trimmer, isWritable, out pool);
            if (made < 0) return (Errno)(-made);
            if (Profile == PoolProfile.Passthrough) backingId = _channel.BackingOpen(pool!.Descriptor);
            if (backingId < 0)
            {
                pool!.Dispose();
                return (Errno)(-backingId);
            }
        }

        var context = request.Context;
        if (_callers.Identify(context.Pid, CallerFacts.Groups, capabilities: true, out var caller) != Errno.OK)
        {
            caller = CallerInquiry.CallerOf(context);
        }

        Errno opened;
        using (_host.Enter())
        {
            file = new OpenFile(_host.NextHandle(), node, pool, context.Uid) { BackingId = backingId };
            opened = _host.Domain.Open(file.Handle, node.Endpoint, caller);
            if (opened == Errno.OK)
            {
                _host.Add(file);
                if (pool != null) node.OpenedBy = file;
            }
        }

        if (opened == Errno.OK) return Errno.OK;
        if (backingId > 0) _channel.BackingClose(backingId);
        pool?.Dispose();
        return opened;
    }

    /// <summary>What the file shows is made now and stays as it is: each opening sees its own moment.</summary>
    private Errno OpenStatus(in OpenRequest request, TreeNode node, out OpenFile file)
    {
        file = null!;
        if ((request.Flags & AccessMode) != ReadOnly) return Errno.EACCES; // root may open what nobody can write
        var result = _status.Read(request.Context, node.Status, out var content);
        if (result != Errno.OK) return result;
        using (_host.Enter()) file = AddShowing(content, request, node);
        return Errno.OK;
    }

    private OpenFile AddShowing(byte[] content, in OpenRequest request, TreeNode node)
    {
        var file = new OpenFile(_host.NextHandle(), node, pool: null, request.Context.Uid, content);
        _host.Add(file);
        return file;
    }

    private void Close(ulong handle)
    {
        OpenFile? file;
        IReadOnlyList<ulong> unheld;
        using (_host.Enter())
        {
            file = _host.RemoveFile(handle);
            if (file == null) return;
            _host.Domain.Close(handle, _host.Now);
            if (file.Node.OpenedBy == file) file.Node.OpenedBy = null;
            file.Pool?.Dispose();
            unheld = _host.TakeUnheldFiles();
        }

        _files.CloseWithoutWaiting(unheld);
        if (file.BackingId != 0) _channel.BackingClose(file.BackingId);
    }

    /// <summary>A request on the handle shows that its opener is through: the registration may go.</summary>
    private void SettleBacking(ulong handle)
    {
        var backingId = 0;
        using (_host.Enter())
        {
            if (_host.FindFile(handle) is { BackingId: not 0 } file) (backingId, file.BackingId) = (file.BackingId, 0);
        }

        if (backingId != 0) _channel.BackingClose(backingId);
    }

    private int ProbePassthrough()
    {
        var made = PoolFile.Create(0, trimmer: null, isWritableByOwner: false, out var probe);
        if (made < 0) return made;
        var backingId = _channel.BackingOpen(probe!.Descriptor);
        if (backingId > 0) _channel.BackingClose(backingId);
        probe.Dispose();
        return backingId;
    }
}
