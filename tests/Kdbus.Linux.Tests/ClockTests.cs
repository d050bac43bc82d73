namespace Kdbus.Linux.Tests;

public sealed class ClockTests
{
    [Fact]
    public void The_monotonic_clock_is_the_one_of_Stopwatch()
    {
        long before = System.Diagnostics.Stopwatch.GetTimestamp();
        long now = Clock.MonotonicNanoseconds;
        long after = System.Diagnostics.Stopwatch.GetTimestamp();
        Assert.InRange(now, before, after);
    }

    [Fact]
    public void The_real_time_clock_is_the_one_of_DateTime()
    {
        long before = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
        long now = Clock.RealtimeNanoseconds;
        long after = ((DateTime.UtcNow - DateTime.UnixEpoch).Ticks + 1) * 100;
        Assert.InRange(now, before, after);
    }

    [Fact]
    public void A_timer_fires_at_its_deadline_and_not_before()
    {
        int timer = TimerFd.Create();
        try
        {
            PollEntry[] entry = [new(timer, PollEvents.In)];
            long deadline = Clock.MonotonicNanoseconds + 20_000_000;
            Assert.Equal(0, TimerFd.Set(timer, deadline));
            Assert.Equal(1, FileDescriptor.Poll(entry, -1));
            Assert.True(Clock.MonotonicNanoseconds >= deadline);
            Assert.Equal(1, TimerFd.Drain(timer));
            Assert.Equal(0, TimerFd.Drain(timer));
        }
        finally
        {
            _ = FileDescriptor.Close(timer);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    [InlineData(1)]
    public void A_deadline_long_past_fires_at_once(long deadline)
    {
        int timer = TimerFd.Create();
        try
        {
            Assert.Equal(0, TimerFd.Set(timer, deadline));
            Assert.Equal(1, FileDescriptor.Poll([new PollEntry(timer, PollEvents.In)], -1));
        }
        finally
        {
            _ = FileDescriptor.Close(timer);
        }
    }

    [Fact]
    public void A_disarmed_timer_does_not_fire()
    {
        int timer = TimerFd.Create();
        try
        {
            Assert.Equal(0, TimerFd.Set(timer, 1));
            Assert.Equal(0, TimerFd.Disarm(timer));
            Assert.Equal(0, FileDescriptor.Poll([new PollEntry(timer, PollEvents.In)], 0));
        }
        finally
        {
            _ = FileDescriptor.Close(timer);
        }
    }

    [Fact]
    public void An_event_counts_until_it_is_drained()
    {
        int counter = EventFd.Create();
        try
        {
            Assert.Equal(0, EventFd.Drain(counter));
            Assert.Equal(0, EventFd.Signal(counter));
            Assert.Equal(0, EventFd.Signal(counter));
            Assert.Equal(2, EventFd.Drain(counter));
            Assert.Equal(0, EventFd.Drain(counter));
        }
        finally
        {
            _ = FileDescriptor.Close(counter);
        }
        Assert.Equal(-SystemError.EBADF, EventFd.Signal(-1));
        Assert.Equal(-SystemError.EBADF, EventFd.Drain(-1));
    }
}
