namespace Kdbus.Abi;

/// <summary>Flags of <see cref="Command.BusMake"/> and <see cref="Command.EndpointMake"/>.</summary>
[Flags]
public enum MakeFlags : ulong
{
    /// <summary>Only the owner may enter.</summary>
    None = 0,
    /// <summary>The group may enter too.</summary>
    AccessGroup = 0x1,
    /// <summary>Everybody may enter.</summary>
    AccessWorld = 0x2,
}

/// <summary>Flags of <see cref="Command.Hello"/>.</summary>
[Flags]
public enum HelloFlags : ulong
{
    /// <summary>An ordinary connection that takes no descriptors.</summary>
    None = 0,
    /// <summary>Messages with descriptors may be sent to this connection.</summary>
    AcceptFd = 0x1,
    /// <summary>Stand in for a well-known name.</summary>
    Activator = 0x2,
    /// <summary>Only carry policy for a name.</summary>
    PolicyHolder = 0x4,
    /// <summary>Get a copy of all traffic.</summary>
    Monitor = 0x8,
}

/// <summary>Flags of a message.</summary>
[Flags]
public enum MessageFlags : ulong
{
    /// <summary>A plain message.</summary>
    None = 0,
    /// <summary>A request: exactly one reply is allowed until the deadline.</summary>
    ExpectReply = 0x1,
    /// <summary>Fail rather than wake the activator of the name.</summary>
    NoAutoStart = 0x2,
    /// <summary>A signal: delivered only to who has a match for it.</summary>
    Signal = 0x4,
}

/// <summary>Flags of <see cref="Command.Send"/>.</summary>
[Flags]
public enum SendFlags : ulong
{
    /// <summary>Return when the message is queued.</summary>
    None = 0,
    /// <summary>Return when the reply has come.</summary>
    SyncReply = 0x1,
}

/// <summary>Flags of <see cref="Command.Recv"/>.</summary>
[Flags]
public enum RecvFlags : ulong
{
    /// <summary>The oldest message.</summary>
    None = 0,
    /// <summary>Leave the message queued, install no descriptors.</summary>
    Peek = 0x1,
    /// <summary>Throw the oldest message away.</summary>
    Drop = 0x2,
    /// <summary>The most urgent message at or above the urgency given.</summary>
    UsePriority = 0x4,
}

/// <summary>What RECV and a synchronous SEND tell about the message they return.</summary>
[Flags]
public enum RecvReturnFlags : ulong
{
    /// <summary>Nothing to tell.</summary>
    None = 0,
    /// <summary>Some descriptors could not be installed; in <c>msg.return_flags</c>.</summary>
    IncompleteFds = 0x1,
    /// <summary>Messages were lost since the last RECV; in the command's <c>return_flags</c>.</summary>
    DroppedMsgs = 0x2,
}

/// <summary>Flags of <see cref="Command.List"/>.</summary>
[Flags]
public enum ListFlags : ulong
{
    /// <summary>An empty list.</summary>
    None = 0,
    /// <summary>Connections, by their unique ids.</summary>
    Unique = 0x1,
    /// <summary>Names and their owners.</summary>
    Names = 0x2,
    /// <summary>Activators and their names.</summary>
    Activators = 0x4,
    /// <summary>Connections that wait for a name.</summary>
    Queued = 0x8,
}

/// <summary>Flags of <see cref="Command.MatchAdd"/>.</summary>
[Flags]
public enum MatchFlags : ulong
{
    /// <summary>Add to what is there.</summary>
    None = 0,
    /// <summary>First remove all matches of this cookie.</summary>
    Replace = 0x1,
}

/// <summary>Flags of EXCHANGE, an extension.</summary>
[Flags]
public enum ExchangeFlags : ulong
{
    /// <summary>Only send.</summary>
    None = 0,
    /// <summary>The one message is a request: wait for the reply to it, and receive that.</summary>
    SyncReply = 0x1,
    /// <summary>Receive what is there; if nothing is, wait.</summary>
    Recv = 0x2,
    /// <summary>With <see cref="Recv"/>: the most urgent message, and only if it is urgent enough.</summary>
    UsePriority = 0x4,
}

/// <summary>Flags of names.</summary>
[Flags]
public enum NameFlags : ulong
{
    /// <summary>Own it or fail.</summary>
    None = 0,
    /// <summary>Take the name from an owner who allows that.</summary>
    ReplaceExisting = 0x1,
    /// <summary>Allow others to take the name.</summary>
    AllowReplacement = 0x2,
    /// <summary>Wait for the name if it is taken.</summary>
    Queue = 0x4,
    /// <summary>Returned only: waiting.</summary>
    InQueue = 0x8,
    /// <summary>Reported only: the owner is the activator.</summary>
    Activator = 0x10,
}

/// <summary>Who a policy entry speaks of.</summary>
public enum PolicyAccessType : ulong
{
    /// <summary>Invalid.</summary>
    None = 0,
    /// <summary>The user of this effective uid.</summary>
    User = 1,
    /// <summary>Members of this group.</summary>
    Group = 2,
    /// <summary>Everybody.</summary>
    World = 3,
}

/// <summary>What a policy entry grants; each level includes the lower ones.</summary>
public enum PolicyAccessLevel : ulong
{
    /// <summary>See the name.</summary>
    See = 0,
    /// <summary>Send to its owner.</summary>
    Talk = 1,
    /// <summary>Own it.</summary>
    Own = 2,
}

/// <summary>What CONN_INFO returns in <c>return_flags</c>.</summary>
[Flags]
public enum InfoReturnFlags : ulong
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>An extension: a privileged process said at HELLO that these are the process's credentials.</summary>
    Faked = 1UL << 0,
}
