using System.CommandLine;
using System.Text.Json.Nodes;
using Kdbus.Abi;
using Kdbus.Cli.Watching;
using Kdbus.Client;

namespace Kdbus.Cli.Capture;

/// <summary><c>kdbusctl replay</c>: sends what was said to a service again, and compares what it answers.</summary>
internal static class ReplayCommand
{
    private static readonly Sheet<Difference> s_sheet = new Sheet<Difference>()
        .Column("#", "number", static row => Cell.Of(row.Turn.Number), isNumber: true)
        .Column("COOKIE", "cookie", static row => Cell.Of(row.Turn.Message.Header.Cookie), rank: 2, isNumber: true)
        .Column("REQUEST", "request", static row => Cell.Of(Request(row.Turn.Message)), rank: 1)
        .Column("CAPTURED", "captured", static row => Cell.Of(row.Captured?.Describe(), "green"))
        .Column("NOW", "now", static row => Cell.Of(row.Now.Describe(), "red"));

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> file = new("FILE") { Description = "a capture; - is standard input" };
        Option<string> to = Side("--to", "who gets it", "-d");
        to.Required = true;
        Option<string> of = Side("--of", "send what was sent to this one; without it, to whoever was asked the most");
        Option<bool> timing = new("--timing") { Description = "keep the distances in time of the capture, and do not wait for answers in between; without it each request follows the answer to the one before" };
        Option<bool> ignore = new("--ignore-payload") { Description = "compare only whether there is an answer, its payload type and number of descriptors, and names of errors" };
        Option<int> count = CommonOptions.Count("send no more than so many messages");
        TimeOption timeout = CommonOptions.Timeout("how long each answer may take; 25s if nothing is said", TimeSpan.FromSeconds(25));
        Command command = new("replay", "Send again what a capture has of a conversation with a service, and compare the answers. Exit code 1 if any differs.")
        {
            file, to, of, timing, ignore, count, timeout, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Invocation.SetAction(command, async invocation =>
        {
            Conversation conversation = Read(invocation, invocation.Get(file), invocation.Get(of) is { } side ? SideRule.Parse(side) : null);
            SideRule target = SideRule.Parse(invocation.Get(to)!);
            Destination destination = target.Name is { } name ? Destination.OwnerOf(name) : Destination.Connection(target.Id);
            List<Turn> turns = [.. conversation.Turns.Where(static turn => turn.Why is null).Take(invocation.Has(count) ? invocation.Get(count) : int.MaxValue)];
            BusConnection bus = await invocation.ConnectAsync().ConfigureAwait(false);
            await using (bus.ConfigureAwait(false))
            {
                Replay replay = new(bus, destination, invocation.Get(timeout));
                await (invocation.Get(timing) ? replay.RunTimedAsync(turns, invocation.Ending) : replay.RunAsync(turns, invocation.Ending)).ConfigureAwait(false);
                return Report(invocation.Output, conversation, replay, destination, invocation.Get(ignore));
            }
        });
        return command;
    }

    private static Option<string> Side(string name, string description, params string[] aliases)
    {
        Option<string> option = new(name, aliases) { Description = $"{description}: a name or an id", HelpName = "NAME|ID" };
        option.Validators.Add(result =>
        {
            string word = result.Tokens[0].Value;
            SideRule rule = SideRule.Parse(word);
            if (rule.Name is null ? rule.Id is 0 or ulong.MaxValue : !WellKnownName.IsValid(System.Text.Encoding.UTF8.GetBytes(word)))
                result.AddError($"{name}: '{word}' is neither the id of a connection nor a well-known name.");
        });
        option.CompletionSources.Add(Completions.Peers);
        return option;
    }

    private static Conversation Read(Invocation invocation, string file, SideRule? of)
    {
        using CaptureReader reader = CaptureReader.Open(file);
        bool hasLost = false;
        Conversation conversation = Conversation.Find(
            () =>
            {
                invocation.Ending.ThrowIfCancellationRequested();
                WatchedMessage? message = reader.Read();
                hasLost |= message?.Notes.Lost > 0;
                return message;
            },
            of);
        if (conversation.Turns.Count == 0)
        {
            throw new CommandException(
                ExitCode.NotFound, of is null ? $"{file} has no message to anybody" : $"{file} has no message to {of.Name ?? $"connection {of.Id}"}", $"'kdbusctl monitor --from {file}' shows what it has");
        }
        if (hasLost)
            Invocation.Note($"{file} is not complete: messages were lost when it was captured");
        return conversation;
    }

    private static int Report(Output output, Conversation conversation, Replay replay, Destination to, bool ignoresPayload)
    {
        List<Outcome> compared = [.. replay.Outcomes.Where(static outcome => outcome.Captured.Kind != AnswerKind.Unknown)];
        List<Difference> differences =
        [
            .. compared.Where(outcome => !outcome.Captured.IsSame(outcome.Now, ignoresPayload)).Select(static outcome => new Difference(outcome.Turn, outcome.Captured, outcome.Now)),
            .. replay.Refused.Select(static refused => new Difference(refused.Turn, null, refused.Why)),
        ];
        differences.Sort(static (left, right) => left.Turn.Number.CompareTo(right.Turn.Number));
        List<(NotSent Why, int Count)> notSent = [.. conversation.Turns.Where(static turn => turn.Why is not null).GroupBy(static turn => turn.Why!.Value).Select(static group => (group.Key, group.Count()))];
        int unknown = replay.Outcomes.Count - compared.Count;
        if (output.IsJson)
        {
            JsonObject left = [];
            foreach ((NotSent why, int count) in notSent)
                left[why.Word()] = count;
            output.Json(new JsonObject
            {
                ["of"] = conversation.With,
                ["to"] = to.Name ?? $"{to.Id}",
                ["requests"] = replay.Outcomes.Count,
                ["messages"] = replay.Messages,
                ["same"] = compared.Count - differences.Count(static row => row.Captured is not null),
                ["different"] = differences.Count,
                ["notCompared"] = unknown,
                ["notSent"] = left,
                ["differences"] = new JsonArray([.. differences.Select(static row => (JsonNode?)s_sheet.ToJson(row))]),
            });
        }
        else
        {
            if (differences.Count > 0)
                output.Write(s_sheet, differences);
            int same = compared.Count - differences.Count(static row => row.Captured is not null);
            output.Line($"{Number(replay.Outcomes.Count, "request")} and {Number(replay.Messages, "message")} of {conversation.With} sent to {to}: {Number(same, "answer")} the same, {differences.Count} different{(unknown == 0 ? "" : $", {unknown} not in the capture")}");
            if (notSent.Count > 0)
                output.Line($"not sent again: {string.Join(", ", notSent.Select(static left => $"{left.Count} {left.Why.Text()}"))}", "yellow");
        }
        return differences.Count == 0 ? ExitCode.Success : ExitCode.No;
    }

    private static string Number(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    private static string Request(WatchedMessage message)
    {
        PayloadReading reading = PayloadReading.Of(message);
        return $"{PayloadTypeNames.Of(message.Header.PayloadType)} {reading.Headline} {reading.Text(40)}".Replace("  ", " ", StringComparison.Ordinal).TrimEnd();
    }

    private sealed record Difference(Turn Turn, Answer? Captured, Answer Now);
}
