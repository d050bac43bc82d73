using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>
/// The threads that take calls. There is always one that waits for the next call while others make calls that may take long; those that are too
/// many end.
/// </summary>
internal sealed class Attendants(int listener)
{
    // One serves while another one waits: also a caller whose memory does not answer holds up nobody else, up to a number.
    private const int AlwaysEnough = 4;
    private const int MostFree = 4;

    private readonly Callers _callers = new(listener);
    private readonly KdbusFiles _files = new();
    private readonly Interrupter _interrupter = new(listener);
    private int _free;
    private int _all;

    /// <summary>Starts one more: 0, or -errno (-EAGAIN: the user may have no more threads).</summary>
    internal int Start()
    {
        int error = Attendant.Create(this, listener, _callers, _files, _interrupter, out Attendant? attendant);
        if (error < 0)
            return error;
        _ = Interlocked.Increment(ref _all);
        _ = Interlocked.Increment(ref _free);
        try
        {
            new Thread(attendant!.Serve, 256 * 1024) { IsBackground = true, Name = "attendant" }.Start();
            return 0;
        }
        catch (OutOfMemoryException)
        {
            // What the runtime says when the system refuses a thread.
            _ = Interlocked.Decrement(ref _all);
            _ = Interlocked.Decrement(ref _free);
            attendant!.Dispose();
            return -SystemError.EAGAIN;
        }
    }

    /// <summary>One of them has taken a call.</summary>
    internal void Busy()
    {
        if (Interlocked.Decrement(ref _free) == 0 && Volatile.Read(ref _all) < AlwaysEnough)
            _ = Start();
    }

    /// <summary>The call that it has taken may take long: false if it must not, since nobody would be left for others.</summary>
    internal bool BusyForLong() => Volatile.Read(ref _free) > 0 || Start() == 0;

    /// <summary>One of them is done with a call: whether it is to take another one.</summary>
    internal bool Free()
    {
        if (Interlocked.Increment(ref _free) <= MostFree)
            return true;
        _ = Interlocked.Decrement(ref _free);
        _ = Interlocked.Decrement(ref _all);
        return false;
    }
}
