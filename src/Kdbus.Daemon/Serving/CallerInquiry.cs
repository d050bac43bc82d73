using Kdbus.Abi;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Engine;
using Kdbus.Engine.Processes;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving;

/// <summary>What was found out about who calls.</summary>
/// <param name="Caller">For policy.</param>
/// <param name="Process">What may be told about him; null if nothing is known.</param>
/// <param name="View">From where he looks at others.</param>
/// <param name="Pidfd">A pidfd of his process, as the engine takes it; 0 if there is none.</param>
internal readonly record struct Findings(Caller Caller, ProcessRecord? Process, ReaderView View, ulong Pidfd);

/// <summary>Finds out about callers what the engine needs to know, while they stand still in their calls and with no lock held.</summary>
internal sealed class CallerInquiry(ICallers callers, FuseSession session, MessageFileService files)
{
    /// <summary>
    /// EUSERS if the caller's memory would have to be read and he has too many readers stuck, EXDEV if he acts for somebody who
    /// is gone.
    /// </summary>
    /// <param name="needs">What is needed.</param>
    /// <param name="takesPidfd">A message may bring a pidfd along, and has none yet.</param>
    /// <param name="context">The request.</param>
    /// <param name="requester">For whom the command is issued.</param>
    /// <param name="argument">Address of the command.</param>
    /// <param name="findings">What was found out, also on errors; before, what was found out already.</param>
    public Errno FindOut(
        CallerNeeds needs, bool takesPidfd, in RequestContext context, in Requester requester, ulong argument, ref Findings findings)
    {
        var blocks = needs.Kinds.HasFlag(AttachFlags.Cmdline);
        if (blocks && !session.EnterBlocking(new BlockingCaller(context.Pid, context.Uid, argument))) return CommandService.TooManyStuck;
        var thread = requester.Thread;
        findings = new Findings(
            needs.Facts.HasFlag(CallerFacts.Ids) ? Identify(context, thread, needs.Facts) : default,
            needs.Kinds != AttachFlags.None ? callers.Describe(thread, needs.Kinds) : null,
            (needs.Facts & CallerFacts.View) != 0 ? callers.ViewOf(thread, needs.Facts) : default,
            takesPidfd && needs.Kinds.HasFlag(AttachFlags.Pidfd) ? files.TakeProcess(thread, context.Uid) : findings.Pidfd);
        if (blocks) session.LeaveBlocking();
        return requester.IsThere ? Errno.OK : Errno.EXDEV;
    }

    /// <summary>For a thread that another one represents there is no second source: if it cannot be seen any more, that will be noticed.</summary>
    private Caller Identify(in RequestContext context, int thread, CallerFacts facts) =>
        callers.Identify(thread, facts, capabilities: false, out var caller) == Errno.OK ? caller : CallerOf(context);

    /// <summary>
    /// A caller that is not visible in our pid namespace: the kernel still tells the ids it checks file access with. Nothing
    /// is known of its groups and of what its own numbers for ids mean, so it has none of either.
    /// </summary>
    public static Caller CallerOf(in RequestContext context) =>
        new(context.Uid, context.Uid, context.Gid, context.Gid, CapIpcOwner: false, context.Pid) { Maps = UserNamespaces.Nothing };
}
