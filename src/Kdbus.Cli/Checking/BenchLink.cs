using System.Buffers.Binary;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>A way to somebody who takes messages and answers: a bus, or a socket to compare it with.</summary>
internal interface IBenchLink : IDisposable
{
    /// <summary>Sends a payload and waits for an answer of <paramref name="answer"/> bytes.</summary>
    void Call(ReadOnlySpan<byte> payload, int answer, bool asMemfd);

    /// <summary>Sends a payload; it may wait for room.</summary>
    void Send(ReadOnlySpan<byte> payload);
}

/// <summary>One end of a socket pair. A message is its length, that of the answer, and the payload.</summary>
/// <param name="fd">The descriptor; it belongs to this from now on.</param>
internal sealed class BenchSocket(int fd) : IBenchLink
{
    private const int Header = 8;

    private byte[] _out = new byte[1 << 16];
    private byte[] _in = new byte[1 << 16];
    private int _start, _end;

    /// <inheritdoc/>
    public void Call(ReadOnlySpan<byte> payload, int answer, bool asMemfd)
    {
        Write(payload, answer);
        if (!TryRead(out _))
            throw new CommandException(ExitCode.PeerFailed, "the other end of the socket went away");
    }

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> payload) => Write(payload, 0);

    /// <summary>Answers until the other end is closed.</summary>
    /// <param name="taken">Called for each message.</param>
    public void Serve(Action? taken = null)
    {
        byte[] answer = [];
        while (TryRead(out int wanted))
        {
            taken?.Invoke();
            if (wanted == 0)
                continue;
            if (answer.Length < wanted)
                answer = new byte[wanted];
            Write(answer.AsSpan(0, wanted), 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _ = FileDescriptor.Close(fd);

    private void Write(ReadOnlySpan<byte> payload, int answer)
    {
        if (_out.Length < Header + payload.Length)
            _out = new byte[Header + payload.Length];
        BinaryPrimitives.WriteInt32LittleEndian(_out, payload.Length);
        BinaryPrimitives.WriteInt32LittleEndian(_out.AsSpan(4), answer);
        payload.CopyTo(_out.AsSpan(Header));
        ReadOnlySpan<byte> left = _out.AsSpan(0, Header + payload.Length);
        while (!left.IsEmpty)
        {
            int count = FileDescriptor.Write(fd, left);
            if (count == -SystemError.EINTR)
                continue;
            if (count < 0)
                throw new CommandException(ExitCode.PeerFailed, $"cannot write to a socket: {SystemError.Describe(count)}");
            left = left[count..];
        }
    }

    // The payload is read into memory, as that of a message is, and not looked at.
    private bool TryRead(out int answer)
    {
        answer = 0;
        if (!TryFill(Header))
            return false;
        int length = BinaryPrimitives.ReadInt32LittleEndian(_in.AsSpan(_start));
        answer = BinaryPrimitives.ReadInt32LittleEndian(_in.AsSpan(_start + 4));
        if (!TryFill(Header + length))
            return false;
        _start += Header + length;
        return true;
    }

    private bool TryFill(int needed)
    {
        if (_start == _end)
            _start = _end = 0;
        if (_start + needed > _in.Length)
        {
            byte[] room = needed > _in.Length ? new byte[needed] : _in;
            _in.AsSpan(_start, _end - _start).CopyTo(room);
            (_in, _start, _end) = (room, 0, _end - _start);
        }
        while (_end - _start < needed)
        {
            int count = FileDescriptor.Read(fd, _in.AsSpan(_end));
            if (count == -SystemError.EINTR)
                continue;
            if (count <= 0)
                return false;
            _end += count;
        }
        return true;
    }
}
