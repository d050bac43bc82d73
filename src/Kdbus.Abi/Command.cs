namespace Kdbus.Abi;

/// <summary>
/// The ioctl numbers, all 32 bits of them: bits 0-7 the number, 8-15 the magic 0x95, 16-29 the size of the fixed
/// struct, 30-31 the direction as <c>_IOC</c> encodes it. A number that differs in any bit is another command. The
/// direction does not tell the data flow: every command is read from the caller's memory and partly written back.
/// </summary>
public enum Command : uint
{
    /// <summary>Make a bus, on a fresh handle of <c>control</c>. <see cref="KdbusCmd"/>.</summary>
    BusMake = 0x40189500,
    /// <summary>Make a custom endpoint, on a fresh privileged handle of an endpoint. <see cref="KdbusCmd"/>.</summary>
    EndpointMake = 0x40189510,
    /// <summary>Replace the policy of a custom endpoint. <see cref="KdbusCmd"/>.</summary>
    EndpointUpdate = 0x40189511,
    /// <summary>Become a connection. <see cref="KdbusCmdHello"/>.</summary>
    Hello = 0xc0609580,
    /// <summary>Change masks or policy of a connection. <see cref="KdbusCmd"/>.</summary>
    Update = 0x40189581,
    /// <summary>Leave the bus if nothing is queued. <see cref="KdbusCmd"/>.</summary>
    Byebye = 0x40189582,
    /// <summary>Give a slice of the pool back. <see cref="KdbusCmdFree"/>.</summary>
    Free = 0x40209583,
    /// <summary>Ask about a connection. <see cref="KdbusCmdInfo"/>.</summary>
    ConnInfo = 0x80389584,
    /// <summary>Ask about the creator of the bus. <see cref="KdbusCmdInfo"/>.</summary>
    BusCreatorInfo = 0x80389585,
    /// <summary>List connections and names. <see cref="KdbusCmdList"/>.</summary>
    List = 0x80289586,
    /// <summary>Send a message. <see cref="KdbusCmdSend"/>.</summary>
    Send = 0x40389590,
    /// <summary>Receive a message. <see cref="KdbusCmdRecv"/>.</summary>
    Recv = 0x80409591,
    /// <summary>Acquire a well-known name. <see cref="KdbusCmd"/>.</summary>
    NameAcquire = 0x401895a0,
    /// <summary>Release a well-known name. <see cref="KdbusCmd"/>.</summary>
    NameRelease = 0x401895a1,
    /// <summary>Add a match. <see cref="KdbusCmdMatch"/>.</summary>
    MatchAdd = 0x402095b0,
    /// <summary>Remove matches. <see cref="KdbusCmdMatch"/>.</summary>
    MatchRemove = 0x402095b1,
    /// <summary>An extension: say which numbers the descriptors of a message got. <see cref="KdbusCmdFdsInstalled"/>.</summary>
    FdsInstalled = 0x402095d0,
    /// <summary>
    /// An extension: send and receive messages that the command carries itself. Of this one the size in the number is the caller's choice,
    /// and 0 here. <see cref="KdbusCmdExchange"/>.
    /// </summary>
    Exchange = 0xc00095c0,
}
