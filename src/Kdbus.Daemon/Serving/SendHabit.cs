namespace Kdbus.Daemon.Serving;

/// <summary>
/// Where the last message sent on an open file, and its payload, lay in its sender's memory. A program that sends again and again mostly has
/// them at the same place, so both can be read at once; what has been read is held against what the message says. Nothing of it has to be true.
/// </summary>
/// <param name="Message">Address of the message; 0 if nothing is known.</param>
/// <param name="MessageSize">Its bytes.</param>
/// <param name="Payload">Address of its one vector.</param>
/// <param name="PayloadSize">Bytes of that, at most <see cref="MostPayload"/>.</param>
internal readonly record struct SendHabit(ulong Message, int MessageSize, ulong Payload, int PayloadSize)
{
    /// <summary>More is not read on the mere chance.</summary>
    public const int MostPayload = 4096;
}
