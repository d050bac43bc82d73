using System.Runtime.InteropServices;

namespace Kdbus.Abi;

// The fixed parts of the commands. All members are u64 at multiples of 8, so 32-bit and 64-bit callers agree. Items
// follow the fixed part; `Size` counts both.

/// <summary>24 bytes: BUS_MAKE, ENDPOINT_MAKE, ENDPOINT_UPDATE, UPDATE, BYEBYE, NAME_ACQUIRE, NAME_RELEASE; the head of all others.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct KdbusCmd
{
    /// <summary>In: bytes of the command with its items.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>In; overwritten only when negotiating.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Out.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
}

/// <summary>96 bytes: HELLO.</summary>
[StructLayout(LayoutKind.Explicit, Size = 96)]
public struct KdbusCmdHello
{
    /// <summary>In: bytes of the command with its items.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>In: <see cref="HelloFlags"/>.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Out: 0.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
    /// <summary>In: what may be sent about this connection.</summary>
    [FieldOffset(24)] public ulong AttachFlagsSend;
    /// <summary>In: what it wants with each message.</summary>
    [FieldOffset(32)] public ulong AttachFlagsRecv;
    /// <summary>Out: flags of BUS_MAKE.</summary>
    [FieldOffset(40)] public ulong BusFlags;
    /// <summary>Out: id of the connection.</summary>
    [FieldOffset(48)] public ulong Id;
    /// <summary>In: bytes of the pool, a multiple of the page size.</summary>
    [FieldOffset(56)] public ulong PoolSize;
    /// <summary>Out: pool offset of the items returned.</summary>
    [FieldOffset(64)] public ulong Offset;
    /// <summary>Out: bytes of the items returned.</summary>
    [FieldOffset(72)] public ulong ItemsSize;
    /// <summary>Out: random id of the bus (a UUID of version 4), 16 bytes.</summary>
    [FieldOffset(80)] public Id128 Id128;
}

/// <summary>16 bytes of a UUID in the order in which they are written down.</summary>
[System.Runtime.CompilerServices.InlineArray(16)]
public struct Id128
{
    private byte _first;
}

/// <summary>24 bytes: where a message lies in the pool.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct KdbusMsgInfo
{
    /// <summary>Pool offset of the message; the pool size if there is none.</summary>
    [FieldOffset(0)] public ulong Offset;
    /// <summary>Bytes of the slice: the message, its payload area and an unused tail.</summary>
    [FieldOffset(8)] public ulong MsgSize;
    /// <summary><see cref="RecvReturnFlags.IncompleteFds"/> or 0.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
}

/// <summary>56 bytes: SEND.</summary>
[StructLayout(LayoutKind.Explicit, Size = 56)]
public struct KdbusCmdSend
{
    /// <summary>In: bytes of the command with its items.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>In: <see cref="SendFlags"/>.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Out: 0.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
    /// <summary>In: address of the <see cref="KdbusMsg"/>, a multiple of 8.</summary>
    [FieldOffset(24)] public ulong MsgAddress;
    /// <summary>Out, on success: the reply of a synchronous call.</summary>
    [FieldOffset(32)] public KdbusMsgInfo Reply;
}

/// <summary>64 bytes: RECV.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct KdbusCmdRecv
{
    /// <summary>In: bytes of the command with its items.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>In: <see cref="RecvFlags"/>.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Out: <see cref="RecvReturnFlags.DroppedMsgs"/> or 0.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
    /// <summary>In, with <see cref="RecvFlags.UsePriority"/>: the least urgent priority wanted.</summary>
    [FieldOffset(24)] public long Priority;
    /// <summary>Out, on success and EAGAIN: messages lost since the last time.</summary>
    [FieldOffset(32)] public ulong DroppedMsgs;
    /// <summary>Out, on success and EAGAIN.</summary>
    [FieldOffset(40)] public KdbusMsgInfo Msg;
}

/// <summary>32 bytes: FREE.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct KdbusCmdFree
{
    /// <summary>In: bytes of the command with its items.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>In: none.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Out: 0.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
    /// <summary>In: offset of the slice.</summary>
    [FieldOffset(24)] public ulong Offset;
}

/// <summary>40 bytes: LIST.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
public struct KdbusCmdList
{
    /// <summary>In: bytes of the command with its items.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>In: <see cref="ListFlags"/>.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Out: 0.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
    /// <summary>Out: pool offset of the first <see cref="KdbusInfo"/>.</summary>
    [FieldOffset(24)] public ulong Offset;
    /// <summary>Out: bytes of the list.</summary>
    [FieldOffset(32)] public ulong ListSize;
}

/// <summary>56 bytes: CONN_INFO and BUS_CREATOR_INFO.</summary>
[StructLayout(LayoutKind.Explicit, Size = 56)]
public struct KdbusCmdInfo
{
    /// <summary>In: bytes of the command with its items.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>In: none.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Out: 0.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
    /// <summary>In: id of the connection, or 0 with a name.</summary>
    [FieldOffset(24)] public ulong Id;
    /// <summary>In: metadata wanted.</summary>
    [FieldOffset(32)] public ulong AttachFlags;
    /// <summary>Out: pool offset of the <see cref="KdbusInfo"/>.</summary>
    [FieldOffset(40)] public ulong Offset;
    /// <summary>Out: bytes of the slice.</summary>
    [FieldOffset(48)] public ulong InfoSize;
}

/// <summary>32 bytes: MATCH_ADD and MATCH_REMOVE.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct KdbusCmdMatch
{
    /// <summary>In: bytes of the command with its items.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>In: <see cref="MatchFlags"/>.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Out: 0.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
    /// <summary>In: any number the owner of the match likes.</summary>
    [FieldOffset(24)] public ulong Cookie;
}

/// <summary>32 bytes: FDS_INSTALLED, an extension.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct KdbusCmdFdsInstalled
{
    /// <summary>In: bytes of the command with its items.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>In: none.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Out: 0.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
    /// <summary>In: offset of the message's slice.</summary>
    [FieldOffset(24)] public ulong Offset;
}

/// <summary>16 bytes: what comes with the descriptors of a message on a <see cref="ItemType.FdSocket"/>, an extension.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct KdbusFdMessage
{
    /// <summary>Offset of the message's slice.</summary>
    [FieldOffset(0)] public ulong Offset;
    /// <summary>How many descriptors come along: those of FDS, then those of each PAYLOAD_MEMFD, then that of PIDFD.</summary>
    [FieldOffset(8)] public uint Count;
    /// <summary>0.</summary>
    [FieldOffset(12)] public uint Pad;
}

/// <summary>
/// 80 bytes: EXCHANGE, an extension. Behind it and its items stand the messages to send; in the answer, right behind it, one
/// <see cref="KdbusMsgInfo"/> for each message received, followed by the message if its offset is
/// <see cref="Constants.OffsetInline"/>.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 80)]
public struct KdbusCmdExchange
{
    /// <summary>In: bytes of the command with its items; the messages begin at the next multiple of 8.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>In: <see cref="ExchangeFlags"/>.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Out: <see cref="RecvReturnFlags.DroppedMsgs"/> or 0.</summary>
    [FieldOffset(16)] public ulong ReturnFlags;
    /// <summary>In: 0. Out, on EINTR: what has been done, so that the command can be issued again as it stands.</summary>
    [FieldOffset(24)] public ulong Progress;
    /// <summary>In: bytes of the messages to send. Out: bytes of the records received.</summary>
    [FieldOffset(32)] public ulong MsgsSize;
    /// <summary>In, with <see cref="ExchangeFlags.Recv"/>: CLOCK_MONOTONIC time until which to wait, nanoseconds; 0 not at all.</summary>
    [FieldOffset(40)] public ulong WaitNs;
    /// <summary>In, with <see cref="ExchangeFlags.UsePriority"/>: the least urgent priority wanted.</summary>
    [FieldOffset(48)] public long Priority;
    /// <summary>Out: messages lost since the last time.</summary>
    [FieldOffset(56)] public ulong DroppedMsgs;
    /// <summary>In, with <see cref="ExchangeFlags.Recv"/>: the most messages to receive; 0 for as many as fit.</summary>
    [FieldOffset(64)] public uint MaxMsgs;
    /// <summary>Out: messages sent.</summary>
    [FieldOffset(68)] public uint Sent;
    /// <summary>Out: messages received.</summary>
    [FieldOffset(72)] public uint Received;
    /// <summary>Out: an errno, why the message after those sent was not; 0 if there was none.</summary>
    [FieldOffset(76)] public uint Error;
}
