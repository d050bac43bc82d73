using Kdbus.Abi;
using Kdbus.Engine.Files;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Names;

namespace Kdbus.Engine.Requests;

/// <summary>
/// The life of requests: from the tracker a request is sent with, to its reply, its deadline, or the death of either
/// side. One of these ends a tracker, exactly once; for a synchronous one it also ends the call that waits for it.
/// </summary>
internal sealed class Replies(Domain domain)
{
    private readonly DeadlineHeap<ReplyTracker> _deadlines = new();
    private readonly Dictionary<ulong, ReplyTracker> _waiting = [];

    public ulong NextDeadline => _deadlines.Earliest;

    /// <summary>Deadlines beyond what the clock can reach count as past.</summary>
    public static bool IsPast(ulong deadline, Instant now) => deadline > long.MaxValue || deadline <= now.Monotonic;

    /// <summary>How the caller, who wants descriptors, gets at them.</summary>
    public static DescriptorWay WayOf(scoped in Invocation call) => call.TakesDescriptors ? DescriptorWay.Sent : DescriptorWay.Missing;

    /// <summary>The tracker of a request that is on its way, for which a slot has been taken.</summary>
    public ReplyTracker Prepare(Connection requester, Connection answerer, NameEntry? name, ulong cookie, ulong deadline, bool synchronous)
    {
        var tracker = domain.Spares.Trackers.Take();
        tracker.Requester = requester;
        tracker.Answerer = answerer;
        tracker.Name = name;
        tracker.Cookie = cookie;
        tracker.Deadline = deadline;
        tracker.Synchronous = synchronous;
        tracker.InTransfer = true;
        return tracker;
    }

    /// <summary>The request did not get to anybody: the tracker has never started.</summary>
    public void NeverSent(ReplyTracker tracker)
    {
        tracker.Ended = true;
        Arrived(tracker);
    }

    /// <summary>The request, or the answer to it, is on its way no more.</summary>
    public void Arrived(ReplyTracker tracker)
    {
        tracker.InTransfer = false;
        ForgetUnused(tracker);
    }

    /// <summary>Takes a slot for a request: EMLINK if the requester has none left.</summary>
    public Errno TakeSlot(Connection requester)
    {
        if (requester.RequestSlots >= domain.Limits.Requests) return Errno.EMLINK;
        requester.RequestSlots++;
        return Errno.OK;
    }

    /// <summary>The request has been queued: the tracker starts, holding the slot together with the message.</summary>
    public void Start(ReplyTracker tracker, scoped in Invocation call)
    {
        tracker.Requester.Requests.Add(tracker);
        tracker.Answerer.Expected.Add(tracker);
        tracker.IsExpected = true;
        _deadlines.Add(tracker);
        if (tracker.Synchronous) Wait(tracker, call);
    }

    /// <summary>A call that a signal had interrupted is repeated; true if its answer is there already.</summary>
    public bool Resume(ReplyTracker tracker, scoped in Invocation call, out Completion completion)
    {
        completion = default;
        if (!tracker.Answered)
        {
            Wait(tracker, call);
            return false;
        }

        LookFrom(tracker, call);
        completion = Pickup(tracker, call.Request, call.Answer);
        End(tracker);
        return true;
    }

    /// <summary>
    /// A reply takes the permission. An asynchronous tracker is used up and this is false; a synchronous one lives on for its waiter, and
    /// goes with the transfer of the reply.
    /// </summary>
    public bool Take(ReplyTracker tracker)
    {
        if (!tracker.Synchronous)
        {
            End(tracker);
            return false;
        }

        tracker.Answering = true;
        tracker.InTransfer = true;
        Unexpect(tracker);
        return true;
    }

    /// <summary>
    /// A synchronous call has its result, with OK also its answer. If a signal interrupted it meanwhile the result is
    /// kept for when the call is repeated.
    /// </summary>
    public void FinishCall(ReplyTracker tracker, Errno result, QueuedMessage? answer = null)
    {
        Unexpect(tracker);
        tracker.Answered = true;
        tracker.Result = result;
        tracker.Answer = answer;
        if (tracker.WaitingRequest == 0) return;

        var request = tracker.WaitingRequest;
        var completion = Pickup(tracker, request, tracker.HasRoom ? domain.Effects.AnswerOf(request) : default);
        End(tracker);
        domain.Effects.Complete(completion);
    }

    /// <summary>The answerer has dropped the request, or is gone.</summary>
    public void NoAnswer(ReplyTracker tracker, Instant now)
    {
        if (tracker.Synchronous)
        {
            FinishCall(tracker, Errno.EPIPE);
            return;
        }

        var (requester, cookie) = (tracker.Requester, tracker.Cookie);
        End(tracker);
        Notifications.RequestEnded(domain, requester, ItemType.ReplyDead, cookie, now);
    }

    /// <summary>The request's message has left the answerer's queue.</summary>
    public void Unqueued(ReplyTracker tracker)
    {
        tracker.Queued = false;
        if (!tracker.Ended) return;
        tracker.Requester.RequestSlots--;
        ForgetUnused(tracker);
    }

    public void Interrupt(ulong request)
    {
        if (!_waiting.Remove(request, out var tracker)) return;
        tracker.WaitingRequest = 0;
        domain.Effects.Complete(new Completion(request, tracker.Requester.Handle.Id, Errno.EINTR, Restart: true));
    }

    public void Cancel(ulong request)
    {
        if (_waiting.TryGetValue(request, out var tracker)) Fail(tracker, Errno.ECANCELED);
    }

    public void Advance(Instant now)
    {
        while (_deadlines.TakeDue(now.Monotonic) is { } due)
        {
            var (requester, cookie, synchronous) = (due.Requester, due.Cookie, due.Synchronous);
            Fail(due, Errno.ETIMEDOUT);
            if (!synchronous) Notifications.RequestEnded(domain, requester, ItemType.ReplyTimeout, cookie, now);
        }
    }

    /// <summary>The requester is gone: its calls end with ECONNRESET, its trackers without a word.</summary>
    public void RequesterGone(Connection requester)
    {
        while (requester.Requests.Newest is { } tracker)
        {
            Fail(tracker, Errno.ECONNRESET);
        }
    }

    /// <summary>The tracker ends without an answer, and with it the call that waits for one, if any does.</summary>
    private void Fail(ReplyTracker tracker, Errno result)
    {
        var request = tracker.WaitingRequest;
        var handle = tracker.Requester.Handle.Id;
        End(tracker);
        if (request == 0) return;
        domain.Effects.Complete(new Completion(request, handle, result, Restart: false));
    }

    private void Wait(ReplyTracker tracker, scoped in Invocation call)
    {
        LookFrom(tracker, call);
        tracker.WaitingRequest = call.Request;
        _waiting.Add(call.Request, tracker);
    }

    private static void LookFrom(ReplyTracker tracker, scoped in Invocation call)
    {
        tracker.View = call.View;
        tracker.Way = WayOf(call);
        tracker.HasRoom = !call.Answer.IsEmpty;
    }

    private Completion Pickup(ReplyTracker tracker, ulong request, Span<byte> room)
    {
        var completion = new Completion(request, tracker.Requester.Handle.Id, tracker.Result, Restart: false);
        if (tracker.Answer is not { } answer) return completion;
        tracker.Answer = null;
        if (tracker.HasRoom)
        {
            var records = new AnswerRoom(room);
            Receiving.Hand(domain, tracker.Requester, answer, tracker.View, tracker.Way, ref records, out var handout, out var published);
            completion = completion with
            {
                Reception = new Reception(records.Messages, records.Bytes, Dropped: 0), Handout = handout, Published = published,
            };
        }
        else
        {
            var reply = Queueing.Publish(domain, tracker.Requester, answer, tracker.View, tracker.Way, out var handout);
            completion = completion with { Reply = reply, Handout = handout, Published = new PoolRange(reply) };
        }

        Queueing.Discard(domain, tracker.Requester, answer);
        return completion;
    }

    /// <summary>Whoever calls this has no more use for the tracker afterwards: it may be another one.</summary>
    private void End(ReplyTracker tracker)
    {
        tracker.Ended = true;
        if (tracker.Answer is { } unwanted)
        {
            Queueing.Discard(domain, tracker.Requester, unwanted);
            tracker.Answer = null;
        }

        if (tracker.WaitingRequest != 0)
        {
            _waiting.Remove(tracker.WaitingRequest);
            tracker.WaitingRequest = 0;
        }

        Unexpect(tracker);
        tracker.Requester.Requests.Remove(tracker);
        _deadlines.Remove(tracker);
        if (!tracker.Queued) tracker.Requester.RequestSlots--;
        ForgetUnused(tracker);
    }

    /// <summary>
    /// A tracker that has ended is in no list any more. Who else refers to it are the request while it is queued, and a transfer: the
    /// last one that does gives it back.
    /// </summary>
    private void ForgetUnused(ReplyTracker tracker)
    {
        if (!tracker.Ended || tracker.Queued || tracker.InTransfer) return;
        tracker.Clear();
        domain.Spares.Trackers.GiveBack(tracker);
    }

    private static void Unexpect(ReplyTracker tracker)
    {
        if (!tracker.IsExpected) return;
        tracker.IsExpected = false;
        tracker.Answerer.Expected.Remove(tracker);
    }
}
