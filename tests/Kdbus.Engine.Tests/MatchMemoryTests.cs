using System.Runtime.CompilerServices;

namespace Kdbus.Engine.Tests;

/// <summary>What matches cost a bus that has many of them.</summary>
[Collection(nameof(Alone))]
public sealed class MatchMemoryTests
{
    private const int Matches = 10_000;
    private const int BloomSize = 64;
    private const long BytesForEach = 400; // half a kB in the daemon: the heap is a little larger than what is in it

    [Fact]
    public void A_match_of_one_bloom_mask_costs_less_than_half_a_kB()
    {
        var world = new TestDomain(new DomainLimits { Matches = Matches });
        var peer = world.Connect();
        Add(world, peer, 100);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        Add(world, peer, Matches - 100);
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / (Matches - 100);
        TestContext.Current.TestOutputHelper?.WriteLine($"{each} bytes for each match");
        Assert.InRange(each, 1, BytesForEach);
        Assert.Equal(Matches, world.Bus.Matching.Count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Add(TestDomain world, TestPeer peer, int count)
    {
        var random = new Random(count);
        var mask = new byte[BloomSize];
        for (var i = 0; i < count; i++)
        {
            Array.Clear(mask);
            for (var bit = 0; bit < 8; bit++) mask[random.Next(BloomSize)] |= (byte)(1 << random.Next(8));
            var frame = Frame.Of(new KdbusCmdMatch { Cookie = (ulong)i }, Frame.Item(ItemType.BloomMask, mask));
            Assert.Equal(Errno.OK, world.Run(peer.Handle, Command.MatchAdd, frame).Result);
        }
    }
}

/// <summary>Tests during which no other one runs, because they measure what all of the process does.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
