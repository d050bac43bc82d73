namespace Kdbus.Linux.Tests;

/// <summary>capget(2) says what /proc says.</summary>
public sealed class ThreadCapabilitiesTests
{
    [Fact]
    public void A_thread_has_the_capabilities_that_its_status_shows()
    {
        var status = new TaskStatus();
        Assert.Equal(0, status.Read(CurrentProcess.ThreadId));
        Assert.Equal(0, ThreadCapabilities.Of(CurrentProcess.ThreadId, out ThreadCapabilities own));
        Assert.Equal((status.CapEffective, status.CapPermitted), (own.Effective, own.Permitted));
        Assert.Equal(0, status.Read(1));
        Assert.Equal(0, ThreadCapabilities.Of(1, out ThreadCapabilities others));
        Assert.Equal((status.CapEffective, status.CapPermitted), (others.Effective, others.Permitted));
    }

    [Fact]
    public void Nobody_has_none() => Assert.Equal(-SystemError.ESRCH, ThreadCapabilities.Of(int.MaxValue, out _));
}
