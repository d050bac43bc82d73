using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>What the engine asked to have done, in order.</summary>
internal sealed class RecordedEffects : IEffects
{
    public List<ulong> Wakes { get; } = [];

    public List<Completion> Completions { get; } = [];

    public List<Refusal> Refusals { get; } = [];

    public List<ulong> ClosedFiles { get; } = [];

    /// <summary>By the call that gets it: what is to be handed out and has not been yet.</summary>
    public Dictionary<ulong, Handout> Handouts { get; } = [];

    /// <summary>Told of everything at the moment it happens.</summary>
    public Action<string>? Log { get; set; }

    /// <summary>Forgets what was asked for.</summary>
    public void Clear()
    {
        Wakes.Clear();
        Completions.Clear();
        Refusals.Clear();
    }

    public void Wake(ulong handle)
    {
        Wakes.Add(handle);
        Log?.Invoke($"wake {handle}");
    }

    public void Complete(in Completion completion)
    {
        Completions.Add(completion);
        if (completion.Handout is { } handout) Handouts.Add(completion.Request, handout);
        Log?.Invoke($"complete {Text(completion)}");
    }

    /// <summary>By the call that waits: the room it has for messages.</summary>
    public Dictionary<ulong, byte[]> Answers { get; } = [];

    public Span<byte> AnswerOf(ulong request) => Answers[request];

    public void CloseFile(ulong file)
    {
        ClosedFiles.Add(file);
        Log?.Invoke($"close file {file}");
    }

    public void Refused(in Refusal refusal)
    {
        Refusals.Add(refusal);
        Log?.Invoke($"refused {refusal.Receiver.Id} from {refusal.Sender?.Id}: {refusal.Size} {refusal.Reason}");
    }

    /// <summary>How the call ended; it must have, once.</summary>
    public Completion Of(ulong request) => Assert.Single(Completions, completion => completion.Request == request);

    public static string Text(in Completion completion) =>
        $"{completion.Request} on {completion.Handle}: {completion.Result} restart={completion.Restart} {Text(completion.Reply)} {completion.Reception}{HandoutText.Of(completion.Handout)}";

    public static string Text(in KdbusMsgInfo info) => $"[{info.Offset}+{info.MsgSize} {info.ReturnFlags}]";
}
