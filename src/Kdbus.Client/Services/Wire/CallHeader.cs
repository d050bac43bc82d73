using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;

namespace Kdbus.Client.Services.Wire;

/// <summary>What a message of type <see cref="PayloadTypes.Call"/> is.</summary>
internal enum CallKind : byte
{
    /// <summary>A call of a member that answers once.</summary>
    Call = 1,

    /// <summary>A call of a member that answers with a stream.</summary>
    Open = 2,

    /// <summary>Asks for more of a stream.</summary>
    Next = 3,

    /// <summary>Ends a stream; nothing is answered.</summary>
    Close = 4,

    /// <summary>The answer to <see cref="Call"/>.</summary>
    Answer = 0x81,

    /// <summary>The answer to <see cref="Open"/> and <see cref="Next"/>.</summary>
    Batch = 0x82,
}

/// <summary>Flags of requests.</summary>
[Flags]
internal enum CallFlags : byte
{
    None = 0,

    /// <summary>A trace context follows the names.</summary>
    HasTrace = 1,
}

/// <summary>The beginning of a request, as docs/dotnet-protocol.md has it.</summary>
internal ref struct CallHeader
{
    /// <summary>The version of the format that is written, and the only one that is read.</summary>
    public const byte Version = 1;

    /// <summary>Version, kind, serializer, flags, two lengths, and the number of arguments.</summary>
    public const int FixedSize = 8;

    /// <summary>Place of the flags, which are known last.</summary>
    public const int FlagsAt = 3;

    /// <summary>The longest text of other vendors in a trace context; a longer one is left out.</summary>
    public const int MostTraceState = 512;

    /// <summary>The longest beginning there can be.</summary>
    public const int MostBytes = FixedSize + 2 * byte.MaxValue + TraceSize + MostTraceState;

    // Trace id, span id, flags, and the length of the text.
    private const int TraceSize = 16 + 8 + 1 + sizeof(ushort);

    public CallKind Kind;
    public byte Serializer;
    public int Arguments;
    public ReadOnlySpan<byte> Interface;
    public ReadOnlySpan<byte> Member;

    /// <summary>Bytes before what follows the header.</summary>
    public int Length;

    private ReadOnlySpan<byte> _trace;

    /// <summary>Reads one. Null, or what is wrong.</summary>
    /// <param name="payload">From anybody.</param>
    /// <param name="room"><see cref="MostBytes"/> bytes, used if the payload is in several pieces.</param>
    /// <param name="header">It.</param>
    public static string? TryRead(in ReadOnlySequence<byte> payload, Span<byte> room, out CallHeader header)
    {
        header = default;
        ReadOnlySpan<byte> bytes;
        if (payload.IsSingleSegment)
        {
            bytes = payload.FirstSpan;
        }
        else
        {
            room = room[..(int)Math.Min(room.Length, payload.Length)];
            payload.Slice(0, room.Length).CopyTo(room);
            bytes = room;
        }
        if (bytes.Length < FixedSize)
            return "The request is shorter than its header.";
        if (bytes[0] != Version)
            return $"The request has version {bytes[0]} of the format, and only {Version} is spoken.";
        header.Kind = (CallKind)bytes[1];
        if (header.Kind is < CallKind.Call or > CallKind.Close)
            return "The request is of an unknown kind.";
        header.Serializer = bytes[2];
        var flags = (CallFlags)bytes[FlagsAt];
        if ((flags & ~CallFlags.HasTrace) != 0)
            return "The request has unknown flags.";
        int interfaceLength = bytes[4], memberLength = bytes[5];
        header.Arguments = BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]);
        int length = FixedSize + interfaceLength + memberLength;
        if (interfaceLength == 0 || memberLength == 0 || bytes.Length < length)
            return "The names in the request are cut off.";
        header.Interface = bytes.Slice(FixedSize, interfaceLength);
        header.Member = bytes.Slice(FixedSize + interfaceLength, memberLength);
        if ((flags & CallFlags.HasTrace) != 0)
        {
            if (bytes.Length < length + TraceSize)
                return "The trace context in the request is cut off.";
            int state = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(length + TraceSize - sizeof(ushort))..]);
            if (state > MostTraceState || bytes.Length < length + TraceSize + state)
                return "The trace state in the request is too long.";
            header._trace = bytes.Slice(length, TraceSize + state);
            length += header._trace.Length;
        }
        header.Length = length;
        return null;
    }

    /// <summary>The trace that it belongs to; none if it says nothing, or nothing valid.</summary>
    public readonly ActivityContext Trace
    {
        get
        {
            if (_trace.IsEmpty || !_trace[..16].ContainsAnyExcept((byte)0) || !_trace.Slice(16, 8).ContainsAnyExcept((byte)0))
                return default;
            ReadOnlySpan<byte> state = _trace[TraceSize..];
            return new ActivityContext(
                ActivityTraceId.CreateFromBytes(_trace[..16]), ActivitySpanId.CreateFromBytes(_trace.Slice(16, 8)), (ActivityTraceFlags)(_trace[24] & 1),
                state.IsEmpty ? null : System.Text.Encoding.UTF8.GetString(state), isRemote: true);
        }
    }

    /// <summary>Writes a trace context behind the names.</summary>
    public static void WriteTrace(PayloadWriter writer, Activity activity)
    {
        Span<byte> ids = writer.GetSpan(24)[..24];
        activity.TraceId.CopyTo(ids[..16]);
        activity.SpanId.CopyTo(ids[16..]);
        writer.Advance(24);
        writer.Write((byte)activity.ActivityTraceFlags);
        string? state = activity.TraceStateString;
        int length = state is null ? 0 : System.Text.Encoding.UTF8.GetByteCount(state);
        if (length > MostTraceState)
            length = 0;
        writer.Write((ushort)length);
        if (length > 0)
            writer.Advance(System.Text.Encoding.UTF8.GetBytes(state, writer.GetSpan(length)));
    }
}
