namespace Kdbus.Conformance.Words;

public sealed partial class Peer
{
    /// <summary>UPDATE of masks.</summary>
    public Errno Update(ulong? send = null, ulong? recv = null)
    {
        WireStruct command = WireStruct.Of(Command.Update);
        if (send is { } sendMask)
            command.Item(ItemType.AttachFlagsSend, sendMask);
        if (recv is { } recvMask)
            command.Item(ItemType.AttachFlagsRecv, recvMask);
        return Handle.Run(Command.Update, command).Result;
    }

    /// <summary>UPDATE of policy.</summary>
    public Errno Update(Action<PolicyRules> policy)
    {
        WireStruct command = WireStruct.Of(Command.Update);
        policy(new PolicyRules(command));
        return Handle.Run(Command.Update, command).Result;
    }
}
