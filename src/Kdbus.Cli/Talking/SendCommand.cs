using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl send</c>: one message, without waiting for an answer.</summary>
internal static class SendCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        System.CommandLine.Argument<Destination> to = Target.Argument("ID|NAME", "who gets it");
        PayloadOptions payload = new();
        Command command = new("send", "Send a message; nobody answers.") { to };
        payload.AddTo(command);
        SendOptions.AddTo(command);
        Invocation.SetAction(command, async invocation =>
        {
            using OutgoingPayload sent = payload.Read(invocation);
            BusConnection bus = await invocation.ConnectAsync(SendOptions.Connection(invocation)).ConfigureAwait(false);
            await using (bus.ConfigureAwait(false))
                _ = bus.Send(invocation.Get(to), sent.Bytes, SendOptions.Complete(invocation, sent.Options));
            return ExitCode.Success;
        });
        return command;
    }
}
