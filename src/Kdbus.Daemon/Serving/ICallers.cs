using Kdbus.Abi;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Daemon.Serving.Processes;
using Kdbus.Engine;
using Kdbus.Engine.Processes;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// The processes that call us, while they are stopped inside their calls. Reading and writing may block for as long as
/// the caller's memory pleases: only inside a blocking section, and never under a lock.
/// </summary>
internal interface ICallers
{
    /// <summary>Copies from the caller's memory: bytes copied (fewer if the rest is not accessible), or -errno.</summary>
    nint Read(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote);

    /// <summary>Copies into the caller's memory: bytes copied (fewer if the rest is not accessible), or -errno.</summary>
    nint Write(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote);

    /// <summary>
    /// Who the calling thread is now, as far as it is asked for; capabilities too only when asked for, which costs more.
    /// ESRCH if it cannot be seen from here.
    /// </summary>
    Errno Identify(int thread, CallerFacts facts, bool capabilities, out Caller caller);

    /// <summary>
    /// What may be told of the calling thread and its process now, as far as it is asked for and can be had; null if it cannot
    /// be seen from here. <see cref="AttachFlags.Cmdline"/> is read from its memory and may block as long as that pleases.
    /// </summary>
    ProcessRecord? Describe(int thread, AttachFlags kinds);

    /// <summary>From where the calling thread looks at others now, as far as it is asked for and can be had.</summary>
    ReaderView ViewOf(int thread, CallerFacts facts);

    /// <summary>Whom the calling thread means by these numbers.</summary>
    NamedProcesses Name(int thread, in KdbusPids pids);

    /// <summary>
    /// A copy of one of the calling thread's descriptors, which belongs to whoever asked for it: EBADF if it has none of that
    /// number, EINVAL for one whose file must not be waited for, EMFILE or ENOMEM if we can have no more.
    /// </summary>
    Errno CopyDescriptor(int thread, int number, out int copy);

    /// <summary>
    /// A copy of one of the calling thread's descriptors that it sends to others, whoever serves the file: EBADF if it has none of
    /// that number, EMFILE or ENOMEM if we can have no more.
    /// </summary>
    Errno CopyFile(int thread, int number, bool isMemfd, out CopiedFile copy);

    /// <summary>A pidfd of the calling thread's process, which belongs to whoever asked for it, or -errno.</summary>
    int OpenProcess(int thread);

    /// <summary>
    /// The thread that one of the calling thread's descriptors means, if the caller may act for it; null if not. It belongs to whoever
    /// asked for it.
    /// </summary>
    Represented? FindRepresented(int thread, int number);
}
