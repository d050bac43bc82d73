namespace Kdbus.Linux.Tests;

public class SignalTests
{
    [Fact]
    public void Masks_are_read_from_the_text_of_the_kernel()
    {
        ReadOnlySpan<byte> text = "Name:\tSigPnd: x\nThreads:\t3\nSigQ:\t1/2\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000000002\n"u8;
        Assert.False(SignalMasks.TryParse(text, out _));
        byte[] whole = [.. text, .. "SigBlk:\t0000000000000004\nSigIgn:\t8000000000000008\nSigCgt:\t0000000000000010\n"u8];
        Assert.True(SignalMasks.TryParse(whole, out SignalMasks masks));
        Assert.Equal(new SignalMasks(1, 2, 4, 0x8000000000000008, 3), masks);
    }

    [Fact]
    public void A_signal_that_is_ignored_is_seen_as_such()
    {
        Assert.Equal(0, SignalMasks.ReadOwn(out SignalMasks own));
        // The runtime does that.
        Assert.NotEqual(0UL, own.Ignored & Signals.MaskOf(Signals.BrokenPipe));
        Assert.True(own.Threads > 1);
    }

    [Fact]
    public void A_pidfd_takes_signals_until_its_process_is_gone()
    {
        using OtherProcess other = OtherProcess.Start();
        int pidfd = PidFd.Open(other.Pid);
        Assert.Equal(0, PidFd.Signal(pidfd, Signals.Kill));
        Assert.Equal(128 + Signals.Kill, other.End());
        Assert.Equal(-SystemError.ESRCH, PidFd.Signal(pidfd, Signals.Kill));
        _ = FileDescriptor.Close(pidfd);
    }
}
