using Kdbus.Abi;
using Kdbus.Engine;
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
    Errno Identify(int thread, CallerNeeds needs, bool capabilities, out Caller caller);

    /// <summary>
    /// A copy of one of the calling thread's descriptors, which belongs to whoever asked for it: EBADF if it has none of that
    /// number, EINVAL for one whose file must not be waited for, EMFILE or ENOMEM if we can have no more.
    /// </summary>
    Errno CopyDescriptor(int thread, int number, out int copy);
}
