using Kdbus.Fuse.Tests.Infrastructure;

namespace Kdbus.Fuse.Tests;

/// <summary>
/// What the program sees when a signal meets a held ioctl, for each way to answer the INTERRUPT. An ioctl result of -512 (ERESTARTSYS) behind a header without
/// error reaches the kernel's signal code as if the call were a native one: restarted or EINTR as sigaction(2) says.
/// </summary>
public sealed class SignalTests
{
    private const int SIGKILL = 9;
    private const int SIGCONT = 18;
    private const int SIGSTOP = 19;

    private static RealMount.Client Hold(RealMount mount, string handler)
    {
        RealMount.Client client = mount.StartClient();
        client.Say($"handler {handler}");
        client.Say($"ioctl {TinyFileSystem.Hold:x}");
        RunningSession.Eventually(() => mount.Files.Holds == 1, "the call is held");
        return client;
    }

    [Theory]
    [InlineData("restart")]
    [InlineData("norestart")]
    public void An_error_in_the_header_is_EINTR_whatever_the_handler_wants(string handler)
    {
        using var mount = new RealMount();
        mount.Files.OnSignal = OnSignal.Interrupt;
        RealMount.Client client = Hold(mount, handler);
        client.Say("signal worker");
        Assert.Equal("ioctl -1 errno 4 handled 1 data 0123456789abcde", client.Line());
        Assert.Equal(1, mount.Files.Holds);
    }

    [Fact]
    public void Restart_code_and_handler_with_SA_RESTART_repeat_the_call_unseen()
    {
        using var mount = new RealMount();
        mount.Files.OnSignal = OnSignal.Restart;
        RealMount.Client client = Hold(mount, "restart");
        for (int round = 2; round <= 4; round++)
        {
            client.Say("signal worker");
            RunningSession.Eventually(() => mount.Files.Holds == round, "the call came again");
        }
        Assert.True(client.IsSilent);
        Assert.Equal(1, mount.Files.Complete());
        Assert.Equal("ioctl 0 errno 0 handled 3 data held 4", client.Line());
    }

    [Fact]
    public void Restart_code_and_handler_without_SA_RESTART_are_EINTR()
    {
        using var mount = new RealMount();
        mount.Files.OnSignal = OnSignal.Restart;
        RealMount.Client client = Hold(mount, "norestart");
        client.Say("signal worker");
        Assert.Equal("ioctl -1 errno 4 handled 1 data 0123456789abcde", client.Line());
        Assert.Equal(1, mount.Files.Holds);
    }

    [Fact]
    public void An_ignored_signal_does_not_interrupt()
    {
        using var mount = new RealMount();
        mount.Files.OnSignal = OnSignal.Restart;
        RealMount.Client client = Hold(mount, "ignore");
        client.Say("signal worker");
        client.Say("signal process");
        client.Say("signal main");
        Assert.Equal("handled 0", client.Line());
        Assert.Equal(1, mount.Files.Complete());
        Assert.Equal("ioctl 0 errno 0 handled 0 data held 1", client.Line());
        Assert.Equal((0, 1), (mount.Files.Interrupts, mount.Files.Holds));
    }

    [Fact]
    public void A_signal_that_another_thread_takes_does_not_interrupt()
    {
        using var mount = new RealMount();
        mount.Files.OnSignal = OnSignal.Restart;
        RealMount.Client client = Hold(mount, "norestart");
        client.Say("signal main");
        Assert.Equal("handled 1", client.Line());
        client.Say("signal process");
        client.Say("signal main");
        Assert.Equal("handled 3", client.Line());
        Assert.Equal(1, mount.Files.Complete());
        Assert.Equal("ioctl 0 errno 0 handled 3 data held 1", client.Line());
        Assert.Equal((0, 1), (mount.Files.Interrupts, mount.Files.Holds));
    }

    [Fact]
    public void A_signal_at_the_process_reaches_the_calling_thread_when_no_other_can_take_it()
    {
        using var mount = new RealMount();
        mount.Files.OnSignal = OnSignal.Restart;
        RealMount.Client client = mount.StartClient();
        client.Say("handler norestart");
        // The worker is started first, so that it does not inherit the mask.
        client.Say($"ioctl {TinyFileSystem.Hold:x}");
        RunningSession.Eventually(() => mount.Files.Holds == 1, "the call is held");
        client.Say("block main");
        client.Say("signal process");
        Assert.Equal("ioctl -1 errno 4 handled 1 data 0123456789abcde", client.Line());
    }

    [Theory]
    [InlineData("restart")]
    [InlineData("norestart")]
    public void Stopping_and_continuing_repeats_the_call_unseen(string handler)
    {
        using var mount = new RealMount();
        mount.Files.OnSignal = OnSignal.Restart;
        RealMount.Client client = Hold(mount, handler);
        client.Signal(SIGSTOP);
        RunningSession.Eventually(() => client.State() == 'T', "the client is stopped");
        Assert.Equal(1, mount.Files.Holds);
        client.Signal(SIGCONT);
        RunningSession.Eventually(() => mount.Files.Holds == 2, "the call came again");
        Assert.True(client.IsSilent);
        Assert.Equal(1, mount.Files.Complete());
        Assert.Equal("ioctl 0 errno 0 handled 0 data held 2", client.Line());
    }

    [Fact]
    public void A_kill_ends_the_process_as_soon_as_the_interrupt_is_answered()
    {
        using var mount = new RealMount();
        mount.Files.OnSignal = OnSignal.Restart;
        RealMount.Client client = Hold(mount, "restart");
        client.Signal(SIGKILL);
        Assert.True(client.HasExited(TimeSpan.FromSeconds(60)));
        Assert.Equal((1, 1), (mount.Files.Interrupts, mount.Files.Holds));
    }

    [Fact]
    public void A_kill_does_not_end_a_process_whose_interrupt_is_ignored()
    {
        using var mount = new RealMount();
        RealMount.Client client = Hold(mount, "restart");
        client.Signal(SIGKILL);
        RunningSession.Eventually(() => mount.Files.Interrupts == 1, "the interrupt came");
        Assert.False(client.HasExited(TimeSpan.FromMilliseconds(200)));
        Assert.Equal(1, mount.Files.Complete());
        Assert.True(client.HasExited(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void A_restart_code_without_a_signal_reaches_the_program_as_errno_512()
    {
        using var mount = new RealMount();
        RealMount.Client client = mount.StartClient();
        client.Say($"ioctl {TinyFileSystem.RestartWithoutSignal:x}");
        Assert.Equal("ioctl -1 errno 512 handled 0 data 0123456789abcde", client.Line());
    }

    [Fact]
    public void An_interrupt_comes_once_per_call_however_many_signals_there_are()
    {
        using var mount = new RealMount();
        RealMount.Client client = Hold(mount, "restart");
        client.Say("signal worker");
        RunningSession.Eventually(() => mount.Files.Interrupts == 1, "the interrupt came");
        for (int i = 0; i < 5; i++)
        {
            client.Say("signal worker");
            client.Say("signal main");
            client.Line();
        }
        Assert.Equal(1, mount.Files.Interrupts);
        Assert.Equal(1, mount.Files.Complete());
        Assert.StartsWith("ioctl 0 errno 0", client.Line(), StringComparison.Ordinal);
    }
}
