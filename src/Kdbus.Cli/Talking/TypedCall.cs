using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kdbus.Client;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Cli;

/// <summary>A call of a member of a typed service, with JSON: the request and the answer that docs/dotnet-protocol.md describes.</summary>
internal static class TypedCall
{
    private static readonly byte s_json = JsonBusSerializer.Simple.Id;

    /// <summary>Makes the request.</summary>
    /// <param name="said">MEMBER, or INTERFACE/MEMBER.</param>
    /// <param name="to">Whose name is the interface's, if none is said.</param>
    /// <param name="arguments">JSON values.</param>
    public static OutgoingPayload Write(string said, Destination to, string[] arguments)
    {
        string[] parts = said.Split('/');
        if (parts.Length > 2 || parts.Any(static part => part.Length is 0 or > 255))
            throw new CommandException(ExitCode.Usage, $"'{said}' is no member of a service", "write MEMBER or INTERFACE/MEMBER, as in org.example.Clock/Now");
        string contract = parts.Length == 2 ? parts[0] : to.Name
            ?? throw new CommandException(ExitCode.Usage, $"which interface is {said} of? An id does not tell", "write INTERFACE/MEMBER, as in org.example.Clock/Now");
        ArrayBufferWriter<byte> request = new();
        byte[] interfaceName = Encoding.UTF8.GetBytes(contract), memberName = Encoding.UTF8.GetBytes(parts[^1]);
        request.Write<byte>([CallHeader.Version, (byte)CallKind.Call, s_json, 0, (byte)interfaceName.Length, (byte)memberName.Length]);
        WriteNumber(request, (ushort)arguments.Length);
        request.Write(interfaceName);
        request.Write(memberName);
        foreach (string argument in arguments)
        {
            byte[] value = Check(argument);
            WriteNumber(request, (uint)value.Length);
            request.Write(value);
        }
        return new OutgoingPayload(request.WrittenSpan.ToArray()) { Options = new MessageOptions { PayloadType = PayloadTypes.Call } };
    }

    /// <summary>Shows the value that was answered, as JSON.</summary>
    /// <exception cref="CommandException">The answer is none of a typed service.</exception>
    public static void ShowAnswer(Output output, Message answer)
    {
        byte[] bytes = answer.ToArray();
        if (answer.PayloadType != PayloadTypes.Call || bytes.Length < AnswerWire.HeaderSize || bytes[0] != CallHeader.Version || bytes[1] != (byte)CallKind.Answer || bytes[2] != s_json)
        {
            throw new CommandException(
                ExitCode.PeerFailed, $"the answer is none of a typed service that speaks JSON: payload type {PayloadTypeNames.Of(answer.PayloadType)}, {Convert.ToHexStringLower(bytes.AsSpan(0, Math.Min(bytes.Length, AnswerWire.HeaderSize)))}...",
                "without --member the answer is shown as it is");
        }
        ReadOnlySpan<byte> value = bytes.AsSpan(AnswerWire.HeaderSize);
        if (value.IsEmpty)
        {
            if (output.IsJson)
                output.Json(null);
            return;
        }
        try
        {
            JsonNode? node = JsonNode.Parse(value);
            if (output.IsJson)
                output.Json(node);
            else
                output.Line(Escaped.Text(Encoding.UTF8.GetString(value)));
        }
        catch (JsonException exception)
        {
            throw new CommandException(ExitCode.PeerFailed, $"the answer is no JSON: {exception.Message.TrimEnd('.')}");
        }
    }

    private static byte[] Check(string argument)
    {
        try
        {
            JsonDocument.Parse(argument).Dispose();
            return Encoding.UTF8.GetBytes(argument);
        }
        catch (JsonException)
        {
            throw new CommandException(ExitCode.BadInput, $"the argument {Escaped.Text(argument)} is no JSON", $"text is written with quotes: --arg '\"{Escaped.Text(argument)}\"'");
        }
    }

    private static void WriteNumber(ArrayBufferWriter<byte> to, ushort number)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to.GetSpan(sizeof(ushort)), number);
        to.Advance(sizeof(ushort));
    }

    private static void WriteNumber(ArrayBufferWriter<byte> to, uint number)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to.GetSpan(sizeof(uint)), number);
        to.Advance(sizeof(uint));
    }
}
