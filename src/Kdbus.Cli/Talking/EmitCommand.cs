using System.Buffers;
using System.CommandLine;
using System.Text;
using System.Text.Json;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl emit</c>: a signal.</summary>
internal static class EmitCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> topic = new("TOPIC") { Description = "what it is about: words with dots between them; who listens to weather hears weather.rain too" };
        PayloadOptions payload = new();
        Option<bool> typed = new("--typed") { Description = "the payload is a JSON value, sent as a Topic<T> of Kdbus.Client sends it" };
        Option<Destination> to = new("--to") { Description = "only to this connection, if it listens", HelpName = "ID|NAME", CustomParser = static result => Target.Parse(result, result.Tokens[0].Value) };
        to.CompletionSources.Add(Completions.Peers);
        Command command = new("emit", "Send a signal to everybody who listens to its topic.") { topic };
        payload.AddTo(command, hasDescriptors: false);
        command.Add(typed);
        command.Add(to);
        SendOptions.AddTo(command);
        Invocation.SetAction(command, async invocation =>
        {
            using OutgoingPayload sent = payload.Read(invocation, isSignal: true);
            string name = invocation.Get(topic);
            Topic<byte[]> signal = MakeTopic(name);
            Destination receiver = invocation.Has(to) ? invocation.Get(to) : Destination.Everybody;
            if (invocation.Get(typed))
                CheckJson(sent.Bytes);
            BusConnection bus = await invocation.ConnectAsync(SendOptions.Connection(invocation)).ConfigureAwait(false);
            await using (bus.ConfigureAwait(false))
            {
                if (invocation.Get(typed))
                    bus.Emit(signal, sent.Bytes, receiver);
                else
                    bus.Emit(bus.Bloom.NewBits().AddTopic(name), sent.Bytes, receiver, SendOptions.Complete(invocation, sent.Options));
            }
            return ExitCode.Success;
        });
        return command;
    }

    private static Topic<byte[]> MakeTopic(string name)
    {
        try
        {
            return new Topic<byte[]>(name, new JsonAsItIs());
        }
        catch (ArgumentException)
        {
            throw new CommandException(ExitCode.Usage, $"'{name}' is no topic", "write words of letters, digits, _ and - with dots between them, as in weather.rain");
        }
    }

    private static void CheckJson(byte[] payload)
    {
        try
        {
            JsonDocument.Parse(payload).Dispose();
        }
        catch (JsonException exception)
        {
            throw new CommandException(ExitCode.BadInput, $"the payload is no JSON: {exception.Message.TrimEnd('.')}", $"text is written with quotes: '\"{Escaped.Text(Encoding.UTF8.GetString(payload))}\"'");
        }
    }

    /// <summary>JSON that is there already.</summary>
    private sealed class JsonAsItIs : IBusSerializer
    {
        public byte Id => JsonBusSerializer.Simple.Id;

        public string Name => JsonBusSerializer.Simple.Name;

        public void Write<T>(IBufferWriter<byte> to, in T value) => to.Write((byte[])(object)value!);

        public T Read<T>(in ReadOnlySequence<byte> from) => (T)(object)from.ToArray();
    }
}
