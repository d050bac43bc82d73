using Kdbus.Cli.Watching;
using static Kdbus.Cli.Tests.HandMade;

namespace Kdbus.Cli.Tests;

/// <summary>What watches messages, without a bus: which are picked, which answer belongs to which call, percentiles.</summary>
public sealed class WatchingTests
{
    [Fact]
    public void A_name_in_a_filter_means_its_owner_as_it_changes()
    {
        Sight sight = new(new PeerBook(), new TrafficFilter { Receivers = [SideRule.Parse("org.example.Echo")] });
        Assert.Null(sight.Look(Watched(9, 5)));
        Assert.NotNull(sight.Look(Watched(9, 0, name: "org.example.Echo")));
        Assert.Null(sight.Look(News(NameNews(0x8000, 0, 5, "org.example.Echo"))));
        Assert.NotNull(sight.Look(Watched(9, 5)));
        Assert.Null(sight.Look(News(NameNews(0x8002, 5, 6, "org.example.Echo"))));
        Assert.Null(sight.Look(Watched(9, 5)));
        Assert.NotNull(sight.Look(Watched(9, 6)));
        Assert.Null(sight.Look(News(NameNews(0x8001, 6, 0, "org.example.Echo"))));
        Assert.Null(sight.Look(Watched(9, 6)));
    }

    [Fact]
    public void Rules_of_one_sort_are_alternatives_and_those_of_different_sorts_must_all_hold()
    {
        TrafficFilter filter = new() { Senders = [SideRule.Parse("7"), SideRule.Parse("8")], Kinds = ["signal"], Types = [0x7261772e64617461] };
        PeerBook peers = new();
        Assert.True(filter.Matches(Watched(7, ulong.MaxValue, flags: 4), peers));
        Assert.True(filter.Matches(Watched(8, ulong.MaxValue, flags: 4), peers));
        Assert.False(filter.Matches(Watched(9, ulong.MaxValue, flags: 4), peers));
        Assert.False(filter.Matches(Watched(7, 8), peers));
        Assert.False(filter.Matches(Watched(7, ulong.MaxValue, flags: 4, type: 5), peers));
    }

    [Fact]
    public void Either_side_and_what_a_notification_is_about_is_found_by_name()
    {
        TrafficFilter filter = new() { Sides = [SideRule.Parse("org.example.Echo"), SideRule.Parse("44")] };
        PeerBook peers = new();
        peers.Learn(News(NameNews(0x8000, 0, 5, "org.example.Echo")));
        Assert.True(filter.Matches(Watched(5, 9), peers));
        Assert.True(filter.Matches(Watched(9, 5), peers));
        Assert.True(filter.Matches(Watched(44, 9), peers));
        Assert.False(filter.Matches(Watched(9, 10), peers));
        Assert.True(filter.Matches(News(NameNews(0x8002, 5, 6, "org.example.Echo")), peers));
        Assert.False(filter.Matches(News(NameNews(0x8002, 5, 6, "org.example.Other")), peers));
        Assert.True(filter.Matches(News(Item(0x8004, U64(44), U64(0))), peers));
        Assert.False(filter.Matches(News(Item(0x8004, U64(45), U64(0))), peers));
    }

    [Fact]
    public void Answers_of_calls_that_are_picked_come_along_and_others_do_not()
    {
        Sight sight = new(new PeerBook(), new TrafficFilter { Kinds = ["call"], Senders = [SideRule.Parse("7")] });
        Assert.NotNull(sight.Look(Call(7, 5, cookie: 1)));
        Assert.Null(sight.Look(Call(8, 5, cookie: 1)));
        Assert.Null(sight.Look(Reply(5, 8, cookie: 1)));
        Sighting answer = sight.Look(Reply(5, 7, cookie: 1, at: Second + 250))!;
        Assert.Equal((CallEnd.Answered, 250UL), (answer.Ended!.Value.End, answer.Ended.Value.LatencyNs));
        Assert.NotNull(sight.Look(Call(7, 5, cookie: 2)));
        Sighting dead = sight.Look(News(Item(0x8006), to: 7, call: 2, at: 3 * Second))!;
        Assert.Equal((CallEnd.Died, 2 * Second), (dead.Ended!.Value.End, dead.Ended.Value.LatencyNs));
        Assert.Equal(2UL, Assert.Single(sight.Unanswered).Call.Cookie);
    }

    [Fact]
    public void A_cookie_that_is_used_again_for_somebody_else_is_told_apart_by_who_answers()
    {
        CallBook calls = new();
        Assert.Null(calls.Take(Call(7, 5, cookie: 1, at: 10), 0, out _));
        Assert.Null(calls.Take(Call(7, 6, cookie: 1, at: 20), 0, out _));
        Assert.Null(calls.Take(Call(7, 0, cookie: 1, at: 30, name: "org.example.Echo"), 8, out _));
        Assert.Equal(100UL - 20, calls.Take(Reply(6, 7, cookie: 1, at: 100), 0, out WatchedCall? call)!.Value.LatencyNs);
        Assert.Equal(6UL, call!.Receiver);
        // The name has another owner by now, who answers in place of the one who was asked.
        Assert.Equal("org.example.Echo", calls.Take(Reply(9, 7, cookie: 1, at: 100), 0, out _)!.Value.Call.Name);
        Assert.Null(calls.Take(Reply(9, 7, cookie: 1, at: 100), 0, out _));
        Assert.Equal(5UL, Assert.Single(calls.Open).Receiver);
    }

    [Fact]
    public void Calls_of_which_nobody_hears_again_end_with_their_deadline_or_their_caller()
    {
        List<EndedCall> unanswered = [];
        CallBook calls = new() { OnUnanswered = unanswered.Add };
        _ = calls.Take(Call(7, 5, cookie: 1, at: Second, deadline: 3 * Second), 0, out _);
        _ = calls.Take(Call(7, 6, cookie: 2, at: Second, deadline: 3 * Second), 0, out _);
        _ = calls.Take(Call(8, 5, cookie: 3, at: Second, deadline: 50 * Second), 0, out _);
        _ = calls.Take(Call(9, 5, cookie: 4, at: Second, deadline: 50 * Second), 0, out _);
        _ = calls.Take(News(Item(0x8004, U64(6), U64(0)), at: 2 * Second), 0, out _);
        _ = calls.Take(News(Item(0x8004, U64(8), U64(0)), at: 2 * Second), 0, out _);
        Assert.Equal((3UL, CallEnd.CallerGone), (Assert.Single(unanswered).Call.Cookie, unanswered[0].End));
        _ = calls.Take(Watched(1, 2, at: 10 * Second), 0, out _);
        Assert.Equal([(1UL, CallEnd.TimedOut), (2UL, CallEnd.Died)], unanswered.Skip(1).Select(static ended => (ended.Call.Cookie, ended.End)).Order());
        Assert.Equal(4UL, Assert.Single(calls.Open).Cookie);
    }

    [Fact]
    public void Percentiles_are_at_most_a_sixteenth_too_large_and_never_too_small()
    {
        Random random = new(1);
        foreach (int magnitude in (int[])[4, 12, 20, 34, 60])
        {
            LatencyHistogram histogram = new();
            List<ulong> all = [];
            for (int i = 0; i < 5000; i++)
            {
                ulong value = (ulong)random.NextInt64(1L << magnitude);
                all.Add(value);
                histogram.Add(value);
            }
            all.Sort();
            foreach (double part in (double[])[0.01, 0.5, 0.9, 0.99, 1])
            {
                ulong exact = all[(int)Math.Ceiling(part * all.Count) - 1], told = histogram.Percentile(part);
                Assert.InRange(told, exact, exact + (exact / 16));
            }
        }
    }

    [Fact]
    public void A_histogram_takes_every_number_and_is_empty_again_when_it_is_cleared()
    {
        LatencyHistogram histogram = new();
        Assert.Equal(0UL, histogram.Percentile(0.5));
        histogram.Add(0);
        Assert.Equal(0UL, histogram.Percentile(1));
        histogram.Add(ulong.MaxValue);
        Assert.Equal((2UL, 0UL, ulong.MaxValue), (histogram.Count, histogram.Percentile(0.5), histogram.Percentile(1)));
        histogram.Clear();
        Assert.Equal((0UL, 0UL), (histogram.Count, histogram.Percentile(1)));
    }

    [Theory]
    [InlineData("raw.data", 0x7261772e64617461)]
    [InlineData("bus.call", 0x6275732e63616c6c)]
    [InlineData("0x12", 0x12)]
    public void Payload_types_have_names(string name, ulong type)
    {
        Assert.Equal(type, PayloadTypeNames.Parse(name));
        Assert.Equal(name, PayloadTypeNames.Of(type));
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("raw data")]
    [InlineData("0xzz")]
    public void What_is_no_payload_type_is_not_taken_for_one(string name) => Assert.Null(PayloadTypeNames.Parse(name));

    [Fact]
    public void Percentiles_and_rates_of_top_are_of_the_interval_and_who_is_asked_by_id_is_found_by_name()
    {
        PeerBook peers = new();
        TopTraffic traffic = new(peers);
        traffic.Take(News(NameNews(0x8000, 0, 5, "org.example.Echo")));
        for (ulong i = 1; i <= 4; i++)
        {
            traffic.Take(Call(7, 5, cookie: i, at: i * Second));
            if (i < 4)
                traffic.Take(Reply(5, 7, cookie: i, at: i * Second + i * 1000));
        }
        traffic.End();
        TopRound round = TopRound.Of(traffic, TimeSpan.FromSeconds(2), [], 0, 0, peers);
        TopPair pair = Assert.Single(round.Pairs);
        Assert.Equal((7UL, "org.example.Echo", 2.0, 1), (pair.Caller, pair.Service, pair.Calls, pair.Waiting));
        Assert.InRange(pair.P50, 2000UL, 2125UL);
        Assert.InRange(pair.P99, 3000UL, 3188UL);
        Assert.Equal(3.5, round.Messages);
        traffic.Begin();
        traffic.Take(News(Item(0x8006), to: 7, call: 4, at: 9 * Second));
        traffic.End();
        pair = Assert.Single(TopRound.Of(traffic, TimeSpan.FromSeconds(2), [], 0, 0, peers).Pairs);
        Assert.Equal((0.0, 0, 1L), (pair.Calls, pair.Waiting, pair.Unanswered));
        Assert.InRange(pair.P99, 3000UL, 3188UL);
    }
}
