using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl serve</c>: a small service for trying things.</summary>
internal static class ServeCommand
{
    private const int PreviewWidth = 60;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> name = new("NAME") { Description = "the well-known name to own" };
        Option<string?> reply = new("--reply", "-r") { Description = "answer every request with this text; without --reply and --command the answer is the request's own payload", HelpName = "TEXT" };
        Option<string?> shell = new("--command", "-c") { Description = "answer with what a shell command writes; the payload is its standard input, KDBUSCTL_SENDER who asks; if it fails the answer is an error", HelpName = "COMMAND" };
        Option<int> count = CommonOptions.Count("end after so many messages");
        Option<bool> replace = new("--replace") { Description = "take the name from an owner that allows it" };
        Option<bool> queue = new("--queue") { Description = "wait for the name if somebody owns it" };
        Option<bool> quiet = new("--quiet") { Description = "do not show what comes" };
        Command command = new("serve", "Own a name and answer requests: an echo, a fixed text, or a shell command. Until Ctrl-C.")
        {
            name, reply, shell, count, replace, queue, quiet, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(reply) is not null && result.GetValue(shell) is not null)
                result.AddError("An answer is either a text (--reply) or what a command writes (--command).");
        });
        Invocation.SetAction(command, invocation => ServeAsync(
            invocation,
            invocation.Get(name),
            (invocation.Get(replace) ? NameRequest.ReplaceExisting : 0) | (invocation.Get(queue) ? NameRequest.Queue : 0) | NameRequest.AllowReplacement,
            invocation.Get(reply) is { } text ? _ => Task.FromResult(new ServedAnswer(Encoding.UTF8.GetBytes(text), null))
                : invocation.Get(shell) is { } line ? message => ShellAnswer.RunAsync(line, message, invocation.Ending)
                : static message => Task.FromResult(new ServedAnswer(message.ToArray(), null)),
            invocation.Has(count) ? invocation.Get(count) : int.MaxValue,
            invocation.Get(quiet)));
        return command;
    }

    private static async Task<int> ServeAsync(Invocation invocation, string name, NameRequest request, Func<Message, Task<ServedAnswer>> answer, int count, bool isQuiet)
    {
        BusConnection bus = await invocation.ConnectAsync(new BusConnectionOptions { Description = "kdbusctl-serve" }).ConfigureAwait(false);
        await using (bus.ConfigureAwait(false))
        {
            OwnedName owned = await AcquireAsync(bus, name, request).ConfigureAwait(false);
            await using (owned.ConfigureAwait(false))
            {
                owned.Lost += (_, _) => Invocation.Note($"lost the name {name} to another owner; requests by id are still answered");
                owned.Acquired += (_, _) => Invocation.Note($"the name {name} is mine now");
                Invocation.Note(owned.IsOwner ? $"serving {name} as connection {bus.Id}" : $"waiting for {name} as connection {bus.Id}: somebody else owns it");
                try
                {
                    for (int received = 0; received < count; received++)
                    {
                        using Message message = await bus.ReceiveAsync(invocation.Ending).ConfigureAwait(false);
                        if (!isQuiet)
                            Show(invocation.Output, message);
                        if (message.IsRequest)
                            Answer(message, await answer(message).ConfigureAwait(false));
                    }
                }
                catch (OperationCanceledException) when (invocation.Ending.IsCancellationRequested)
                {
                    // That is how it ends.
                }
            }
        }
        return ExitCode.Success;
    }

    private static async Task<OwnedName> AcquireAsync(BusConnection bus, string name, NameRequest request)
    {
        try
        {
            return await bus.AcquireNameAsync(name, request).ConfigureAwait(false);
        }
        catch (ArgumentException)
        {
            throw new CommandException(ExitCode.Usage, $"'{name}' is no well-known name", "write two words or more with dots between them, none beginning with a digit, as in org.example.Echo");
        }
    }

    private static void Answer(Message message, ServedAnswer answer)
    {
        try
        {
            if (answer.Error is not null)
                message.ReplyError("org.kdbusfs.Error.CommandFailed", answer.Error);
            else
                message.Reply(answer.Payload, new MessageOptions { PayloadType = message.PayloadType });
        }
        catch (BusRefusedException refused)
        {
            Invocation.Note(Complaint.Of(refused)!.Message);
        }
    }

    private static void Show(Output output, Message message)
    {
        string kind = message.IsRequest ? "call" : message.IsSignal ? "signal" : "message";
        if (output.IsJson)
        {
            JsonObject json = new() { ["sender"] = message.Sender, ["kind"] = kind, ["cookie"] = message.Cookie, ["type"] = PayloadTypeNames.Of(message.PayloadType), ["size"] = message.Payload.Length };
            ReceivedPayload.AddTo(json, message.Payload);
            json["descriptors"] = ReceivedDescriptors.ToJson(message);
            output.Json(json);
            return;
        }
        output.Part(message.Sender.ToString(CultureInfo.InvariantCulture), "cyan");
        output.Part($"  {kind} {message.Cookie}  {PayloadTypeNames.Of(message.PayloadType)}  {message.Payload.Length} bytes  ");
        output.Line(Escaped.Payload(message.Payload, PreviewWidth), "dim");
        foreach (string descriptor in ReceivedDescriptors.Describe(message))
            output.Line($"  {descriptor}");
    }
}

/// <summary>An answer to a request.</summary>
/// <param name="Payload">What is answered.</param>
/// <param name="Error">Else, why there is none.</param>
internal sealed record ServedAnswer(byte[] Payload, string? Error);
