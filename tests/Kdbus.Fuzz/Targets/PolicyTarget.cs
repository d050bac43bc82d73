using System.Text;
using Kdbus.Engine;
using Kdbus.Engine.Policy;
using Kdbus.Fuzz.Grammar;
using Kdbus.Fuzz.Naive;

namespace Kdbus.Fuzz.Targets;

/// <summary>
/// Policies of several owners, out of user namespaces that name ids differently, in the tables of the engine and in none: who
/// gets how much of which name, and what is refused.
/// </summary>
internal sealed class PolicyTarget : IFuzzTarget
{
    private static readonly string[] Names = ["a.b", "a.c", "a.b.c", "a.*", "a.b.*", "org.x", "org.x.*", "a.b.c.d"];

    public string Name => "policy";

    public void Run(Dice dice, List<byte[]> inputs)
    {
        var database = new PolicyDatabase();
        var naive = new NaivePolicy();
        object[] owners = [new(), new(), new(), new()];
        for (var i = 0; i < 60; i++)
        {
            var owner = dice.Of(owners);
            if (dice.OneIn(6))
            {
                database.Remove(owner);
                naive.Remove(owner);
            }
            else
            {
                var items = Items(dice);
                inputs.Add([.. items.SelectMany(item => Frame.Item(item.Type, item.Payload))]);
                Replace(dice, database, naive, owner, items, inputs[^1]);
            }

            Require(naive.Count, database.Entries.Count(), "entries");
            Require(naive.AsksForGroups, database.AsksForGroups, "groups needed");
            for (var asked = 0; asked < 12; asked++) Ask(dice, database, naive);
        }
    }

    private static void Replace(
        Dice dice, PolicyDatabase database, NaivePolicy naive, object owner, List<(ItemType Type, byte[] Payload)> items, byte[] chain)
    {
        var maps = dice.OneIn(2) ? null : new IdMaps(IdGrammar.Ranges(dice), IdGrammar.Ranges(dice));
        var maxNames = dice.OneIn(3) ? 1 : 0;
        var wildcards = !dice.OneIn(4);
        var caller = new Caller(1, 1, 1, 1, CapIpcOwner: false, Pid: 1) { Maps = maps };

        var expected = NaivePolicy.Read(items, maps, maxNames, wildcards, out var read);
        Require(expected, PolicyItems.Read(chain, caller, new DomainLimits(), maxNames, wildcards, out var entries), "policy " + Convert.ToHexString(chain));
        if (expected != Errno.OK) return;
        expected = naive.Set(owner, read);
        Require(expected, database.MaySet(owner, entries), "whether a policy may be set");
        Require(expected, database.Set(owner, entries), "setting a policy");
    }

    private static void Ask(Dice dice, PolicyDatabase database, NaivePolicy naive)
    {
        uint[] groups = [.. Enumerable.Range(0, dice.Below(3)).Select(_ => IdGrammar.Id(dice))];
        var caller = new Caller(99, IdGrammar.Id(dice), 98, IdGrammar.Id(dice), CapIpcOwner: dice.OneIn(2), Pid: 1) { Groups = groups };
        var name = dice.OneIn(8) ? "a" : dice.Of(Names).Replace('*', 'z');
        var expected = naive.Lookup(caller.Euid, [caller.Egid, .. groups], name);
        Require(expected, (ulong?)database.Lookup(caller, Encoding.Latin1.GetBytes(name)), $"access of {caller.Euid}, {caller.Egid} to {name}");
    }

    private static List<(ItemType Type, byte[] Payload)> Items(Dice dice)
    {
        List<(ItemType, byte[])> items = [];
        for (var count = dice.Below(9); count > 0; count--)
        {
            if (dice.OneIn(2))
            {
                var name = dice.OneIn(30) ? Encoding.Latin1.GetString(dice.Bytes(dice.Below(20))).Replace('\0', '!') : dice.Of(Names);
                items.Add((ItemType.Name, Encoding.Latin1.GetBytes(name + '\0')));
                continue;
            }

            var any = dice.OneIn(40);
            var access = new byte[24];
            BitConverter.TryWriteBytes(access, any ? dice.Wild() : 1 + (ulong)dice.Below(3));
            BitConverter.TryWriteBytes(access.AsSpan(8), any ? dice.Wild() : (ulong)dice.Below(3));
            // What stands above the 32 bits of an id is passed over.
            BitConverter.TryWriteBytes(access.AsSpan(16), any ? dice.Wild() : IdGrammar.Id(dice) | (dice.OneIn(5) ? dice.Next() << 32 : 0));
            items.Add((ItemType.PolicyAccess, access));
        }

        return items;
    }

    private static void Require<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual)) throw new FuzzFailure($"{what}: {actual} instead of {expected}");
    }
}
