using Kdbus.Fuzz.Serving;

namespace Kdbus.Fuzz.Grammar;

/// <summary>Where a message may go and what it may be about: what a sender can know.</summary>
/// <param name="Peers">Ids of connections, dead ones among them.</param>
/// <param name="Cookies">Cookies of requests seen.</param>
/// <param name="Now">CLOCK_MONOTONIC, nanoseconds.</param>
/// <param name="PayloadAddress">A readable piece of the sender's memory.</param>
/// <param name="PayloadRoom">Its bytes.</param>
/// <param name="PayloadAt">One of them, if messages may carry them.</param>
internal readonly record struct MessageSetting(
    List<ulong> Peers, List<ulong> Cookies, ulong Now, ulong PayloadAddress, ulong PayloadRoom, Func<ulong, byte>? PayloadAt = null);

/// <summary>Messages as a program would send them, and now and then one that no program would.</summary>
internal static class MessageGrammar
{
    public static byte[] Build(Dice dice, in MessageSetting setting, ulong cookie, bool synchronous, out List<SentPiece> payload)
    {
        payload = [];
        var message = new KdbusMsg
        {
            DstId = setting.Peers.Count > 0 && !dice.OneIn(20) ? dice.Of(setting.Peers) : dice.Of(0UL, ulong.MaxValue, dice.Wild()),
            PayloadType = dice.OneIn(40) ? dice.Wild() : Constants.PayloadDBus,
            Cookie = cookie,
            Priority = dice.OneIn(3) ? (long)dice.Wild() : dice.Below(3),
            SrcId = dice.OneIn(40) ? dice.Wild() : 0,
        };
        List<byte[]> items = [];
        if (synchronous || dice.OneIn(3))
        {
            message.Flags = (ulong)MessageFlags.ExpectReply;
            message.TimeoutNs = dice.Below(8) switch
            {
                0 => setting.Now - 1,
                1 => ulong.MaxValue,
                2 => long.MaxValue,
                3 => dice.Wild(),
                _ => setting.Now + ((ulong)dice.Below(3000) * 1000),
            };
        }
        else if (setting.Cookies.Count > 0 && dice.OneIn(2))
        {
            message.CookieReply = dice.Of(setting.Cookies);
        }

        if (dice.OneIn(20)) message.Flags |= (ulong)dice.Of(MessageFlags.NoAutoStart, MessageFlags.Signal, (MessageFlags)8);
        if (dice.OneIn(4) && !synchronous) AddSignal(dice, ref message, items);
        else if (dice.OneIn(5)) AddName(dice, ref message, items);
        if (dice.OneIn(40)) items.Add(Frame.Item(ItemType.DstName, BusWords.Name(dice)));
        if (dice.OneIn(40)) items.Add(Frame.Item(ItemType.Fds, dice.Bytes(4 * dice.Below(20))));
        if (dice.OneIn(6)) items.Add(Frame.Item(ItemType.Fds, Numbers(dice)));
        if (dice.OneIn(40)) AddMemfd(dice, items, payload, dice.Wild());
        if (dice.OneIn(40)) items.Add(Frame.Item((ItemType)dice.Wild(), dice.Bytes(dice.Below(40))));
        AddPayload(dice, setting, items, payload);
        return Frame.Of(message, [.. items]);
    }

    /// <summary>To a name: with the id that may own it, or without.</summary>
    private static void AddName(Dice dice, ref KdbusMsg message, List<byte[]> items)
    {
        if (!dice.OneIn(4)) message.DstId = Constants.DstIdName;
        if (dice.OneIn(6)) message.Flags |= (ulong)MessageFlags.NoAutoStart;
        items.Add(Frame.Item(ItemType.DstName, BusWords.Name(dice)));
    }

    private static void AddSignal(Dice dice, ref KdbusMsg message, List<byte[]> items)
    {
        message.Flags = (ulong)MessageFlags.Signal;
        message.TimeoutNs = 0;
        message.CookieReply = 0;
        if (!dice.OneIn(4)) message.DstId = Constants.DstIdBroadcast;
        else if (dice.OneIn(2)) AddName(dice, ref message, items);
        var generation = BusWords.Generation(dice);
        items.Add(Frame.Item(ItemType.BloomFilter, [.. BitConverter.GetBytes(generation), .. BusWords.Filter(dice)]));
    }

    private static void AddMemfd(Dice dice, List<byte[]> items, List<SentPiece> payload, ulong size)
    {
        var memfd = new KdbusMemfd
        {
            Start = dice.OneIn(40) ? dice.Wild() : (ulong)dice.Below(50), Size = size, Fd = dice.OneIn(15) ? dice.Below(9) - 2 : FuzzFiles.Sealed,
        };
        payload.Add(new SentPiece(new KdbusVec { Size = size }) { Memfd = memfd });
        items.Add(Frame.Item(ItemType.PayloadMemfd, memfd));
    }

    /// <summary>Of descriptors, most of them such as may be sent.</summary>
    private static byte[] Numbers(Dice dice)
    {
        var numbers = new byte[4 * (dice.OneIn(20) ? dice.Below(20) : dice.Below(4))];
        for (var at = 0; at < numbers.Length; at += 4) BitConverter.TryWriteBytes(numbers.AsSpan(at), dice.OneIn(25) ? dice.Below(9) - 1 : dice.Of(FuzzFiles.Switched, FuzzFiles.Readable, FuzzFiles.Sealed, FuzzFiles.Unsealed));
        return numbers;
    }

    private static void AddPayload(Dice dice, in MessageSetting setting, List<byte[]> items, List<SentPiece> payload)
    {
        var count = dice.Below(8) switch { 0 => 0, 1 => dice.Below(140), _ => 1 + dice.Below(3) };
        var large = dice.OneIn(6);
        for (var i = 0; i < count; i++)
        {
            if (dice.OneIn(6))
            {
                AddMemfd(dice, items, payload, (ulong)(1 + dice.Below(large ? FuzzFiles.MemfdSize : 200)));
                continue;
            }

            var vec = new KdbusVec { Size = (ulong)(1 + dice.Below(large ? 24 * 1024 : 200)) };
            if (dice.OneIn(200)) vec.Size = dice.Wild();
            // Vectors may overlap, and nothing is aligned.
            if (!dice.OneIn(8)) vec.Address = setting.PayloadAddress + (ulong)dice.Below((int)setting.PayloadRoom - 24 * 1024);
            if (dice.OneIn(60)) vec.Address = dice.Wild();
            payload.Add(new SentPiece(vec));
            var isCarried = setting.PayloadAt != null && dice.OneIn(2) && vec.Address >= setting.PayloadAddress && vec.Size <= 200
                && vec.Address < setting.PayloadAddress + setting.PayloadRoom;
            items.Add(isCarried ? Frame.Item(ItemType.PayloadInline, Carried(setting, vec)) : Frame.Item(ItemType.PayloadVec, in vec));
        }
    }

    private static byte[] Carried(in MessageSetting setting, in KdbusVec vec)
    {
        var bytes = new byte[vec.Size];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = setting.PayloadAt!(vec.Address + (ulong)i);
        return bytes;
    }
}
