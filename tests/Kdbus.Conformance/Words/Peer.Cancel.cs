namespace Kdbus.Conformance.Words;

public sealed partial class Peer
{
    /// <summary>SEND of a message with a cancel descriptor, with all it returns.</summary>
    public CommandRun SendInFull(Action<OutgoingMessage> build, SendFlags flags, int cancel) =>
        Handle.Run(Command.Send, SendCommand(build, flags).Item(ItemType.CancelFd, cancel));

    /// <summary>A synchronous call by a thread of its own, with a descriptor by which it can be cancelled.</summary>
    public SynchronousCall Call(Action<OutgoingMessage> build, int cancel)
    {
        ulong address = Process.Scratch.Place(SendCommand(build, SendFlags.SyncReply).Item(ItemType.CancelFd, cancel).ToArray());
        return new SynchronousCall(this, address, Process.IoctlInThread(Handle.Descriptor, (uint)Command.Send, address));
    }
}
