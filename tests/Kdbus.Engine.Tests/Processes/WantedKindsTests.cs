using CsCheck;
using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Tests.Processes;

/// <summary>What somebody wants is what any of all wants, however often they change their minds.</summary>
public sealed class WantedKindsTests
{
    [Fact]
    public void Nobody_wants_anything_to_begin_with() => Assert.Equal(AttachFlags.None, new WantedKinds().Any);

    [Fact]
    public void A_kind_is_wanted_until_the_last_one_wants_it_no_more()
    {
        var wanted = new WantedKinds();
        wanted.Change(AttachFlags.None, AttachFlags.Creds | AttachFlags.Pidfd);
        wanted.Change(AttachFlags.None, AttachFlags.Creds | AttachFlags.Timestamp);
        wanted.Change(AttachFlags.Creds | AttachFlags.Pidfd, AttachFlags.Pids);
        Assert.Equal(AttachFlags.Creds | AttachFlags.Timestamp | AttachFlags.Pids, wanted.Any);
        wanted.Change(AttachFlags.Creds | AttachFlags.Timestamp, AttachFlags.None);
        Assert.Equal(AttachFlags.Pids, wanted.Any);
    }

    [Fact]
    public void It_is_what_any_of_all_wants() => Gen.Select(Gen.Int[0, 5], Gen.Int[0, 1 << 14], Gen.Int[0, 7]).Array[0, 60].Sample(changes =>
    {
        var wanted = new WantedKinds();
        var each = new AttachFlags[6];
        foreach (var (who, kinds, extensions) in changes)
        {
            var to = (AttachFlags)((uint)kinds | ((ulong)extensions << 32));
            wanted.Change(each[who], to);
            each[who] = to;
            Assert.Equal(each.Aggregate((all, one) => all | one), wanted.Any);
        }
    });
}
