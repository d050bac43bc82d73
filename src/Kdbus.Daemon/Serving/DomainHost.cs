using Kdbus.Abi;
using Kdbus.Daemon.Serving.Exchanges;
using Kdbus.Daemon.Status;
using Kdbus.Engine;
using Kdbus.Fuse;
using Kdbus.Linux;
using Microsoft.Extensions.Logging;

namespace Kdbus.Daemon.Serving;

/// <summary>A synchronous call that waits for its answer.</summary>
/// <param name="Reply">The request, still unanswered.</param>
/// <param name="File">The handle it came on.</param>
/// <param name="Thread">The caller.</param>
/// <param name="Uid">Its user, for whom a stuck store counts.</param>
/// <param name="Argument">Address of the command in the caller's memory.</param>
internal readonly record struct PendingCall(HeldReply Reply, OpenFile File, int Thread, uint Uid, ulong Argument)
{
    /// <summary>By what the caller can end it; null if he named nothing.</summary>
    public CancelDescriptor? Cancel { get; init; }

    /// <summary>The number of the socket on which the caller takes descriptors; -1 if he named none.</summary>
    public int FdSocket { get; init; } = -1;

    /// <summary>What else an EXCHANGE has to be told; null for a SEND.</summary>
    public PendingExchange? Exchange { get; init; }
}

/// <summary>A call that waited and is to be answered now.</summary>
internal readonly record struct EndedCall(PendingCall Call, Completion Completion);

/// <summary>
/// The domain behind its lock, together with what the daemon keeps beside it: the open files and the calls that wait.
/// What the engine wants done for others is collected while the lock is held and carried out afterwards, so the lock is
/// never held across a system call that somebody else could delay. It belongs to no thread: the one that caused it may
/// get stuck in its caller's memory, and then another one carries it out.
/// </summary>
internal sealed class DomainHost : IEffects
{
    private const int MaxSpareExchanges = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, OpenFile> _files = [];
    private readonly Dictionary<uint, int> _openFiles = [];
    private readonly Dictionary<uint, long> _shownBytes = [];
    private readonly Dictionary<ulong, PendingCall> _pending = [];
    private readonly Queue<ulong> _wakes = new();
    private readonly List<OpenFile> _putOff = [];
    private readonly Queue<OpenFile> _changed = new();
    private readonly Queue<EndedCall> _ready = new();
    private readonly Queue<EndedCall> _answered = new();
    private readonly Dictionary<ulong, EndedCall> _closing = [];
    private readonly Dictionary<ulong, KdbusCmdExchange> _progress = [];
    private readonly Stack<PendingExchange> _spareExchanges = new();
    private List<ulong> _unheld = [];
    private ulong _lastHandle;

    /// <param name="options">What the domain is told.</param>
    /// <param name="log">Where messages that found no room are told.</param>
    /// <param name="time">By which it is decided how often.</param>
    /// <param name="clock">The clocks of the domain.</param>
    public DomainHost(ServerOptions options, ILogger log, TimeProvider time, DomainClock clock)
    {
        Domain = new Domain(this, options.Limits)
        {
            AttachMask = options.AttachMask,
            HasExtensions = options.Extensions,
            Overflow = new OverflowIds(IdMap.OverflowUser, IdMap.OverflowGroup),
        };
        Refusals = new RefusalLog(log, time, clock);
        Clock = clock;
    }

    /// <summary>Messages that found no room, to be told.</summary>
    public RefusalLog Refusals { get; }

    /// <summary>The engine; only under <see cref="Enter"/>.</summary>
    public Domain Domain { get; }

    /// <summary>How it is served, known once the kernel has begun to ask.</summary>
    public ServerRow? Server { get; set; }

    /// <summary>Told, outside the lock, when a deadline earlier than all before it exists.</summary>
    public DeadlineTimer? Timer { get; set; }

    /// <summary>Open files, for diagnosis; only under <see cref="Enter"/>.</summary>
    public IReadOnlyCollection<OpenFile> Files => _files.Values;

    /// <summary>Both clocks, now.</summary>
    public Instant Now => Clock.Now;

    /// <summary>What they are.</summary>
    public DomainClock Clock { get; }

    /// <summary>Takes the lock. Leave it before anything that may block.</summary>
    public Lock.Scope Enter() => _lock.EnterScope();

    /// <summary>A handle number that was never used; only under <see cref="Enter"/>.</summary>
    public ulong NextHandle() => ++_lastHandle;

    public OpenFile? FindFile(ulong handle) => _files.GetValueOrDefault(handle);

    /// <summary>Files that a user has open; only under <see cref="Enter"/>.</summary>
    public int OpenFilesOf(uint uid) => _openFiles.GetValueOrDefault(uid);

    /// <summary>Bytes kept because files that a user has open show them; only under <see cref="Enter"/>.</summary>
    public long ShownBytesOf(uint uid) => _shownBytes.GetValueOrDefault(uid);

    public void Add(OpenFile file)
    {
        _files.Add(file.Handle, file);
        _openFiles[file.Uid] = OpenFilesOf(file.Uid) + 1;
        if (file.Content is { } content) _shownBytes[file.Uid] = ShownBytesOf(file.Uid) + content.Length;
    }

    public OpenFile? RemoveFile(ulong handle)
    {
        if (!_files.Remove(handle, out var file)) return null;
        var left = _openFiles[file.Uid] - 1;
        if (left > 0) _openFiles[file.Uid] = left;
        else _openFiles.Remove(file.Uid);
        if (file.Content is not { } content) return file;
        var bytes = _shownBytes[file.Uid] - content.Length;
        if (bytes > 0) _shownBytes[file.Uid] = bytes;
        else _shownBytes.Remove(file.Uid);
        return file;
    }

    /// <summary>The call is pending from now on; in the same critical section in which the engine said so.</summary>
    public void Add(ulong request, in PendingCall call) => _pending.Add(request, call);

    /// <summary>The call waits for its result: nobody has begun to end it. Only under <see cref="Enter"/>.</summary>
    public bool IsPending(ulong request) => _pending.ContainsKey(request);

    /// <summary>There are questions of poll(2) whose answer is put off.</summary>
    public bool HasPutOff => _putOff.Count > 0;

    /// <summary>Puts the answer to a question of poll(2) off; only under <see cref="Enter"/>.</summary>
    public void PutOff(OpenFile file, HeldReply poll)
    {
        file.PutOffPoll = poll;
        _putOff.Add(file);
    }

    /// <summary>A file with such a question; only under <see cref="Enter"/>.</summary>
    public bool TakePutOff(out OpenFile file)
    {
        file = _putOff.Count > 0 ? _putOff[^1] : null!;
        if (_putOff.Count > 0) _putOff.RemoveAt(_putOff.Count - 1);
        return file != null;
    }

    /// <summary>Such a question whose answer has become another one; only under <see cref="Enter"/>.</summary>
    public bool TakeChanged(out HeldReply poll, out PollState state)
    {
        (poll, state) = (default, default);
        if (!_changed.TryDequeue(out var file)) return false;
        (poll, state, file.PutOffPoll) = (file.PutOffPoll, Domain.Poll(file.Handle), default);
        return true;
    }

    /// <summary>A poll handle to notify; only under <see cref="Enter"/>.</summary>
    public bool TakeWake(out ulong pollHandle) => _wakes.TryDequeue(out pollHandle);

    /// <summary>A call to end whose caller's memory need not be touched. Only under <see cref="Enter"/>.</summary>
    public bool TakeReady(out EndedCall call) => _ready.TryDequeue(out call);

    /// <summary>
    /// A call to end with an answer, which is to be stored in its caller's memory: whoever takes it may get stuck there,
    /// so it takes no second one. Its pool is pinned. Only under <see cref="Enter"/>.
    /// </summary>
    public bool TakeAnswered(out EndedCall call) => _answered.TryDequeue(out call);

    /// <summary>There is something left to carry out; only under <see cref="Enter"/>.</summary>
    public bool HasMore(bool withAnswers) =>
        _wakes.Count > 0 || _changed.Count > 0 || _ready.Count > 0 || !Refusals.IsEmpty || _unheld.Count > 0 || (withAnswers && _answered.Count > 0);

    /// <summary>A call is to end when its cancel descriptor is closed; only under <see cref="Enter"/>.</summary>
    public void AwaitClosing(in EndedCall call) => _closing.Add(call.Completion.Request, call);

    /// <summary>Such a call, if nobody has ended it meanwhile; only under <see cref="Enter"/>.</summary>
    public bool TakeClosing(ulong request, out EndedCall call) => _closing.Remove(request, out call);

    /// <summary>
    /// Files that nobody holds any more. Whoever has caused that takes them before he leaves the lock, and has them closed. Only under
    /// <see cref="Enter"/>.
    /// </summary>
    public IReadOnlyList<ulong> TakeUnheldFiles()
    {
        if (_unheld.Count == 0) return [];
        var taken = _unheld;
        _unheld = [];
        return taken;
    }

    /// <inheritdoc/>
    public void CloseFile(ulong file) => _unheld.Add(file);

    /// <inheritdoc/>
    public void Wake(ulong handle)
    {
        if (!_files.TryGetValue(handle, out var file)) return;
        if (!file.PutOffPoll.IsNone && _putOff.Remove(file)) _changed.Enqueue(file);
        if (!file.PollArmed) return;
        file.PollArmed = false;
        _wakes.Enqueue(file.PollHandle);
    }

    /// <inheritdoc/>
    public void Refused(in Refusal refusal) => Refusals.Note(refusal);

    /// <inheritdoc/>
    public void Complete(in Completion completion)
    {
        if (!_pending.Remove(completion.Request, out var call)) return;
        // The owner may free the answer before he is told of it; the mapping must outlast its publication.
        if (completion.Published.Size > 0) call.File.Pool!.Pin();
        var touchesNothing = completion.Result != Errno.OK || (call.Exchange != null && completion.Handout == null);
        (touchesNothing ? _ready : _answered).Enqueue(new EndedCall(call, completion));
    }

    /// <inheritdoc/>
    public Span<byte> AnswerOf(ulong request) => _pending[request].Exchange!.Records;

    /// <summary>An EXCHANGE begins to wait; only under <see cref="Enter"/>.</summary>
    public PendingExchange TakeUp(in KdbusCmdExchange command, int room)
    {
        var exchange = _spareExchanges.TryPop(out var spare) ? spare : new PendingExchange();
        exchange.Begin(command, room);
        return exchange;
    }

    /// <summary>It is answered; only under <see cref="Enter"/>.</summary>
    public void PutDown(PendingExchange exchange)
    {
        exchange.End();
        if (_spareExchanges.Count < MaxSpareExchanges) _spareExchanges.Push(exchange);
    }

    /// <summary>An EXCHANGE that has done something is about to touch its caller's memory; only under <see cref="Enter"/>.</summary>
    public void NoteProgress(ulong request, in KdbusCmdExchange command) => _progress[request] = command;

    /// <summary>What it has done, if it is still about that; only under <see cref="Enter"/>.</summary>
    public bool TryFindProgress(ulong request, out KdbusCmdExchange command) => _progress.TryGetValue(request, out command);

    /// <summary>It has done that; only under <see cref="Enter"/>.</summary>
    public void ForgetProgress(ulong request) => _progress.Remove(request);
}
