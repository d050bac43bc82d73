using System.Text;
using System.Text.RegularExpressions;
using Kdbus.Engine;
using Kdbus.Engine.Policy;

namespace Kdbus.Fuzz.Targets;

/// <summary>
/// Names of every kind, item payloads and policies, beside definitions written in another language: regular expressions and
/// LINQ over the whole input.
/// </summary>
internal sealed class NamesTarget : IFuzzTarget
{
    private const string Letters = "aB9_-.*\0/ \u00e9";

    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking;

    private static readonly Regex WellKnown = new(@"\A([A-Za-z_-][A-Za-z0-9_-]*\.)+[A-Za-z_-][A-Za-z0-9_-]*\z", Options);
    private static readonly Regex Wildcard = new(@"\A([A-Za-z_-][A-Za-z0-9_-]*\.)+\*\z", Options);
    private static readonly Regex SystemName = new(@"\A[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\z", Options);

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

        for (var i = 0; i < 20; i++)
        {
            var items = Policy(dice);
            inputs.Add(items);
            CheckPolicy(items);
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
        var expected = text.Length <= 255 && (WellKnown.IsMatch(text) || (wildcard && Wildcard.IsMatch(text)));
        Expect(expected, WellKnownName.IsValid(payload, wildcard), "well-known name", payload);
        Expect(text.EndsWith(".*", StringComparison.Ordinal), WellKnownName.IsWildcard(payload), "wildcard", payload);
    }

    private static void CheckSysName(byte[] payload, Dice dice)
    {
        var text = Encoding.Latin1.GetString(payload);
        var valid = text.EndsWith('\0') && SystemName.IsMatch(text[..^1]);
        var expected = payload.Length < 2 ? Errno.EINVAL : payload.Length > 64 ? Errno.ENAMETOOLONG : valid ? Errno.OK : Errno.EINVAL;
        Expect(expected, SysName.Check(payload), "system name", payload);

        var uid = (uint)dice.Wild();
        Expect(text.StartsWith($"{uid}-", StringComparison.Ordinal), SysName.HasPrefix(payload, uid), $"prefix {uid}", payload);
    }

    private static byte[] Policy(Dice dice)
    {
        var items = new byte[4096];
        var writer = new ItemWriter(items);
        for (var count = dice.Below(8); count > 0; count--)
        {
            if (dice.OneIn(2))
            {
                var valid = dice.Of("a.b", "a.c", "org.x", "org.x.*", "a.b.c");
                var name = dice.OneIn(4) ? Encoding.Latin1.GetString(dice.Bytes(dice.Below(20))).Replace('\0', '!') : valid;
                writer.WriteString(ItemType.Name, Encoding.Latin1.GetBytes(name));
            }
            else
            {
                var any = dice.OneIn(4);
                writer.Write(ItemType.PolicyAccess, new KdbusPolicyAccess
                {
                    Type = any ? dice.Wild() : (ulong)dice.Below(5),
                    Access = any ? dice.Wild() : (ulong)dice.Below(4),
                    Id = dice.Wild(),
                });
            }
        }

        return items[..writer.Length];
    }

    private static void CheckPolicy(byte[] items)
    {
        var names = new List<string>();
        var valid = true;
        var reader = new ItemReader(items);
        while (reader.TryRead(out var item))
        {
            if (item.Type == ItemType.Name)
            {
                var name = Encoding.Latin1.GetString(item.String);
                valid &= name.Length <= 255 && (WellKnown.IsMatch(name) || Wildcard.IsMatch(name));
                names.Add(name);
                continue;
            }

            var access = item.As<KdbusPolicyAccess>();
            valid &= names.Count > 0 && access.Access <= 2 && access.Type is 1 or 2 or 3;
            valid &= names.Count > 0 && access.Access <= 2 && (access.Type == 3 || (uint)access.Id != uint.MaxValue);
        }

        var expected = !valid ? Errno.EINVAL : names.Distinct(StringComparer.Ordinal).Count() < names.Count ? Errno.EEXIST : Errno.OK;
        var database = new PolicyDatabase();
        var result = PolicyItems.Read(items, default, new DomainLimits(), maxNames: 0, acceptWildcards: true, out var entries);
        if (result == Errno.OK) result = database.Set(database, entries);
        Expect(expected, result, "policy", items);
        Expect(expected == Errno.OK ? names.Count : 0, database.Entries.Count(), "entries of a policy", items);
    }

    private static void Expect<T>(T expected, T actual, string what, byte[] input)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new FuzzFailure($"{what} {Convert.ToHexString(input)}: {actual} instead of {expected}");
        }
    }
}
