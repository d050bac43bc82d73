using System.Buffers.Text;

namespace Kdbus.Linux;

/// <summary>
/// What <c>/proc/PID/status</c> says about a thread's signals, as masks: bit n - 1 is signal n. True as of the reading.
/// </summary>
/// <param name="Pending">Sent to the thread alone and not yet delivered.</param>
/// <param name="SharedPending">Sent to its process and not yet delivered to any thread.</param>
/// <param name="Blocked">Not to be delivered to it for now.</param>
/// <param name="Ignored">Ignored by the process.</param>
/// <param name="Threads">How many threads the process has.</param>
public readonly record struct SignalMasks(ulong Pending, ulong SharedPending, ulong Blocked, ulong Ignored, int Threads)
{
    /// <summary>Reads those of a thread whose directory is held open: 0, or -errno (-ESRCH: it is gone; -EPROTO: the text is not
    /// understood).</summary>
    /// <param name="directory">The thread.</param>
    /// <param name="buffer">Room, replaced by a larger array when too small.</param>
    /// <param name="masks">The result.</param>
    public static int Read(in ProcDirectory directory, ref byte[] buffer, out SignalMasks masks)
    {
        masks = default;
        int length = directory.Read("status\0"u8, ref buffer);
        return length < 0 ? length : TryParse(buffer.AsSpan(0, length), out masks) ? 0 : -SystemError.EPROTO;
    }

    /// <summary>Reads those of this process' first thread: 0 or -errno.</summary>
    public static int ReadOwn(out SignalMasks masks)
    {
        masks = default;
        int error = ProcDirectory.OpenSelf(out ProcDirectory self);
        if (error < 0)
            return error;
        byte[] buffer = new byte[4096];
        error = Read(self, ref buffer, out masks);
        self.Dispose();
        return error;
    }

    internal static bool TryParse(ReadOnlySpan<byte> status, out SignalMasks masks)
    {
        masks = default;
        if (!TryFind(status, "\nThreads:"u8, 'D', out ulong threads)
            || !TryFind(status, "\nSigPnd:"u8, 'x', out ulong pending)
            || !TryFind(status, "\nShdPnd:"u8, 'x', out ulong shared)
            || !TryFind(status, "\nSigBlk:"u8, 'x', out ulong blocked)
            || !TryFind(status, "\nSigIgn:"u8, 'x', out ulong ignored))
            return false;
        masks = new SignalMasks(pending, shared, blocked, ignored, (int)threads);
        return true;
    }

    private static bool TryFind(ReadOnlySpan<byte> status, ReadOnlySpan<byte> key, char format, out ulong value)
    {
        value = 0;
        int at = status.IndexOf(key);
        return at >= 0 && Utf8Parser.TryParse(status[(at + key.Length)..].TrimStart("\t "u8), out value, out _, format);
    }
}
