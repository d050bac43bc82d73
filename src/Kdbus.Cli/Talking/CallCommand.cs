using System.CommandLine;
using Kdbus.Client;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl call</c>: a request, and its answer.</summary>
internal static class CallCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<Destination> to = Target.Argument("ID|NAME", "who is asked");
        PayloadOptions payload = new();
        Option<string?> member = new("--member", "-M") { Description = "call a member of a typed service (Kdbus.Client), with JSON: the member, or INTERFACE/MEMBER if the interface is not called as the name", HelpName = "MEMBER" };
        Option<string[]> arguments = new("--arg", "-a") { Description = "an argument of the member, as JSON; may be repeated", HelpName = "JSON", DefaultValueFactory = static _ => [] };
        TimeOption timeout = CommonOptions.Timeout("how long to wait for the answer (500ms, 2.5s, 3m); 25s if nothing is said", TimeSpan.FromSeconds(25));
        Option<string?> file = new("--output", "-o") { Description = "write the payload of the answer to a file", HelpName = "FILE" };
        Option<string?> keep = new("--save-fds") { Description = "copy the content of descriptors of the answer to DIR/0, DIR/1, ...", HelpName = "DIR" };
        Command command = new("call", "Send a request, wait for the answer, and show it.") { to };
        payload.AddTo(command);
        foreach (Option option in (Option[])[member, arguments, timeout, file, keep])
            command.Add(option);
        SendOptions.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(member) is null && result.GetValue(arguments) is { Length: > 0 })
                result.AddError("--arg goes with --member.");
        });
        Invocation.SetAction(command, async invocation =>
        {
            Destination target = invocation.Get(to);
            if (invocation.Get(member) is not null && payload.IsGiven(invocation))
                throw new CommandException(ExitCode.Usage, "a payload cannot go with --member", "the arguments of a member are given with --arg");
            using OutgoingPayload sent = invocation.Get(member) is { } name
                ? TypedCall.Write(name, target, invocation.Get(arguments)!)
                : payload.Read(invocation);
            BusConnection bus = await invocation.ConnectAsync(SendOptions.Connection(invocation)).ConfigureAwait(false);
            await using (bus.ConfigureAwait(false))
            {
                MessageOptions options = SendOptions.Complete(invocation, sent.Options) with { Timeout = invocation.Get(timeout) };
                long began = Clock.MonotonicNanoseconds;
                using Message answer = await bus.CallAsync(target, sent.Bytes, options, invocation.Ending).ConfigureAwait(false);
                TimeSpan took = TimeSpan.FromTicks((Clock.MonotonicNanoseconds - began) / 100);
                if (invocation.Get(keep) is { } directory)
                    ReceivedDescriptors.Save(answer, directory);
                if (invocation.Get(member) is not null)
                    TypedCall.ShowAnswer(invocation.Output, answer);
                else if (invocation.Get(file) is { } path)
                    ReceivedPayload.Save(answer, path);
                else
                    ReceivedPayload.Show(invocation.Output, answer, took);
            }
            return ExitCode.Success;
        });
        return command;
    }
}
