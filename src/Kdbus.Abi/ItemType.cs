namespace Kdbus.Abi;

/// <summary>
/// Types of items. 0x1 and up extend commands and messages, 0x1000 and up are metadata, 0x2000 and up policy,
/// 0x8000 and up notifications of the bus. 0 is invalid.
/// </summary>
public enum ItemType : ulong
{
    /// <summary>Invalid.</summary>
    None = 0,
    /// <summary>Array of u64 item types to ask about; the unsupported ones are zeroed.</summary>
    Negotiate = 0x1,
    /// <summary>Payload in the sender's memory, <see cref="KdbusVec"/>.</summary>
    PayloadVec = 0x2,
    /// <summary>Payload in the receiver's pool, <see cref="KdbusVec"/>.</summary>
    PayloadOff = 0x3,
    /// <summary>Payload in a sealed memfd, <see cref="KdbusMemfd"/>.</summary>
    PayloadMemfd = 0x4,
    /// <summary>Array of s32 descriptors.</summary>
    Fds = 0x5,
    /// <summary>One s32 descriptor; when it becomes readable the synchronous call ends.</summary>
    CancelFd = 0x6,
    /// <summary><see cref="KdbusBloomParameter"/>.</summary>
    BloomParameter = 0x7,
    /// <summary><see cref="KdbusBloomFilter"/> and the filter's bytes.</summary>
    BloomFilter = 0x8,
    /// <summary>One mask or several, one per generation.</summary>
    BloomMask = 0x9,
    /// <summary>Destination name, a string.</summary>
    DstName = 0xa,
    /// <summary>Name of a bus or endpoint, a string.</summary>
    MakeName = 0xb,
    /// <summary>u64 <see cref="AttachFlags"/>.</summary>
    AttachFlagsSend = 0xc,
    /// <summary>u64 <see cref="AttachFlags"/>.</summary>
    AttachFlagsRecv = 0xd,
    /// <summary>u64 connection id.</summary>
    Id = 0xe,
    /// <summary>Well-known name, a string.</summary>
    Name = 0xf,
    /// <summary>An extension, of RECV and SEND: one s32 descriptor, a unix socket on which to send what descriptors the message brings.</summary>
    FdSocket = 0x20,
    /// <summary>An extension, of RECV and SEND: one s32 descriptor, a pidfd of the thread for which the command is issued.</summary>
    OnBehalf = 0x21,
    /// <summary>An extension, of messages that are sent: payload that stands in the item itself.</summary>
    PayloadInline = 0x22,
    /// <summary>An extension, of EXCHANGE: array of u64 offsets of slices to give back.</summary>
    Free = 0x23,
    /// <summary><see cref="KdbusTimestamp"/>.</summary>
    Timestamp = 0x1000,
    /// <summary><see cref="KdbusCreds"/>.</summary>
    Creds = 0x1001,
    /// <summary><see cref="KdbusPids"/>.</summary>
    Pids = 0x1002,
    /// <summary>Array of u64 group ids.</summary>
    AuxGroups = 0x1003,
    /// <summary><see cref="KdbusName"/> and the name.</summary>
    OwnedName = 0x1004,
    /// <summary>String.</summary>
    TidComm = 0x1005,
    /// <summary>String.</summary>
    PidComm = 0x1006,
    /// <summary>String.</summary>
    Exe = 0x1007,
    /// <summary>String.</summary>
    Cmdline = 0x1008,
    /// <summary>String.</summary>
    Cgroup = 0x1009,
    /// <summary><see cref="KdbusCaps"/> and four sets of words.</summary>
    Caps = 0x100a,
    /// <summary>String.</summary>
    Seclabel = 0x100b,
    /// <summary><see cref="KdbusAudit"/>.</summary>
    Audit = 0x100c,
    /// <summary>String.</summary>
    ConnDescription = 0x100d,
    /// <summary>An extension: u64, the number of the process that no other one gets until reboot.</summary>
    PidfsId = 0x1020,
    /// <summary>An extension: u64 nanoseconds after boot at which the process was started.</summary>
    StartTime = 0x1021,
    /// <summary>An extension: one s32 descriptor, a pidfd of the process, or -1.</summary>
    Pidfd = 0x1022,
    /// <summary><see cref="KdbusPolicyAccess"/>.</summary>
    PolicyAccess = 0x2000,
    /// <summary><see cref="KdbusNotifyNameChange"/> and the name.</summary>
    NameAdd = 0x8000,
    /// <summary><see cref="KdbusNotifyNameChange"/> and the name.</summary>
    NameRemove = 0x8001,
    /// <summary><see cref="KdbusNotifyNameChange"/> and the name.</summary>
    NameChange = 0x8002,
    /// <summary><see cref="KdbusNotifyIdChange"/>.</summary>
    IdAdd = 0x8003,
    /// <summary><see cref="KdbusNotifyIdChange"/>.</summary>
    IdRemove = 0x8004,
    /// <summary>Empty: no reply came in time.</summary>
    ReplyTimeout = 0x8005,
    /// <summary>Empty: no reply will come.</summary>
    ReplyDead = 0x8006,
}
