using Kdbus.Fuse.Internal;
using Kdbus.Linux;

namespace Kdbus.Fuse;

/// <summary>Why a session ended.</summary>
public enum FuseSessionEnd
{
    /// <summary>The file system was unmounted.</summary>
    Unmounted,
    /// <summary>The connection was aborted (umount -f, or fusectl).</summary>
    Aborted,
    /// <summary><see cref="FuseSession.Stop"/> was called. Requests that are held stay unanswered, for a successor.</summary>
    Stopped,
    /// <summary>Kernel and server have no version in common; see <see cref="FuseSession.EndDescription"/>.</summary>
    Refused,
    /// <summary>The channel broke; see <see cref="FuseSession.EndDescription"/>.</summary>
    Failed,
}

/// <summary>
/// Serves one FUSE connection. One thread, the one that has the turn, reads a request, handles it, answers it and reads the next, so requests take effect in the
/// order in which the kernel gave them. A handler that touches memory which may block it for ever says so with <see cref="EnterBlocking"/>; if it
/// stays there too long a watchdog gives the turn to another thread, and the stuck one, when it comes back, finishes its own request and stands by.
/// </summary>
public sealed class FuseSession : IDisposable
{
    // Header (80 bytes at most) and the largest WRITE fit, whatever is negotiated.
    private const int BufferHead = 4096;
    private const int LeastBuffer = 128 * 1024 + BufferHead;

    /// <summary>Requests that may be served before an answer that was put off.</summary>
    private const int MostPutOff = 3;

    [ThreadStatic]
    private static FuseReader? t_reader;

    private readonly IFuseChannel _channel;
    private readonly IFuseFileSystem _fileSystem;
    private readonly FuseSessionOptions _options;
    private readonly ReplyDesk _desk;
    private readonly ReaderRoster _roster;
    private readonly StallWatchdog _watchdog;
    private readonly FuseDispatcher _dispatcher;
    private readonly Lock _endLock = new();
    private FuseSessionEnd? _end;
    private FuseBugException? _bug;
    private volatile bool _stopRequested;
    private int _putOffFor;
    private bool _ran;
    private bool _disposed;

    public FuseSession(IFuseChannel channel, IFuseFileSystem fileSystem, FuseSessionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(fileSystem);
        _channel = channel;
        _fileSystem = fileSystem;
        _options = options ?? new FuseSessionOptions();
        _desk = new ReplyDesk(channel, _options.Trace, _options.Bug);
        _roster = new ReaderRoster(_options, MakeReader, Serve);
        _watchdog = new StallWatchdog(_roster, _options, channel);
        _dispatcher = new FuseDispatcher(channel, fileSystem, _desk, _roster, _options);
        Notify = new FuseNotifier(channel, _options.Trace);
    }

    /// <summary>Messages to the kernel that nobody asked for.</summary>
    public FuseNotifier Notify { get; }

    /// <summary>What was agreed with the kernel; null before <see cref="Initialize"/> or <see cref="Adopt"/>.</summary>
    public FuseCapabilities? Capabilities { get; private set; }

    /// <summary>How many readers have lost the turn and are still with their request.</summary>
    public int StuckReaders => _roster.Stuck;

    /// <summary>How many requests are held.</summary>
    public int HeldReplies => _desk.HeldCount;

    /// <summary>How many reader threads there are, those standing by included.</summary>
    public int Readers => _roster.Readers.Length;

    /// <summary>Nobody watches because no blocking section came by for a while.</summary>
    internal bool WatchdogIsAsleep => _watchdog.IsAsleep;

    /// <summary>More about the end, for people; null while there is nothing to say.</summary>
    public string? EndDescription { get; private set; }

    /// <summary>
    /// Waits for INIT and agrees with the kernel. mount(2) returns before INIT is answered, so the thread that mounts may call this next.
    /// Returns at once if the session is initialised already.
    /// </summary>
    /// <returns>Null when kernel and server agree, else why the session ended.</returns>
    public FuseSessionEnd? Initialize()
    {
        if (Capabilities is not null)
            return null;
        if (_end is not null)
            return _end;
        using FuseReader reader = MakeReader();
        while (Capabilities is null && _end is null)
        {
            if (_stopRequested)
            {
                EndWith(FuseSessionEnd.Stopped, description: null);
                break;
            }
            nint count = ReadRequest(reader);
            if (count < 0)
                continue;
            FuseNegotiation? negotiation = _dispatcher.Negotiate(reader.Input[..(int)count]);
            if (negotiation is not { } result)
                continue;
            switch (result.Outcome)
            {
                case FuseNegotiationOutcome.Accepted:
                    Capabilities = result.Capabilities;
                    _fileSystem.Init(result.Capabilities!);
                    break;
                case FuseNegotiationOutcome.Refused:
                    EndWith(FuseSessionEnd.Refused, result.Reason);
                    break;
                default:
                    break;
            }
        }
        return Capabilities is null ? _end : null;
    }

    /// <summary>For a successor on a connection that was initialised by a predecessor: takes over what was agreed then. Follow it with
    /// <see cref="FuseNotifier.Resend"/> before <see cref="Run"/>.</summary>
    public void Adopt(FuseCapabilities capabilities)
    {
        ArgumentNullException.ThrowIfNull(capabilities);
        if (Capabilities is not null)
            throw new InvalidOperationException("The session is initialised already.");
        Capabilities = capabilities;
        _fileSystem.Init(capabilities);
    }

    /// <summary>Serves until the end, on threads of its own; the calling thread only waits. Can be called once.</summary>
    /// <returns>Why it ended.</returns>
    /// <exception cref="FuseBugException">The file system has a bug and <see cref="FuseSessionOptions.Bug"/> is not set.</exception>
    public FuseSessionEnd Run()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_ran)
            throw new InvalidOperationException("A session can be run once.");
        _ran = true;
        if (Initialize() is { } refused)
            return refused;

        try
        {
            _watchdog.Begin();
            _roster.Begin();
            int left = _roster.Join(_options.StopGrace);
            if (left > 0)
                _options.Trace?.Problem($"{left} readers are still with a request at the end of the session and are left behind.");
        }
        finally
        {
            _roster.End();
            _watchdog.Stop();
            _fileSystem.Destroy();
        }
        if (_bug is not null)
            throw _bug;
        return _end!.Value;
    }

    /// <summary>Ends the session without unmounting, from any thread: the request being served is finished, no other is read. Does not wait; <see cref="Run"/> returns
    /// when it is done.</summary>
    public void Stop()
    {
        _stopRequested = true;
        if (_roster.IsEnded)
            return;
        int result = _channel.Wake();
        if (result < 0)
            _options.Trace?.Problem($"The reader could not be woken to stop (errno {-result}); it stops after the next request.");
        else
            _watchdog.KeepWaking();
    }

    /// <summary>
    /// Says that the current request's handler is about to do something that may block for ever. Call without holding any lock another request needs. Sections do not
    /// nest. On a thread that is no reader of this session it does nothing and returns true.
    /// </summary>
    /// <returns>False if the user (or everybody together) has too many readers stuck already: the request must be refused, and <see cref="LeaveBlocking"/> not called.</returns>
    public bool EnterBlocking(in BlockingCaller caller)
    {
        FuseReader? reader = t_reader;
        if (reader is null || !ReferenceEquals(reader.Session, this))
            return true;
        if (!_roster.Admits(reader, caller.Uid))
            return false;
        reader.Enter(in caller);
        _watchdog.SectionEntered();
        return true;
    }

    /// <summary>
    /// Ends the section. From here to the end of the handler other requests may be served at the same time if the section was long: take the file
    /// system's lock again, and expect that the request was answered meanwhile by <see cref="IFuseFileSystem.Interrupt"/>, its caller gone and its pid used again.
    /// </summary>
    public void LeaveBlocking()
    {
        FuseReader? reader = t_reader;
        if (reader is not null && ReferenceEquals(reader.Session, this))
            reader.Leave();
    }

    /// <summary>Fails the requests that are still held with ENODEV, where there is still somebody to tell. The channel is not closed. A session that
    /// is running should be stopped first; otherwise it ends after the next request.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        EndWith(FuseSessionEnd.Stopped, description: null);
        _desk.AnswerAll(SystemError.ENODEV);
        _watchdog.Stop();
        if (_roster.Readers.Length == 0)
            _watchdog.Dispose();
    }

    private FuseReader MakeReader() =>
        new(this, Math.Max((int)(_options.Demands.MaxWrite & ~4095U) + BufferHead, LeastBuffer), _desk.Take());

    /// <summary>A reader thread's life: it begins with the turn.</summary>
    private void Serve(FuseReader reader)
    {
        t_reader = reader;
        bool turnIsNew = true;
        try
        {
            while (!_roster.IsEnded)
            {
                if (_stopRequested)
                {
                    EndWith(FuseSessionEnd.Stopped, description: null);
                    break;
                }
                if (turnIsNew)
                {
                    turnIsNew = false;
                    _dispatcher.TakeTurn(reader);
                }
                else
                {
                    if (_fileSystem.HasPutOff)
                        AnswerPutOff();
                    else
                        _putOffFor = 0;
                    nint count = ReadRequest(reader);
                    if (count < 0)
                    {
                        turnIsNew = _roster.Stuck > 0;
                        continue;
                    }
                    _dispatcher.Dispatch(reader, reader.Input[..(int)count]);
                }
                if (reader.HasLostTurn)
                {
                    if (!_roster.RejoinOrLeave(reader))
                        break;
                    turnIsNew = true;
                }
            }
        }
        catch (FuseBugException bug)
        {
            EndWithBug(bug);
        }
        finally
        {
            t_reader = null;
            _roster.Remove(reader);
            reader.Dispose();
        }
    }

    /// <summary>Not while there are other requests, which may change the answer; but nobody is put off for long.</summary>
    private void AnswerPutOff()
    {
        if (_putOffFor < MostPutOff && _channel.HasRequest)
        {
            _putOffFor++;
            return;
        }
        _putOffFor = 0;
        _fileSystem.AnswerPutOff();
    }

    /// <returns>The size of a request, or a negative number when there is none; then the session may have ended.</returns>
    private nint ReadRequest(FuseReader reader)
    {
        nint count = _channel.Read(reader.Input);
        switch (-count)
        {
            case SystemError.EINTR or SystemError.EAGAIN or SystemError.ENOENT:
                break;
            case SystemError.ENODEV:
                EndWith(FuseSessionEnd.Unmounted, description: null);
                break;
            case SystemError.ECONNABORTED:
                EndWith(FuseSessionEnd.Aborted, description: null);
                break;
            case > 0:
                EndWith(FuseSessionEnd.Failed, $"Reading a request failed with errno {-count}.");
                break;
            case 0:
                EndWith(FuseSessionEnd.Failed, "The channel is at its end: no request was read.");
                return -1;
            default:
                break;
        }
        return count;
    }

    private void EndWith(FuseSessionEnd end, string? description)
    {
        lock (_endLock)
        {
            if (_end is null)
            {
                _end = end;
                EndDescription = description;
            }
        }
        _roster.End();
    }

    private void EndWithBug(FuseBugException bug)
    {
        lock (_endLock)
        {
            _bug ??= bug;
            _end ??= FuseSessionEnd.Failed;
            EndDescription ??= bug.Message;
        }
        _roster.End();
        // Another reader may have the turn, and wait for a request that need not come.
        _watchdog.KeepWaking();
    }
}
