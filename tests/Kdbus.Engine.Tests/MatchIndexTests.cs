using System.Text;
using CsCheck;
using Kdbus.Engine.Matching;
using Kdbus.Engine.Tests.Simulation.Model;

namespace Kdbus.Engine.Tests;

/// <summary>The index finds whom a walk over all matches finds, whatever was added and removed before, and is empty in the end.</summary>
public sealed class MatchIndexTests
{
    private const int BloomSize = 16;
    private const int Owners = 4;

    private static readonly string[] Names = ["a.b", "a.c", "a.b.c"];

    private static readonly Gen<byte[]> Mask = Gen.Int[0, (8 * BloomSize) - 1].Array[0, 3].Select(Bits);

    private static readonly Gen<ulong> Id = Gen.OneOf(Gen.Const(ulong.MaxValue), Gen.Const(0UL), Gen.ULong[1, Owners]);

    private static readonly Gen<string> Name = Either(Names);

    private static readonly Gen<ItemType> NameEvent = Either(ItemType.NameAdd, ItemType.NameRemove, ItemType.NameChange);

    private static readonly Gen<ItemType> IdEvent = Either(ItemType.IdAdd, ItemType.IdRemove);

    private static readonly Gen<RuleModel> SignalRule = Gen.OneOf(
        Mask.Array[1, 3].Select(masks => new RuleModel(ItemType.BloomMask, [.. masks.SelectMany(mask => mask)])),
        Id.Select(id => new RuleModel(ItemType.Id, BitConverter.GetBytes(id))),
        Name.Select(name => new RuleModel(ItemType.Name, Text(name))));

    private static readonly Gen<RuleModel> AnyRule = Gen.OneOf(
        SignalRule,
        Gen.Select(IdEvent, Id, (type, id) => new RuleModel(type, [.. BitConverter.GetBytes(id), .. new byte[8]])),
        Gen.Select(NameEvent, Id, Id, Gen.OneOf(Name, Gen.Const("")), (type, before, after, name) => new RuleModel(
            type, [.. BitConverter.GetBytes(before), .. new byte[8], .. BitConverter.GetBytes(after), .. new byte[8], .. name.Length == 0 ? [] : Text(name)])));

    private static readonly Gen<List<RuleModel>> Rules = Gen.OneOf(SignalRule.List[0, 3], AnyRule.List[0, 3]);

    private static readonly Gen<EventModel> Event = Gen.OneOf(
        Gen.Select(Gen.Int[0, Owners - 1], Gen.ULong[0, 4], Gen.Byte.Array[BloomSize], Gen.Byte.Array[BloomSize], (sender, generation, some, more) =>
            new EventModel(ItemType.BloomFilter) { NewId = (ulong)sender, Generation = generation, Filter = [.. some.Zip(more, (x, y) => (byte)(x | y))] }),
        Gen.Select(IdEvent, Gen.ULong[1, Owners], (type, id) => new EventModel(type) { NewId = id }),
        Gen.Select(NameEvent, Gen.ULong[0, Owners], Gen.ULong[0, Owners], Name, (type, before, after, name) =>
            new EventModel(type) { OldId = before, NewId = after, Name = name }));

    [Fact]
    public void It_finds_whom_a_walk_over_all_matches_finds()
    {
        Gen.Select(Gen.Int[0, Owners - 1], Rules, Gen.Int[0, 9], Event.List[0, 3]).List[1, 60].Sample(steps =>
        {
            var world = new TestDomain();
            var owners = Enumerable.Range(0, Owners).Select(_ => world.Connect()).ToArray();
            Assert.Equal(Errno.OK, owners[0].Acquire(Names[0]));
            Assert.Equal(Errno.OK, owners[1].Acquire(Names[1]));
            var senders = Array.ConvertAll(owners, SenderOf);
            var index = new MatchIndex(BloomSize);
            var matches = new List<(Match Match, MatchModel Model)>();
            foreach (var (owner, rules, removed, events) in steps)
            {
                var match = new Match(owners[owner].Connection, 0, [.. rules.Select(Read)]);
                matches.Add((match, new MatchModel(0, rules)));
                index.Add(match);
                if (removed < matches.Count / 2) Remove(index, matches, removed);
                foreach (var what in events) Check(index, matches, senders, what);
            }

            Assert.Equal(matches.Count, index.Count);
            while (matches.Count > 0) Remove(index, matches, matches.Count * 7 % 5 % matches.Count);
            Assert.True(Inside.IsEmpty(index));
        });
    }

    private static void Check(MatchIndex index, List<(Match Match, MatchModel Model)> matches, ConnectionModel[] senders, EventModel what)
    {
        var found = new List<Connection>();
        if (what.IsSignal)
        {
            var sender = senders[what.NewId];
            var engine = matches.Find(each => each.Match.Owner.Id == sender.Id).Match?.Owner;
            if (engine == null) return; // nobody of this name is at hand
            what = what with { Sender = sender, SenderNames = [.. engine.Names.Select(name => name.Text)] };
            index.Collect(MatchSubject.Signal(engine, what.Generation, what.Filter), found);
        }
        else if (what.Name == null)
        {
            index.Collect(MatchSubject.OfId(what.Type, what.NewId), found);
        }
        else
        {
            index.Collect(MatchSubject.OfName(what.Type, what.OldId, what.NewId, Encoding.ASCII.GetBytes(what.Name)), found);
        }

        var expected = matches.Where(each => each.Model.Passes(what)).Select(each => each.Match.Owner.Id).Distinct().Order();
        Assert.Equal(expected, found.Select(each => each.Id).Order());
    }

    private static void Remove(MatchIndex index, List<(Match Match, MatchModel Model)> matches, int which)
    {
        index.Remove(matches[which].Match);
        matches.RemoveAt(which);
    }

    private static MatchRule Read(RuleModel rule)
    {
        var reader = new ItemReader(rule.Item);
        Assert.True(reader.TryRead(out var item));
        Assert.Equal(Errno.OK, MatchRule.Read(item, new DomainLimits(), BloomSize, out var read));
        return read;
    }

    private static ConnectionModel SenderOf(TestPeer peer) => new(peer.Id, new HandleModel(peer.Handle, null, default), 0, new TaskModel { Process = new PidModel((1, 1)) }, new UserModel(), new PoolModel(0));

    private static byte[] Bits(int[] bits)
    {
        var mask = new byte[BloomSize];
        foreach (var bit in bits) mask[bit / 8] |= (byte)(1 << (bit % 8));
        return mask;
    }

    private static Gen<T> Either<T>(params T[] choices) => Gen.Int[0, choices.Length - 1].Select(i => choices[i]);

    private static byte[] Text(string name) => Encoding.ASCII.GetBytes(name + '\0');
}
