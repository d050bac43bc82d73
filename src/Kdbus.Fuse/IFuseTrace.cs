using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse;

/// <summary>
/// Sees every message in both directions, for a debug log. Called on the thread that reads or writes, while the message's memory is still there;
/// without a trace none of this costs anything. <see cref="FuseTextTrace"/> is the one that writes lines of text.
/// </summary>
public interface IFuseTrace
{
    /// <summary>A request was read.</summary>
    /// <param name="arguments">Everything behind the header, as the kernel sent it.</param>
    void Received(in FuseInHeader header, ReadOnlySpan<byte> arguments);

    /// <summary>An answer was written.</summary>
    /// <param name="opcode">What it answers.</param>
    /// <param name="body">The fixed part behind the header.</param>
    /// <param name="data">The variable part behind that.</param>
    /// <param name="result">What the kernel said: bytes taken, or -errno.</param>
    void Answered(FuseOpcode opcode, in FuseOutHeader header, ReadOnlySpan<byte> body, ReadOnlySpan<byte> data, nint result);

    /// <summary>A notification was written.</summary>
    void Notified(FuseNotifyCode code, ReadOnlySpan<byte> body, ReadOnlySpan<byte> data, nint result);

    /// <summary>Something is wrong that the kernel will not tell anybody about.</summary>
    void Problem(string description);
}
