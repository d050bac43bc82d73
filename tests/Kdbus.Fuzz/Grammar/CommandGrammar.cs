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
        if (dice.OneIn(25)) return (uint)dice.Of(All);
        return (uint)(file.Role switch
        {
            Command.BusMake => Command.BusMake,
            Command.EndpointMake => Command.EndpointUpdate,
            Command.Hello => dice.Below(40) switch
            {
                < 17 => Command.Send,
                < 27 => Command.Recv,
                < 33 => Command.Free,
                33 => Command.Update,
                34 => Command.ConnInfo,
                35 => Command.BusCreatorInfo,
                36 or 37 => Command.List,
                38 => dice.OneIn(3) ? Command.Byebye : Command.Recv,
                _ => dice.Of(Command.NameAcquire, Command.NameRelease, Command.MatchAdd, Command.MatchRemove),
            },
            _ when file.IsControl => Command.BusMake,
            _ => dice.OneIn(6) ? Command.EndpointMake : Command.Hello,
        });
    }

    public static byte[] Build(Dice dice, uint command, FuzzFile file, FuzzProcess process, List<ulong> peers)
    {
        var flags = dice.OneIn(30) ? dice.Wild() : dice.OneIn(40) ? Constants.FlagNegotiate : 0;
        var items = Extra(dice);
        switch ((Command)command)
        {
            case Command.BusMake:
                items.Add(Frame.Item(ItemType.MakeName, NodeName(dice, process.Uid)));
                items.Add(Frame.Item(ItemType.BloomParameter, new KdbusBloomParameter
                {
                    Size = dice.OneIn(10) ? dice.Wild() : 64, NHash = dice.OneIn(20) ? 0UL : 1,
                }));
                if (dice.OneIn(8)) items.Add(Frame.Item(ItemType.AttachFlagsRecv, dice.OneIn(2) ? dice.Wild() : (ulong)dice.Below(1 << 14)));
                if (dice.OneIn(8)) items.Add(Frame.Item(ItemType.AttachFlagsSend, dice.OneIn(2) ? dice.Wild() : (ulong)dice.Below(1 << 14)));
                return Frame.Of(new KdbusCmd { Flags = flags | (uint)dice.Below(4), ReturnFlags = Stale(dice) }, [.. items]);
            case Command.EndpointMake:
                items.Add(Frame.Item(ItemType.MakeName, NodeName(dice, process.Uid)));
                return Frame.Of(new KdbusCmd { Flags = flags, ReturnFlags = Stale(dice) }, [.. items]);
            case Command.EndpointUpdate or Command.Update:
                AddPolicy(dice, items);
                if (dice.OneIn(2)) items.Add(Frame.Item(ItemType.AttachFlagsRecv, dice.OneIn(2) ? dice.Wild() : (ulong)dice.Below(1 << 14)));
                return Frame.Of(new KdbusCmd { Flags = flags, ReturnFlags = Stale(dice) }, [.. items]);
            case Command.Hello:
                return Hello(dice, flags, items);
            case Command.Send:
                if (dice.OneIn(30)) items.Add(Frame.Item(ItemType.CancelFd, dice.Bytes(4)));
                return Frame.Of(new KdbusCmdSend { Flags = flags, ReturnFlags = Stale(dice), Reply = new KdbusMsgInfo { Offset = Stale(dice) } }, [.. items]);
            case Command.Recv:
                var recv = dice.OneIn(4) ? (uint)dice.Below(8) : 0;
                return Frame.Of(new KdbusCmdRecv { Flags = flags | recv, ReturnFlags = Stale(dice), Priority = (long)dice.Wild() }, [.. items]);
            case Command.Free:
                var offset = file.Slices.Count > 0 && !dice.OneIn(10) ? dice.Of(file.Slices) : dice.OneIn(2) ? dice.Wild() : file.PoolSize;
                return Frame.Of(new KdbusCmdFree { Flags = flags, ReturnFlags = Stale(dice), Offset = offset }, [.. items]);
            case Command.List:
                return Frame.Of(new KdbusCmdList { Flags = flags | (uint)dice.Below(16), ReturnFlags = Stale(dice) }, [.. items]);
            case Command.ConnInfo or Command.BusCreatorInfo:
                if (dice.OneIn(5)) items.Add(Frame.Item(ItemType.Name, "a.b"));
                var id = peers.Count > 0 && !dice.OneIn(6) ? dice.Of(peers) : dice.Wild();
                return Frame.Of(new KdbusCmdInfo { Flags = flags, ReturnFlags = Stale(dice), Id = id, AttachFlags = (ulong)dice.Below(1 << 15) }, [.. items]);
            case Command.MatchAdd or Command.MatchRemove:
                return Frame.Of(new KdbusCmdMatch { Flags = flags, ReturnFlags = Stale(dice), Cookie = dice.Wild() }, [.. items]);
            default:
                if (dice.OneIn(2)) items.Add(Frame.Item(ItemType.Name, dice.Of("a.b", "org.example", "")));
                return Frame.Of(new KdbusCmd { Flags = flags, ReturnFlags = Stale(dice) }, [.. items]);
        }
    }

    private static byte[] Hello(Dice dice, ulong flags, List<byte[]> items)
    {
        if (dice.OneIn(3)) items.Add(Frame.Item(ItemType.ConnDescription, dice.OneIn(4) ? "-bad-" : "a-peer"));
        if (dice.OneIn(30)) items.Add(Frame.Item(ItemType.Creds, new KdbusCreds()));
        if (dice.OneIn(30)) items.Add(Frame.Item(ItemType.Name, "a.b"));
        if (dice.OneIn(30)) AddPolicy(dice, items);
        return Frame.Of(
            new KdbusCmdHello
            {
                Flags = flags | (dice.OneIn(15) ? (uint)dice.Below(16) : 0),
                ReturnFlags = Stale(dice),
                PoolSize = dice.OneIn(12) ? dice.Wild() : dice.Of(4096UL, 16384UL, 65536UL, 1048576UL),
                AttachFlagsSend = dice.OneIn(12) ? dice.Wild() : ulong.MaxValue,
                AttachFlagsRecv = dice.OneIn(12) ? dice.Wild() : dice.Of(0UL, 1UL, 0x2000UL, ulong.MaxValue),
            },
            [.. items]);
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

    private static void AddPolicy(Dice dice, List<byte[]> items)
    {
        for (var count = dice.Below(4); count > 0; count--)
        {
            items.Add(Frame.Item(ItemType.Name, dice.Of("a.b", "a.*", "org.example", "bad")));
            items.Add(Frame.Item(ItemType.PolicyAccess, new KdbusPolicyAccess
            {
                Type = (ulong)dice.Below(5), Access = (ulong)dice.Below(4), Id = (ulong)dice.Below(2000),
            }));
        }
    }

    private static string NodeName(Dice dice, uint uid) => dice.OneIn(12)
        ? Encoding.Latin1.GetString(dice.Bytes(dice.Below(70)))
        : $"{(dice.OneIn(20) ? 7u : uid)}-{(dice.OneIn(6) ? dice.Of('b', 'c') : 'a')}";

    /// <summary>What is left in a result from the command before.</summary>
    private static ulong Stale(Dice dice) => dice.OneIn(4) ? dice.Wild() : 0;
}
