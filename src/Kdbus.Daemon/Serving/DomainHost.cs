using Kdbus.Engine;
using Kdbus.Fuse;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>A synchronous call that waits for its answer.</summary>
/// <param name="Reply">The request, still unanswered.</param>
/// <param name="File">The handle it came on.</param>
/// <param name="Thread">The caller.</param>
/// <param name="Uid">Its user, for whom a stuck store counts.</param>
/// <param name="Argument">Address of the command in the caller's memory.</param>
internal readonly record struct PendingCall(HeldReply Reply, OpenFile File, int Thread, uint Uid, ulong Argument);

/// <summary>
/// The domain behind its lock, together with what the daemon keeps beside it: the open files and the calls that wait.
/// What the engine wants done is collected while the lock is held and carried out by the same thread afterwards, so the
/// lock is never held across a system call that somebody else could delay.
/// </summary>
internal sealed class DomainHost : IEffects
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, OpenFile> _files = [];
    private readonly Dictionary<ulong, PendingCall> _pending = [];
    private ulong _lastHandle;

    public DomainHost() => Domain = new Domain(this);

    /// <summary>The engine; only under <see cref="Enter"/>.</summary>
    public Domain Domain { get; }

    /// <summary>Told, outside the lock, when a deadline earlier than all before it exists.</summary>
    public DeadlineTimer? Timer { get; set; }

    /// <summary>Open files, for diagnosis; only under <see cref="Enter"/>.</summary>
    public IReadOnlyCollection<OpenFile> Files => _files.Values;

    /// <summary>Both clocks, now.</summary>
    public static Instant Now => new((ulong)Clock.MonotonicNanoseconds, (ulong)Clock.RealtimeNanoseconds);

    /// <summary>Takes the lock. Leave it before anything that may block.</summary>
    public Lock.Scope Enter() => _lock.EnterScope();

    /// <summary>A handle number that was never used; only under <see cref="Enter"/>.</summary>
    public ulong NextHandle() => ++_lastHandle;

    public OpenFile? FindFile(ulong handle) => _files.GetValueOrDefault(handle);

    public void Add(OpenFile file) => _files.Add(file.Handle, file);

    public OpenFile? RemoveFile(ulong handle) => _files.Remove(handle, out var file) ? file : null;

    /// <summary>The call is pending from now on; in the same critical section in which the engine said so.</summary>
    public void Add(ulong request, in PendingCall call) => _pending.Add(request, call);

    /// <inheritdoc/>
    public void Wake(ulong handle)
    {
        if (!_files.TryGetValue(handle, out var file) || !file.PollArmed) return;
        file.PollArmed = false;
        CallBuffers.OfThisThread.Wakes.Add(file.PollHandle);
    }

    /// <inheritdoc/>
    public void Complete(in Completion completion)
    {
        if (_pending.Remove(completion.Request, out var call)) CallBuffers.OfThisThread.Completions.Add((call, completion));
    }

    /// <inheritdoc/>
    public void Removed(Node node)
    {
        // Names are never cached by the kernel, so there is nothing to invalidate.
    }
}
