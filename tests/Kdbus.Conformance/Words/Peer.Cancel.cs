namespace Kdbus.Conformance.Words;

public sealed partial class Peer
{
    /// <summary>SEND of a message with a cancel descriptor, with all it returns.</summary>
    public CommandRun SendInFull(Action<OutgoingMessage> build, SendFlags flags, int cancel)
    {
        OutgoingMessage message = Build(build);
        return Process.ByExchange && message.FitsCommand
            ? SendByExchange(message.ToArray(), flags, cancel)
            : Handle.Run(Command.Send, SendCommand(message, flags).Item(ItemType.CancelFd, cancel));
    }

    /// <summary>A synchronous call by a thread of its own, with a descriptor by which it can be cancelled.</summary>
    public SynchronousCall Call(Action<OutgoingMessage> build, int cancel) => Call(build, cancel, socket: null);
}
