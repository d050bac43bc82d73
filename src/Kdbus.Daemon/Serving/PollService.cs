using Kdbus.Engine;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// poll(2). Whoever waits asks twice, before he sleeps and when he is woken. A first question that would be answered "nothing there" is put off
/// while other requests are there to be served, for one of them is often what he waits for: then he need neither sleep nor ask again.
/// </summary>
internal sealed class PollService(DomainHost host)
{
    private const uint PollIn = 0x001 | 0x040; // POLLIN | POLLRDNORM
    private const uint PollOut = 0x004 | 0x100; // POLLOUT | POLLWRNORM
    private const uint PollGone = 0x008 | 0x010; // POLLERR | POLLHUP

    /// <summary>There are answers that were put off.</summary>
    public bool HasPutOff => host.HasPutOff;

    public void Run(in PollRequest request, FuseReply reply)
    {
        PollState state;
        using (host.Enter())
        {
            state = host.Domain.Poll(request.Handle);
            var file = host.FindFile(request.Handle);
            if (file is { Content: not null })
            {
                state = PollState.Readable;
            }
            else if (request.WantsNotification && file != null)
            {
                file.PollHandle = request.PollHandle;
                if (state == PollState.Idle && file.PutOffPoll.IsNone)
                {
                    host.PutOff(file, reply.Hold());
                    return;
                }

                file.PollArmed = true;
            }
        }

        reply.Poll(EventsOf(state));
    }

    /// <summary>Answers what was put off: from now on those who asked have to be woken.</summary>
    public void AnswerPutOff()
    {
        while (true)
        {
            HeldReply reply;
            PollState state;
            using (host.Enter())
            {
                if (!host.TakePutOff(out var file)) return;
                reply = file.PutOffPoll;
                file.PutOffPoll = default;
                file.PollArmed = true;
                state = host.Domain.Poll(file.Handle);
            }

            reply.Poll(EventsOf(state));
        }
    }

    /// <summary>What poll(2) is told.</summary>
    public static uint EventsOf(PollState state) => state switch
    {
        PollState.HungUp => PollGone,
        PollState.Readable => PollIn | PollOut,
        _ => PollOut,
    };
}
