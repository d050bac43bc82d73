using System.Buffers;
using System.Text.Json.Nodes;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>What was received, shown: as it is in a pipe; on a terminal as text if it is text, else as a dump.</summary>
internal static class ReceivedPayload
{
    private const int MostDumped = 4096;

    /// <summary>Shows an answer.</summary>
    public static void Show(Output output, Message message, TimeSpan took)
    {
        if (output.IsJson)
        {
            JsonObject json = new() { ["sender"] = message.Sender, ["latency"] = (long)took.TotalNanoseconds, ["type"] = PayloadTypeNames.Of(message.PayloadType), ["size"] = message.Payload.Length };
            AddTo(json, message.Payload);
            json["descriptors"] = ReceivedDescriptors.ToJson(message);
            output.Json(json);
            return;
        }
        if (!output.IsTerminal)
        {
            foreach (ReadOnlyMemory<byte> segment in message.Payload)
                output.Bytes(segment.Span);
            output.Flush();
        }
        else if (message.Payload.Length <= MostDumped * 16 && Escaped.AsText(message.Payload.ToArray()) is { } text)
        {
            output.Line(text.TrimEnd('\n'));
        }
        else
        {
            Dump(output, message.Payload);
        }
        if (output.IsTerminal)
            output.Line($"{Sizes.Text(message.Payload.Length)}{(message.Payload.Length < 1024 ? " bytes" : "")} from connection {message.Sender} in {Durations.Text(took)}", "dim");
        foreach (string descriptor in ReceivedDescriptors.Describe(message))
            Invocation.Note(descriptor);
    }

    /// <summary>Writes it to a file.</summary>
    public static void Save(Message message, string path)
    {
        try
        {
            using FileStream file = File.Create(path);
            foreach (ReadOnlyMemory<byte> segment in message.Payload)
                Transfer.Write(segment, file, Path.GetFileName(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.CannotWrite, $"cannot write '{path}': {exception.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Adds <c>text</c> or, if it is none, <c>base64</c>.</summary>
    public static void AddTo(JsonObject json, in ReadOnlySequence<byte> payload)
    {
        byte[] bytes = payload.ToArray();
        if (Escaped.AsText(bytes) is { } text)
            json["text"] = text;
        else
            json["base64"] = Convert.ToBase64String(bytes);
    }

    /// <summary>Its beginning, as a dump.</summary>
    private static void Dump(Output output, in ReadOnlySequence<byte> payload)
    {
        foreach (string line in HexDump.Lines(payload.Slice(0, Math.Min(payload.Length, MostDumped))))
            output.Line(line);
        if (payload.Length > MostDumped)
            output.Line($"... {payload.Length - MostDumped} more bytes; --output FILE takes all", "dim");
    }
}
