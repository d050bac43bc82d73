using System.Buffers;
using Kdbus.Cli.Watching;
using Kdbus.Client;
using Kdbus.Client.Internal;

namespace Kdbus.Cli.Capture;

/// <summary>What came of a request, in a capture or now: an answer, an error, or nothing.</summary>
/// <param name="Kind">answer, error, late, gone, refused; or unknown: the capture ends before it.</param>
/// <param name="Type">Payload type of an answer.</param>
/// <param name="Payload">Its payload, as far as it is known.</param>
/// <param name="Size">How large it is.</param>
/// <param name="Descriptors">How many descriptors it has.</param>
/// <param name="Error">Name of an error, or of what the bus said.</param>
/// <param name="Text">Text of an error.</param>
internal sealed record Answer(AnswerKind Kind, ulong Type = 0, ReadOnlySequence<byte> Payload = default, long Size = 0, int Descriptors = 0, string? Error = null, string? Text = null)
{
    /// <summary>What a capture has.</summary>
    public static Answer Of(Turn turn) => turn switch
    {
        { Answer: { Kind: MessageKind.Error } error } => OfError(ErrorPayload.Read(error.Payload)),
        { Answer: { } answer } => new Answer(AnswerKind.Answer, answer.Header.PayloadType, answer.Payload, (long)answer.PayloadSize, answer.Descriptors.Count),
        { End: CallEnd.TimedOut } => new Answer(AnswerKind.Late),
        { End: CallEnd.Died } => new Answer(AnswerKind.Gone),
        _ => new Answer(AnswerKind.Unknown),
    };

    /// <summary>What has come now; the message can be given back.</summary>
    public static Answer Of(Message message)
    {
        byte[] payload = message.ToArray();
        return new Answer(AnswerKind.Answer, message.PayloadType, new ReadOnlySequence<byte>(payload), payload.Length, message.Descriptors.Count);
    }

    /// <summary>What has not come now.</summary>
    public static Answer OfError(PeerFailedException failure) => failure.Failure switch
    {
        PeerFailure.TimedOut => new Answer(AnswerKind.Late),
        PeerFailure.Died => new Answer(AnswerKind.Gone),
        _ => new Answer(AnswerKind.Error, Error: failure.ErrorName, Text: failure.Message),
    };

    /// <summary>Whether another one says the same. Of a payload that is not known whole, its beginning and its size are compared.</summary>
    public bool IsSame(Answer now, bool ignoresPayload)
    {
        if (Kind != now.Kind || Error != now.Error)
            return false;
        if (Kind != AnswerKind.Answer)
            return ignoresPayload || Text == now.Text;
        return Type == now.Type && Descriptors == now.Descriptors && (ignoresPayload || (Size == now.Size && StartsWith(now.Payload, Payload)));
    }

    /// <summary>In words.</summary>
    public string Describe() => Kind switch
    {
        AnswerKind.Answer => $"{PayloadTypeNames.Of(Type)} {Size} B{(Descriptors == 0 ? "" : $" {Descriptors} fd")} {Escaped.Payload(Payload, 60)}".TrimEnd(),
        AnswerKind.Error => $"error {Error}: {Text}",
        AnswerKind.Late => "no answer in time",
        AnswerKind.Gone => "who was asked went away",
        AnswerKind.Refused => $"not sent: {Error}",
        _ => "not captured",
    };

    private static bool StartsWith(in ReadOnlySequence<byte> whole, in ReadOnlySequence<byte> beginning)
    {
        if (whole.Length < beginning.Length)
            return false;
        var left = new SequenceReader<byte>(whole);
        foreach (ReadOnlyMemory<byte> part in beginning)
        {
            if (!left.IsNext(part.Span, advancePast: true))
                return false;
        }
        return true;
    }
}

/// <summary>Kinds of what comes of a request.</summary>
internal enum AnswerKind
{
    /// <summary>Nobody knows.</summary>
    Unknown,

    /// <summary>An answer.</summary>
    Answer,

    /// <summary>An error.</summary>
    Error,

    /// <summary>No answer in time.</summary>
    Late,

    /// <summary>Who was asked went away.</summary>
    Gone,

    /// <summary>The bus did not take the request.</summary>
    Refused,
}
