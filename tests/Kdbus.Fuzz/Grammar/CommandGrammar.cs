using System.Text;
using Kdbus.Fuzz.Serving;

namespace Kdbus.Fuzz.Grammar;

/// <summary>
/// Commands that suit the file they are issued on, as far as its user knows; and now and then one that suits nobody. SEND is
/// given its message's address by whoever lays it out.
/// </summary>
internal static class CommandGrammar
{
    private static readonly Command[] All = Enum.GetValues<Command>();

    public static uint Choose(Dice dice, FuzzFile file)
    {
        if (dice.OneIn(60)) return (uint)dice.Wild();
        return WithRoom(dice, dice.OneIn(25) ? dice.Of(All) : ForFile(dice, file));
    }

    private static Command ForFile(Dice dice, FuzzFile file) => file.Role switch
        {
            Command.BusMake => Command.BusMake,
            Command.EndpointMake => Command.EndpointUpdate,
            Command.Hello => OfConnection(dice, file.Kind),
            _ when file.IsControl => dice.OneIn(3) ? Command.EndpointMake : Command.BusMake,
            _ => dice.OneIn(8) ? Command.EndpointMake : Command.Hello,
        };

    /// <summary>Of an EXCHANGE the size is the caller's choice.</summary>
    private static uint WithRoom(Dice dice, Command command) => command != Command.Exchange
        ? (uint)command
        : (uint)command | ((uint)(dice.OneIn(10) ? dice.Below(16384) : dice.Of(104, 400, 1000, 4096, 8192, 16376)) << 16);

    public static byte[] Build(Dice dice, uint command, FuzzFile file, FuzzProcess process, List<ulong> peers)
    {
        var flags = dice.OneIn(30) ? dice.Wild() : dice.OneIn(40) ? Constants.FlagNegotiate : 0;
        var items = Extra(dice);
        switch (CommandLayout.Of(command)?.Command)
        {
            case Command.BusMake:
                items.Add(Frame.Item(ItemType.MakeName, NodeName(dice, process.Uid)));
                items.Add(Frame.Item(ItemType.BloomParameter, new KdbusBloomParameter
                {
                    Size = dice.OneIn(10) ? dice.Wild() : BusWords.BloomSize, NHash = dice.OneIn(20) ? 0UL : 1,
                }));
                if (dice.OneIn(8)) items.Add(Frame.Item(ItemType.AttachFlagsRecv, dice.OneIn(2) ? dice.Wild() : (ulong)dice.Below(1 << 14)));
                if (dice.OneIn(8)) items.Add(Frame.Item(ItemType.AttachFlagsSend, dice.OneIn(2) ? dice.Wild() : (ulong)dice.Below(1 << 14)));
                return Frame.Of(new KdbusCmd { Flags = flags | (uint)dice.Below(4), ReturnFlags = Stale(dice) }, [.. items]);
            case Command.EndpointMake:
                var name = NodeName(dice, process.Uid);
                if (file.IsControl != dice.OneIn(20)) name = $"{NodeName(dice, 1000)}/{name}";
                items.Add(Frame.Item(ItemType.MakeName, name));
                return Frame.Of(new KdbusCmd { Flags = flags | (uint)dice.Below(4), ReturnFlags = Stale(dice) }, [.. items]);
            case Command.EndpointUpdate:
                PolicyGrammar.Add(dice, items, names: 4);
                return Frame.Of(new KdbusCmd { Flags = flags, ReturnFlags = Stale(dice) }, [.. items]);
            case Command.Update:
                var hasPolicy = file.Kind.HasFlag(HelloFlags.PolicyHolder) != dice.OneIn(10);
                if (hasPolicy) PolicyGrammar.Add(dice, items, dice.OneIn(6) ? 3 : 1);
                if (hasPolicy == dice.OneIn(6)) items.Add(Frame.Item(ItemType.AttachFlagsRecv, Mask(dice)));
                if (hasPolicy == dice.OneIn(6)) items.Add(Frame.Item(ItemType.AttachFlagsSend, Mask(dice)));
                return Frame.Of(new KdbusCmd { Flags = flags, ReturnFlags = Stale(dice) }, [.. items]);
            case Command.Hello:
                return Hello(dice, flags, items);
            case Command.Send:
                if (dice.OneIn(8)) items.Add(Frame.Item(ItemType.CancelFd, dice.OneIn(20) ? (int)dice.Wild() : dice.Of(FuzzFiles.Switched, FuzzFiles.Switched, FuzzFiles.Readable, FuzzFiles.NotForPolling)));
                AddRequester(dice, items);
                return Frame.Of(new KdbusCmdSend { Flags = flags, ReturnFlags = Stale(dice), Reply = new KdbusMsgInfo { Offset = Stale(dice) } }, [.. items]);
            case Command.Recv:
                AddRequester(dice, items);
                var recv = dice.OneIn(4) ? (uint)dice.Below(8) : 0;
                return Frame.Of(new KdbusCmdRecv { Flags = flags | recv, ReturnFlags = Stale(dice), Priority = (long)dice.Wild() }, [.. items]);
            case Command.Exchange:
                if (dice.OneIn(4)) items.Add(Frame.Item(ItemType.Free, Slices(dice, file)));
                if (dice.OneIn(2)) items.Add(Frame.Item(ItemType.FdSocket, dice.OneIn(10) ? (int)dice.Wild() : FuzzFiles.Socket));
                if (dice.OneIn(40)) items.Add(Frame.Item(ItemType.CancelFd, FuzzFiles.Switched));
                var asks = dice.OneIn(20) ? (ulong)dice.Below(8) : dice.OneIn(2) ? (ulong)(ExchangeFlags.Recv | (dice.OneIn(5) ? ExchangeFlags.UsePriority : 0)) : 0;
                return Frame.Of(
                    new KdbusCmdExchange
                    {
                        Flags = flags | asks,
                        ReturnFlags = Stale(dice),
                        Progress = dice.OneIn(40) ? dice.Wild() : 0,
                        WaitNs = dice.OneIn(12) ? dice.Wild() : dice.Of<ulong>(0, 0, ulong.MaxValue, (ulong)Kdbus.Linux.Clock.MonotonicNanoseconds + ((ulong)dice.Below(3000) * 1000)),
                        Priority = dice.OneIn(3) ? (long)dice.Wild() : dice.Below(3),
                        MaxMsgs = dice.OneIn(3) ? (uint)dice.Below(4) : 0,
                        Sent = (uint)Stale(dice),
                        Error = (uint)Stale(dice),
                    },
                    [.. items]);
            case Command.Free:
                var offset = file.Slices.Count > 0 && !dice.OneIn(10) ? dice.Of(file.Slices) : dice.OneIn(2) ? dice.Wild() : file.PoolSize;
                return Frame.Of(new KdbusCmdFree { Flags = flags, ReturnFlags = Stale(dice), Offset = offset }, [.. items]);
            case Command.FdsInstalled:
                var numbers = new byte[4 * (dice.OneIn(12) ? dice.Below(20) : 1 + dice.Below(3))];
                for (var at = 0; at < numbers.Length; at += 4) BitConverter.TryWriteBytes(numbers.AsSpan(at), dice.OneIn(6) ? (int)dice.Wild() : dice.Below(100));
                items.Add(Frame.Item(ItemType.Fds, numbers));
                var told = file.Slices.Count > 0 && !dice.OneIn(10) ? file.Slices[^1] : dice.Wild();
                if (file.Slices.Count > 0 && dice.OneIn(4)) told = dice.Of(file.Slices);
                return Frame.Of(new KdbusCmdFdsInstalled { Flags = flags, ReturnFlags = Stale(dice), Offset = told }, [.. items]);
            case Command.List:
                return Frame.Of(new KdbusCmdList { Flags = flags | (uint)dice.Below(16), ReturnFlags = Stale(dice) }, [.. items]);
            case Command.ConnInfo or Command.BusCreatorInfo:
                var byName = dice.OneIn(3);
                if (byName) items.Add(Frame.Item(ItemType.Name, BusWords.Name(dice)));
                var id = byName && !dice.OneIn(4) ? 0 : peers.Count > 0 && !dice.OneIn(6) ? dice.Of(peers) : dice.Wild();
                return Frame.Of(new KdbusCmdInfo { Flags = flags, ReturnFlags = Stale(dice), Id = id, AttachFlags = dice.OneIn(3) ? ulong.MaxValue : (uint)dice.Below(1 << 15) | ((ulong)dice.Below(8) << 32) }, [.. items]);
            case Command.MatchAdd:
                MatchGrammar.Add(dice, peers, items);
                return Frame.Of(new KdbusCmdMatch { Flags = flags | (uint)dice.Below(2), ReturnFlags = Stale(dice), Cookie = (ulong)dice.Below(4) }, [.. items]);
            case Command.MatchRemove:
                return Frame.Of(new KdbusCmdMatch { Flags = flags, ReturnFlags = Stale(dice), Cookie = (ulong)dice.Below(4) }, [.. items]);
            case Command.NameAcquire:
                items.Add(Frame.Item(ItemType.Name, BusWords.Name(dice)));
                return Frame.Of(new KdbusCmd { Flags = flags | (uint)dice.Below(8), ReturnFlags = Stale(dice) }, [.. items]);
            case Command.NameRelease:
                items.Add(Frame.Item(ItemType.Name, BusWords.Name(dice)));
                return Frame.Of(new KdbusCmd { Flags = flags, ReturnFlags = Stale(dice) }, [.. items]);
            default:
                if (dice.OneIn(10)) items.Add(Frame.Item(ItemType.Name, BusWords.Name(dice)));
                return Frame.Of(new KdbusCmd { Flags = flags, ReturnFlags = Stale(dice) }, [.. items]);
        }
    }

    private static Command OfConnection(Dice dice, HelloFlags kind) => kind switch
    {
        _ when kind.HasFlag(HelloFlags.PolicyHolder) => dice.Of(Command.Update, Command.Update, Command.List, Command.ConnInfo, Command.BusCreatorInfo),
        _ when kind.HasFlag(HelloFlags.Monitor) || kind.HasFlag(HelloFlags.Activator) => dice.Below(12) switch
        {
            < 4 => Command.Recv,
            < 6 => Command.Exchange,
            6 => Command.FdsInstalled,
            < 9 => Command.Free,
            9 => Command.Update,
            10 => dice.Of(Command.List, Command.ConnInfo),
            _ => dice.Of(All),
        },
        _ => dice.Below(60) switch
        {
            < 14 => Command.Send,
            < 24 => Command.Exchange,
            < 33 => Command.Recv,
            < 36 => Command.FdsInstalled,
            < 40 => Command.Free,
            < 45 => Command.NameAcquire,
            < 48 => Command.NameRelease,
            < 53 => Command.MatchAdd,
            53 => Command.MatchRemove,
            54 => Command.Update,
            55 => Command.ConnInfo,
            56 => dice.Of(Command.BusCreatorInfo, Command.ConnInfo),
            57 or 58 => Command.List,
            _ => dice.OneIn(5) ? Command.Byebye : Command.Recv,
        },
    };

    private static byte[] Hello(Dice dice, ulong flags, List<byte[]> items)
    {
        var kind = dice.Below(10) switch
        {
            0 or 1 => HelloFlags.Activator,
            2 => HelloFlags.PolicyHolder,
            3 => HelloFlags.Monitor,
            4 when dice.OneIn(5) => (HelloFlags)dice.Below(16),
            _ => HelloFlags.None,
        };
        if ((kind is HelloFlags.Activator or HelloFlags.PolicyHolder) != dice.OneIn(30))
        {
            items.Add(Frame.Item(ItemType.Name, kind == HelloFlags.PolicyHolder ? BusWords.PolicyName(dice) : BusWords.Name(dice)));
            PolicyGrammar.AddAccesses(dice, items);
        }

        if (dice.OneIn(3)) items.Add(Frame.Item(ItemType.ConnDescription, dice.OneIn(4) ? "-bad-" : "a-peer"));
        if (dice.OneIn(20)) items.Add(Frame.Item(ItemType.Creds, new KdbusCreds { Uid = Id(dice), Euid = Id(dice), Suid = Id(dice), Gid = Id(dice), Fsgid = Id(dice) }));
        if (dice.OneIn(30)) items.Add(Frame.Item(ItemType.Pids, new KdbusPids { Pid = (ulong)dice.Below(5), Tid = (ulong)dice.Below(6), Ppid = (ulong)dice.Below(5) }));
        if (dice.OneIn(30)) items.Add(Frame.Item(ItemType.Seclabel, dice.OneIn(5) ? "" : "label"));
        if (dice.OneIn(40)) PolicyGrammar.Add(dice, items, names: 2);
        return Frame.Of(
            new KdbusCmdHello
            {
                Flags = flags | (ulong)kind | (uint)dice.Below(2),
                ReturnFlags = Stale(dice),
                PoolSize = dice.OneIn(12) ? dice.Wild() : dice.Of(4096UL, 65536UL, 1048576UL, 1048576UL),
                AttachFlagsSend = dice.OneIn(12) ? dice.Wild() : dice.Of(ulong.MaxValue, (ulong)(AttachFlags.All | AttachMask.Extensions), Kinds(dice)),
                AttachFlagsRecv = dice.OneIn(12) ? dice.Wild() : dice.Of(0UL, 1UL, 0x2000UL, ulong.MaxValue, (ulong)(AttachFlags.All | AttachMask.Extensions), Kinds(dice)),
            },
            [.. items]);
    }

    /// <summary>Where descriptors can be sent; and now and then that it is for somebody else, which nobody here may.</summary>
    private static void AddRequester(Dice dice, List<byte[]> items)
    {
        if (dice.OneIn(2)) items.Add(Frame.Item(ItemType.FdSocket, dice.OneIn(10) ? (int)dice.Wild() : dice.OneIn(10) ? dice.Below(6) : FuzzFiles.Socket));
        if (dice.OneIn(60)) items.Add(Frame.Item(ItemType.OnBehalf, dice.Below(9)));
    }

    private static byte[] Slices(Dice dice, FuzzFile file)
    {
        var offsets = new byte[8 * dice.Below(4)];
        for (var at = 0; at < offsets.Length; at += 8) BitConverter.TryWriteBytes(offsets.AsSpan(at), file.Slices.Count > 0 && !dice.OneIn(8) ? dice.Of(file.Slices) : dice.Wild());
        return offsets;
    }

    private static List<byte[]> Extra(Dice dice)
    {
        List<byte[]> items = [];
        if (dice.OneIn(25))
        {
            var asked = new byte[8 * dice.Below(dice.OneIn(3) ? 3000 : 6)];
            for (var at = 0; at < asked.Length; at += 8) BitConverter.TryWriteBytes(asked.AsSpan(at), (ulong)(dice.OneIn(9) ? dice.Wild() : (ulong)dice.Below(17)));
            items.Add(Frame.Item(ItemType.Negotiate, asked));
        }

        if (dice.OneIn(60)) items.Add(Frame.Item((ItemType)dice.Wild(), dice.Bytes(dice.Below(100))));
        return items;
    }

    private static ulong Mask(Dice dice) => dice.OneIn(4) ? dice.Wild() : dice.OneIn(3) ? ulong.MaxValue : Kinds(dice);

    private static ulong Kinds(Dice dice) => (uint)dice.Below(1 << 14) | ((ulong)dice.Below(8) << 32);

    private static ulong Id(Dice dice) => dice.OneIn(10) ? dice.Wild() : dice.Of(0UL, 1UL, 1000UL, 1001UL, uint.MaxValue);

    private static string NodeName(Dice dice, uint uid) => dice.OneIn(12)
        ? Encoding.Latin1.GetString(dice.Bytes(dice.Below(70)))
        : $"{(dice.OneIn(20) ? 7u : uid)}-{(dice.OneIn(6) ? dice.Of('b', 'c') : 'a')}";

    /// <summary>What is left in a result from the command before.</summary>
    private static ulong Stale(Dice dice) => dice.OneIn(4) ? dice.Wild() : 0;
}
