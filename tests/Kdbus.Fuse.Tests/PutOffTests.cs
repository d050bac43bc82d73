using Kdbus.Fuse.Tests.Infrastructure;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests;

/// <summary>Answers that a file system puts off until there is nothing else to do.</summary>
public sealed class PutOffTests
{
    private readonly List<string> _events = [];
    private HeldReply _putOff;

    /// <summary>POLL is put off, FLUSH is answered at once; the first FLUSH waits for the gate.</summary>
    private RunningSession Start(ManualResetEventSlim gate)
    {
        var running = new RunningSession(new FuseSessionOptions());
        running.FileSystem.OnPoll = (in _, reply) => _putOff = reply.Hold();
        running.FileSystem.OnFlush = (in request, reply) =>
        {
            if (request.Handle == 0)
                gate.Wait(TimeSpan.FromSeconds(60));
            else
                _events.Add($"flush {request.Handle}");
            reply.Ok();
        };
        running.FileSystem.OnHasPutOff = () => _putOff.IsPending;
        running.FileSystem.OnAnswerPutOff = () =>
        {
            _events.Add("put off");
            _putOff.Poll(1);
        };
        return running;
    }

    private static ulong Poll(RunningSession running) => running.Kernel.Submit(FuseOpcode.Poll, default(FusePollIn));

    private static ulong Flush(RunningSession running, ulong handle) => running.Kernel.Submit(FuseOpcode.Flush, new FuseFlushIn { Fh = handle });

    [Fact]
    public void They_are_given_before_the_reader_would_wait()
    {
        using var open = new ManualResetEventSlim(initialState: true);
        using RunningSession running = Start(open);
        Assert.Equal(0, running.Kernel.Wait(Poll(running)).Error);
        Assert.Equal(["put off"], _events);
    }

    [Fact]
    public void Requests_that_are_there_go_first_but_only_a_few()
    {
        using var gate = new ManualResetEventSlim();
        using RunningSession running = Start(gate);
        ulong first = Flush(running, 0);
        ulong poll = Poll(running);
        ulong last = 0;
        for (ulong handle = 1; handle <= 6; handle++)
            last = Flush(running, handle);

        gate.Set();
        Assert.Equal(0, running.Kernel.Wait(first).Error);
        Assert.Equal(0, running.Kernel.Wait(poll).Error);
        Assert.Equal(0, running.Kernel.Wait(last).Error);
        Assert.Equal(["flush 1", "flush 2", "flush 3", "put off", "flush 4", "flush 5", "flush 6"], _events);
    }

    [Fact]
    public void One_that_another_request_has_answered_is_not_given_again()
    {
        using var gate = new ManualResetEventSlim();
        using RunningSession running = Start(gate);
        Handler<FlushRequest> flush = running.FileSystem.OnFlush;
        running.FileSystem.OnFlush = (in request, reply) =>
        {
            if (request.Handle == 1)
                _putOff.Poll(2);
            flush(in request, reply);
        };
        ulong first = Flush(running, 0);
        ulong poll = Poll(running);
        ulong last = Flush(running, 1);

        gate.Set();
        Assert.Equal(0, running.Kernel.Wait(first).Error);
        Assert.Equal(0, running.Kernel.Wait(poll).Error);
        Assert.Equal(0, running.Kernel.Wait(last).Error);
        Assert.Equal(["flush 1"], _events);
    }
}
