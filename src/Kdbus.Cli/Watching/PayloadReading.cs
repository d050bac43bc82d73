using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Kdbus.Client;
using Kdbus.Client.Internal;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Cli.Watching;

/// <summary>What a payload says, as far as its type tells how to read it (docs/dotnet-protocol.md). Whatever cannot be read is bytes.</summary>
internal sealed record PayloadReading
{
    /// <summary>Interface of a call to a typed service.</summary>
    public string? Interface { get; private init; }

    /// <summary>Its member.</summary>
    public string? Member { get; private init; }

    /// <summary>What it does with a stream: open, next, close, batch; null: nothing.</summary>
    public string? Stream { get; private init; }

    /// <summary>Topic of a signal.</summary>
    public string? Topic { get; private init; }

    /// <summary>Name of an error.</summary>
    public string? ErrorName { get; private init; }

    /// <summary>Its text.</summary>
    public string? ErrorText { get; private init; }

    /// <summary>Cookie of the call that is not wanted any more.</summary>
    public ulong? Stops { get; private init; }

    /// <summary>The values in it: arguments, a result, or all of the payload.</summary>
    public IReadOnlyList<ReadOnlySequence<byte>> Values { get; private init; } = [];

    /// <summary>What stands before the values.</summary>
    public string? Headline => Interface is not null ? $"{Interface}.{Member}{(Stream is null ? "" : $" ({Stream})")}"
        : Stream is not null ? $"({Stream})"
        : ErrorName is not null ? $"{ErrorName}: {ErrorText}"
        : Stops is { } cookie ? $"call {cookie} is not wanted any more"
        : Topic;

    /// <summary>Reads the payload of a message.</summary>
    public static PayloadReading Of(WatchedMessage message)
    {
        ReadOnlySequence<byte> payload = message.Payload;
        PayloadReading? reading = message.Header.PayloadType switch
        {
            PayloadTypes.Call => message.Kind is MessageKind.Reply ? Answer(payload) : Request(payload),
            PayloadTypes.Error when message.Kind == MessageKind.Error => Error(payload),
            PayloadTypes.Signal => Signal(payload),
            PayloadTypes.Cancel when payload.Length == sizeof(ulong) => new PayloadReading { Stops = BinaryPrimitives.ReadUInt64LittleEndian(payload.ToArray()) },
            _ => null,
        };
        return reading ?? new PayloadReading { Values = payload.IsEmpty ? [] : [payload] };
    }

    /// <summary>The values as one line.</summary>
    /// <param name="width">Characters at most.</param>
    public string Text(int width)
    {
        StringBuilder text = new();
        foreach (ReadOnlySequence<byte> value in Values)
        {
            if (text.Length > width)
                break;
            _ = text.Append(text.Length > 0 ? ", " : "").Append(Escaped.Payload(value, width));
        }
        return text.Length <= width ? text.ToString() : string.Concat(text.ToString(0, Math.Max(0, width - 1)), "…");
    }

    private static PayloadReading? Request(in ReadOnlySequence<byte> payload)
    {
        if (CallHeader.TryRead(payload, stackalloc byte[CallHeader.MostBytes], out CallHeader header) is not null)
            return null;
        ReadOnlySequence<byte> rest = payload.Slice(header.Length);
        return new PayloadReading
        {
            Interface = Encoding.UTF8.GetString(header.Interface),
            Member = Encoding.UTF8.GetString(header.Member),
            Stream = header.Kind switch { CallKind.Open => "open", CallKind.Next => "next", CallKind.Close => "close", _ => null },
            Values = header.Kind switch
            {
                CallKind.Call => Arguments(rest, header.Arguments),
                CallKind.Open when rest.Length >= sizeof(uint) => Arguments(rest.Slice(sizeof(uint)), header.Arguments),
                _ => [],
            },
        };
    }

    private static List<ReadOnlySequence<byte>> Arguments(ReadOnlySequence<byte> rest, int count)
    {
        List<ReadOnlySequence<byte>> arguments = [];
        Span<byte> length = stackalloc byte[sizeof(uint)];
        for (int i = 0; i < count && rest.Length >= sizeof(uint); i++)
        {
            rest.Slice(0, sizeof(uint)).CopyTo(length);
            rest = rest.Slice(sizeof(uint));
            long size = Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(length), rest.Length);
            arguments.Add(rest.Slice(0, size));
            rest = rest.Slice(size);
        }
        return arguments;
    }

    private static PayloadReading? Answer(in ReadOnlySequence<byte> payload)
    {
        const int Head = 4;
        Span<byte> head = stackalloc byte[Head];
        if (payload.Length < Head)
            return null;
        payload.Slice(0, Head).CopyTo(head);
        if (head[0] != CallHeader.Version || (CallKind)head[1] is not (CallKind.Answer or CallKind.Batch))
            return null;
        ReadOnlySequence<byte> rest = payload.Slice(Head);
        if ((CallKind)head[1] == CallKind.Answer)
            return new PayloadReading { Values = rest.IsEmpty ? [] : [rest] };
        const int BatchHead = sizeof(uint) + sizeof(ulong);
        if (rest.Length < BatchHead)
            return null;
        Span<byte> count = stackalloc byte[sizeof(uint)];
        rest.Slice(0, sizeof(uint)).CopyTo(count);
        uint values = BinaryPrimitives.ReadUInt32LittleEndian(count);
        return new PayloadReading { Stream = $"batch of {values}", Values = Arguments(rest.Slice(BatchHead), (int)Math.Min(values, int.MaxValue)) };
    }

    private static PayloadReading Error(in ReadOnlySequence<byte> payload)
    {
        PeerFailedException error = ErrorPayload.Read(payload);
        return new PayloadReading { ErrorName = error.ErrorName, ErrorText = error.Message };
    }

    private static PayloadReading? Signal(in ReadOnlySequence<byte> payload)
    {
        if (!SignalHeader.TryRead(payload, stackalloc byte[SignalHeader.MostBytes], out SignalHeader header))
            return null;
        ReadOnlySequence<byte> value = payload.Slice(header.Length);
        return new PayloadReading { Topic = Encoding.UTF8.GetString(header.Topic), Values = value.IsEmpty ? [] : [value] };
    }
}
