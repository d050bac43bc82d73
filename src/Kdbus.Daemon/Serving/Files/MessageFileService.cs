using Kdbus.Engine.Files;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving.Files;

/// <summary>The files of messages: taken in with a SEND, handed out to who gets the message, closed when nobody holds them any more.</summary>
internal sealed class MessageFileService : IDisposable
{
    private readonly DomainHost _host;
    private readonly ICallers _callers;
    private readonly FuseSession _session;
    private readonly FileCloser _closer = new();
    private readonly FileIntake _intake;
    private readonly FileHandout _handout;

    /// <param name="host">The domain.</param>
    /// <param name="callers">The processes that call.</param>
    /// <param name="session">Watches over what may block.</param>
    /// <param name="capacity">Files that may be carried at a time.</param>
    public MessageFileService(DomainHost host, ICallers callers, FuseSession session, long capacity)
    {
        _host = host;
        _callers = callers;
        _session = session;
        _intake = new FileIntake(callers, _closer, capacity);
        _handout = new FileHandout(callers);
    }

    /// <summary>Files that are carried, or wait to be closed.</summary>
    public long Open => _closer.Open;

    /// <inheritdoc cref="FileIntake.Take"/>
    public ReadOnlySpan<SentFile> Take(scoped in RequestContext context, scoped ReadOnlySpan<byte> message, FuseReply reply, SentFile[] room) =>
        room.AsSpan(0, _intake.Take(context.Pid, context.Uid, _host.Domain.Limits, message, reply, room));

    /// <inheritdoc cref="FileIntake.TakeProcess"/>
    public ulong TakeProcess(int thread, uint uid) => _intake.TakeProcess(thread, uid);

    /// <summary>Closes what was taken in for a command that the engine was not told of.</summary>
    public void Discard(ReadOnlySpan<SentFile> files, ulong pidfd, in BlockingCaller caller)
    {
        if (files.IsEmpty && pidfd == 0) return;
        var taken = new List<ulong>();
        foreach (var file in files)
        {
            if (file.Found == Abi.Errno.OK) taken.Add(file.File);
        }

        if (pidfd != 0) taken.Add(pidfd);
        Close(taken, caller);
    }

    /// <summary>Closes files, most of them before this returns.</summary>
    public void Close(IReadOnlyList<ulong> files, in BlockingCaller caller)
    {
        if (files.Count == 0) return;
        var mayWait = _session.EnterBlocking(caller);
        _closer.Close(files, mayWait);
        if (mayWait) _session.LeaveBlocking();
    }

    /// <summary>Closes files where nobody watches over what may block.</summary>
    public void CloseWithoutWaiting(IReadOnlyList<ulong> files) => _closer.Close(files, mayWait: false);

    /// <summary>Hands out what comes with a message; false if that cannot be done.</summary>
    /// <param name="handout">What comes with it.</param>
    /// <param name="caller">Who gets it.</param>
    /// <param name="socket">The number of his socket, if he has named one.</param>
    /// <param name="isThere">Whether he still is: his number may be another's when his call was answered.</param>
    public bool HandOut(Handout handout, in BlockingCaller caller, int socket, bool isThere)
    {
        var done = false;
        if (isThere && _session.EnterBlocking(caller))
        {
            done = _handout.Run(handout, caller.Pid, socket);
            _session.LeaveBlocking();
        }

        IReadOnlyList<ulong> unheld;
        using (_host.Enter())
        {
            handout.End(done);
            unheld = _host.TakeUnheldFiles();
        }

        Close(unheld, caller);
        return done;
    }

    public void Dispose() => _closer.Dispose();
}
