using Kdbus.Engine.Files;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Names;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Requests;

/// <summary>
/// The permission to answer one request once, and the deadline for it. It belongs to the requester; the answerer is who
/// the request was sent to. It ends with the reply, at its deadline, or with either side.
/// </summary>
internal sealed class ReplyTracker : IHasDeadline
{
    public Connection Requester { get; set; } = null!;

    public Connection Answerer { get; set; } = null!;

    /// <summary>The name the request was sent to and goes with, or null.</summary>
    public NameEntry? Name { get; set; }

    public ulong Cookie { get; set; }

    /// <inheritdoc/>
    public ulong Deadline { get; set; }

    /// <summary>The requester waits inside its call, or was interrupted there.</summary>
    public bool Synchronous { get; set; }

    /// <summary>The call that waits, or 0: not synchronous, or interrupted by a signal.</summary>
    public ulong WaitingRequest { get; set; }

    /// <summary>From where the one who waits will look at the answer.</summary>
    public ReaderView View { get; set; }

    /// <summary>How the one who waits gets at descriptors.</summary>
    public DescriptorWay Way { get; set; }

    /// <summary>The one who waits has room for the answer itself.</summary>
    public bool HasRoom { get; set; }

    /// <summary>A reply has taken the permission and is being copied; the deadline still counts.</summary>
    public bool Answering { get; set; }

    /// <summary>A synchronous call has its result; if it was interrupted it picks that up when it is repeated.</summary>
    public bool Answered { get; set; }

    public Abi.Errno Result { get; set; }

    public QueuedMessage? Answer { get; set; }

    /// <summary>It is among the trackers that the answerer is expected to answer.</summary>
    public bool IsExpected { get; set; }

    public bool Ended { get; set; }

    /// <summary>The request is still in the answerer's queue.</summary>
    public bool Queued { get; set; }

    /// <summary>The request, or an answer to it, is on its way.</summary>
    public bool InTransfer { get; set; }

    /// <inheritdoc/>
    public int HeapIndex { get; set; } = -1;

    /// <summary>Neighbours among the trackers of the requester, newest first.</summary>
    public ReplyTracker? NewerRequest { get; set; }

    public ReplyTracker? OlderRequest { get; set; }

    /// <summary>Neighbours among the trackers of the answerer.</summary>
    public ReplyTracker? PreviousExpected { get; set; }

    public ReplyTracker? NextExpected { get; set; }

    /// <summary>Refers to nothing any more. It has ended, so it is in no list and has no answer.</summary>
    public void Clear()
    {
        Requester = Answerer = null!;
        Name = null;
        Cookie = Deadline = 0;
        Synchronous = HasRoom = Answering = Answered = Ended = false;
        View = default;
        Way = default;
        Result = Abi.Errno.OK;
    }
}

/// <summary>The trackers of one requester, newest first.</summary>
internal sealed class ReplyTrackers
{
    public ReplyTracker? Newest { get; private set; }

    public void Add(ReplyTracker tracker)
    {
        tracker.OlderRequest = Newest;
        if (Newest != null) Newest.NewerRequest = tracker;
        Newest = tracker;
    }

    public void Remove(ReplyTracker tracker)
    {
        if (tracker.NewerRequest == null) Newest = tracker.OlderRequest;
        else tracker.NewerRequest.OlderRequest = tracker.OlderRequest;
        if (tracker.OlderRequest != null) tracker.OlderRequest.NewerRequest = tracker.NewerRequest;
        tracker.NewerRequest = tracker.OlderRequest = null;
    }

    /// <summary>The newest tracker that <paramref name="answerer"/> may answer under this cookie.</summary>
    public ReplyTracker? Find(Connection answerer, ulong cookie)
    {
        for (var tracker = Newest; tracker != null; tracker = tracker.OlderRequest)
        {
            if (tracker.Cookie == cookie && tracker.Answerer == answerer && tracker.IsExpected) return tracker;
        }

        return null;
    }

    /// <summary>The newest synchronous call of this cookie that a signal interrupted.</summary>
    public ReplyTracker? FindInterrupted(ulong cookie)
    {
        for (var tracker = Newest; tracker != null; tracker = tracker.OlderRequest)
        {
            if (tracker.Cookie == cookie && tracker is { Synchronous: true, WaitingRequest: 0 }) return tracker;
        }

        return null;
    }
}

/// <summary>The trackers that one connection is expected to answer.</summary>
internal sealed class AnswerTrackers
{
    public ReplyTracker? First { get; private set; }

    public void Add(ReplyTracker tracker)
    {
        tracker.NextExpected = First;
        if (First != null) First.PreviousExpected = tracker;
        First = tracker;
    }

    public void Remove(ReplyTracker tracker)
    {
        if (tracker.PreviousExpected == null) First = tracker.NextExpected;
        else tracker.PreviousExpected.NextExpected = tracker.NextExpected;
        if (tracker.NextExpected != null) tracker.NextExpected.PreviousExpected = tracker.PreviousExpected;
        tracker.PreviousExpected = tracker.NextExpected = null;
    }
}
