using System.Buffers;

namespace Kdbus.Client.Services.Wire;

/// <summary>Flags of a batch.</summary>
[Flags]
internal enum BatchFlags : byte
{
    None = 0,

    /// <summary>The stream is at its end: nothing comes after these values.</summary>
    End = 1,

    /// <summary>It ended with an error, which stands behind the values.</summary>
    Failed = 2,
}

/// <summary>Answers: version, kind, serializer, flags, and what follows.</summary>
internal static class AnswerWire
{
    public const int HeaderSize = 4;

    /// <summary>Of a batch: the header, the number of values, the number of the stream.</summary>
    public const int BatchHeaderSize = HeaderSize + sizeof(uint) + sizeof(ulong);

    public static void WriteHeader(PayloadWriter writer, CallKind kind, byte serializer, BatchFlags flags = BatchFlags.None)
    {
        Span<byte> header = writer.GetSpan(HeaderSize);
        header[0] = CallHeader.Version;
        header[1] = (byte)kind;
        header[2] = serializer;
        header[3] = (byte)flags;
        writer.Advance(HeaderSize);
    }

    /// <summary>What follows the header of an answer.</summary>
    /// <exception cref="MalformedException">It is not the answer that was expected.</exception>
    public static ReadOnlySequence<byte> Open(Message answer, CallKind kind, byte serializer, out BatchFlags flags)
    {
        if (answer.PayloadType != PayloadTypes.Call)
            MalformedException.Throw("The answer is none of a typed service.");
        ReadOnlySequence<byte> payload = answer.Payload;
        if (payload.Length < HeaderSize)
            MalformedException.Throw("The answer is shorter than its header.");
        Span<byte> header = stackalloc byte[HeaderSize];
        payload.Slice(0, HeaderSize).CopyTo(header);
        if (header[0] != CallHeader.Version || header[1] != (byte)kind || header[2] != serializer)
            MalformedException.Throw($"The answer is of version {header[0]}, kind {header[1]} and serializer {header[2]}, not {CallHeader.Version}, {(byte)kind} and {serializer}.");
        flags = (BatchFlags)header[3];
        return payload.Slice(HeaderSize);
    }
}
