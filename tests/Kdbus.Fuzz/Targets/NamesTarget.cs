using System.Text;
using Kdbus.Fuzz.Naive;

namespace Kdbus.Fuzz.Targets;

/// <summary>
/// Names of every kind and item payloads, beside definitions written in another language: regular expressions and LINQ over
/// the whole input.
/// </summary>
internal sealed class NamesTarget : IFuzzTarget
{
    private const string Letters = "aB9_-.*\0/ \u00e9";

    public string Name => "names";

    public void Run(Dice dice, List<byte[]> inputs)
    {
        for (var i = 0; i < 100; i++)
        {
            var payload = Payload(dice);
            inputs.Add(payload);
            CheckStrings(payload);
            CheckWellKnown(payload, dice);
            CheckSysName(payload, dice);
            foreach (var type in Enum.GetValues<ItemType>()) ItemRules.Check(type, payload);
        }
    }

    private static byte[] Payload(Dice dice)
    {
        if (dice.OneIn(10)) return dice.Bytes(dice.Below(80));
        var length = dice.OneIn(8) ? dice.Of(254, 255, 256, 62, 63, 64, 65, 66) : dice.Below(14);
        var text = new byte[length + (dice.OneIn(8) ? 0 : 1)];
        for (var i = 0; i < length; i++)
        {
            text[i] = (byte)(dice.Below(4) switch { 0 => 'a' + dice.Below(26), 1 => '.', _ => dice.OneIn(3) ? Letters[dice.Below(Letters.Length)] : 'x' });
        }

        return text;
    }

    private static void CheckStrings(byte[] payload)
    {
        var expected = payload.Length > 0 && payload[^1] == 0 && payload.Count(each => each == 0) == 1;
        Expect(expected, ItemRules.IsString(payload), "string", payload);
    }

    private static void CheckWellKnown(byte[] payload, Dice dice)
    {
        var text = Encoding.Latin1.GetString(payload);
        var wildcard = dice.OneIn(2);
        var expected = NaiveName.IsWellKnown(text) || (wildcard && NaiveName.IsWildcard(text));
        Expect(expected, WellKnownName.IsValid(payload, wildcard), "well-known name", payload);
        Expect(text.EndsWith(".*", StringComparison.Ordinal), WellKnownName.IsWildcard(payload), "wildcard", payload);
    }

    private static void CheckSysName(byte[] payload, Dice dice)
    {
        var text = Encoding.Latin1.GetString(payload);
        var valid = text.EndsWith('\0') && NaiveName.IsSystemName(text[..^1]);
        var expected = payload.Length < 2 ? Errno.EINVAL : payload.Length > 64 ? Errno.ENAMETOOLONG : valid ? Errno.OK : Errno.EINVAL;
        Expect(expected, SysName.Check(payload), "system name", payload);

        var uid = (uint)dice.Wild();
        Expect(text.StartsWith($"{uid}-", StringComparison.Ordinal), SysName.HasPrefix(payload, uid), $"prefix {uid}", payload);
    }

    private static void Expect<T>(T expected, T actual, string what, byte[] input)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new FuzzFailure($"{what} {Convert.ToHexString(input)}: {actual} instead of {expected}");
        }
    }
}
