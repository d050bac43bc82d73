using System.Runtime.CompilerServices;

namespace Kdbus.Abi;

/// <summary>How often an item may stand in a command.</summary>
public enum ItemCount
{
    /// <summary>Not at all.</summary>
    None,
    /// <summary>Once or not at all.</summary>
    Once,
    /// <summary>Exactly once.</summary>
    Mandatory,
    /// <summary>Any number of times.</summary>
    Many,
}

/// <summary>
/// What each command is made of: the size of its fixed struct, the flags and the items it knows. A bit or item that is
/// not in the table is EINVAL.
/// </summary>
public sealed class CommandLayout
{
    private const int SizeShift = 16;
    private const int SizeMask = 0x3fff;

    private readonly (ItemType Type, ItemCount Count)[] _items;

    private CommandLayout(Command command, ulong flags, params (ItemType, ItemCount)[] items)
    {
        Command = command;
        Flags = flags;
        _items = [(ItemType.Negotiate, ItemCount.Once), .. items];
    }

    /// <summary>The command.</summary>
    public Command Command { get; }

    /// <summary>Bytes of the fixed struct, as the ioctl number says unless the caller chooses that.</summary>
    public int FixedSize => Command == Command.Exchange ? Unsafe.SizeOf<KdbusCmdExchange>() : (int)((uint)Command >> SizeShift) & SizeMask;

    /// <summary>The flags known, without NEGOTIATE.</summary>
    public ulong Flags { get; }

    /// <summary>The items known.</summary>
    public ReadOnlySpan<(ItemType Type, ItemCount Count)> Items => _items;

    /// <summary>Whether the interface of 2015 had neither such a command nor such an item.</summary>
    public static bool IsExtension(Command command) => command is Command.Exchange or Command.FdsInstalled;

    /// <inheritdoc cref="IsExtension(Command)"/>
    public static bool IsExtension(ItemType type) => type is >= ItemType.FdSocket and < ItemType.Timestamp;

    /// <summary>Whether it is an EXCHANGE, of whatever size.</summary>
    public static bool IsExchange(uint ioctl) => (ioctl & ~((uint)SizeMask << SizeShift)) == (uint)Command.Exchange;

    /// <summary>How often <paramref name="type"/> may stand in this command.</summary>
    public ItemCount CountOf(ItemType type)
    {
        foreach (var (known, count) in _items)
        {
            if (known == type) return count;
        }

        return ItemCount.None;
    }

    /// <summary>Bit of <paramref name="type"/> in a set of items seen, its place in <see cref="Items"/>.</summary>
    public uint BitOf(ItemType type)
    {
        for (var i = 0; i < _items.Length; i++)
        {
            if (_items[i].Type == type) return 1u << i;
        }

        return 0;
    }

    /// <summary>The layout of a command, or null for a number that is none.</summary>
    public static CommandLayout? Of(uint ioctl) => (Command)ioctl switch
    {
        _ when IsExchange(ioctl) => Exchange,
        Command.Send => Send,
        Command.Recv => Recv,
        Command.Free => Free,
        Command.BusMake => BusMake,
        Command.EndpointMake => EndpointMake,
        Command.EndpointUpdate => EndpointUpdate,
        Command.Hello => Hello,
        Command.Update => Update,
        Command.Byebye => Byebye,
        Command.ConnInfo => ConnInfo,
        Command.BusCreatorInfo => BusCreatorInfo,
        Command.List => List,
        Command.NameAcquire => NameAcquire,
        Command.NameRelease => NameRelease,
        Command.MatchAdd => MatchAdd,
        Command.MatchRemove => MatchRemove,
        Command.FdsInstalled => FdsInstalled,
        _ => null,
    };

    private const ulong AnyMake = (ulong)(MakeFlags.AccessGroup | MakeFlags.AccessWorld);

    private static readonly CommandLayout BusMake = new(
        Command.BusMake,
        AnyMake,
        (ItemType.MakeName, ItemCount.Mandatory),
        (ItemType.BloomParameter, ItemCount.Mandatory),
        (ItemType.AttachFlagsSend, ItemCount.Once),
        (ItemType.AttachFlagsRecv, ItemCount.Once));

    private static readonly CommandLayout EndpointMake = new(
        Command.EndpointMake, AnyMake, (ItemType.MakeName, ItemCount.Mandatory));

    private static readonly CommandLayout EndpointUpdate = new(
        Command.EndpointUpdate, 0, (ItemType.Name, ItemCount.Many), (ItemType.PolicyAccess, ItemCount.Many));

    private static readonly CommandLayout Hello = new(
        Command.Hello,
        (ulong)(HelloFlags.AcceptFd | HelloFlags.Activator | HelloFlags.PolicyHolder | HelloFlags.Monitor),
        (ItemType.Name, ItemCount.Once),
        (ItemType.Creds, ItemCount.Once),
        (ItemType.Pids, ItemCount.Once),
        (ItemType.Seclabel, ItemCount.Once),
        (ItemType.ConnDescription, ItemCount.Once),
        (ItemType.PolicyAccess, ItemCount.Many));

    private static readonly CommandLayout Update = new(
        Command.Update,
        0,
        (ItemType.AttachFlagsSend, ItemCount.Once),
        (ItemType.AttachFlagsRecv, ItemCount.Once),
        (ItemType.Name, ItemCount.Many),
        (ItemType.PolicyAccess, ItemCount.Many));

    private static readonly CommandLayout Byebye = new(Command.Byebye, 0);
    private static readonly CommandLayout Free = new(Command.Free, 0);
    private static readonly CommandLayout ConnInfo = new(Command.ConnInfo, 0, (ItemType.Name, ItemCount.Once));
    private static readonly CommandLayout BusCreatorInfo = new(Command.BusCreatorInfo, 0);

    private static readonly CommandLayout List = new(
        Command.List, (ulong)(ListFlags.Unique | ListFlags.Names | ListFlags.Activators | ListFlags.Queued));

    private static readonly CommandLayout Send = new(
        Command.Send,
        (ulong)SendFlags.SyncReply,
        (ItemType.CancelFd, ItemCount.Once),
        (ItemType.FdSocket, ItemCount.Once),
        (ItemType.OnBehalf, ItemCount.Once));

    private static readonly CommandLayout Recv = new(
        Command.Recv,
        (ulong)(RecvFlags.Peek | RecvFlags.Drop | RecvFlags.UsePriority),
        (ItemType.FdSocket, ItemCount.Once),
        (ItemType.OnBehalf, ItemCount.Once));

    private static readonly CommandLayout NameAcquire = new(
        Command.NameAcquire,
        (ulong)(NameFlags.ReplaceExisting | NameFlags.AllowReplacement | NameFlags.Queue),
        (ItemType.Name, ItemCount.Mandatory));

    private static readonly CommandLayout NameRelease = new(Command.NameRelease, 0, (ItemType.Name, ItemCount.Mandatory));

    private static readonly CommandLayout MatchAdd = new(
        Command.MatchAdd,
        (ulong)MatchFlags.Replace,
        (ItemType.BloomMask, ItemCount.Many),
        (ItemType.Name, ItemCount.Many),
        (ItemType.Id, ItemCount.Many),
        (ItemType.NameAdd, ItemCount.Many),
        (ItemType.NameRemove, ItemCount.Many),
        (ItemType.NameChange, ItemCount.Many),
        (ItemType.IdAdd, ItemCount.Many),
        (ItemType.IdRemove, ItemCount.Many));

    private static readonly CommandLayout MatchRemove = new(Command.MatchRemove, 0);
    private static readonly CommandLayout FdsInstalled = new(Command.FdsInstalled, 0, (ItemType.Fds, ItemCount.Mandatory));

    private static readonly CommandLayout Exchange = new(
        Command.Exchange,
        (ulong)(ExchangeFlags.SyncReply | ExchangeFlags.Recv | ExchangeFlags.UsePriority),
        (ItemType.Free, ItemCount.Once),
        (ItemType.FdSocket, ItemCount.Once),
        (ItemType.CancelFd, ItemCount.Once));
}
