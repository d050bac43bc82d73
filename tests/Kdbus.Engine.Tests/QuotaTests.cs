using CsCheck;

namespace Kdbus.Engine.Tests;

/// <summary>
/// The quota beside its definition: half of the pool is the owner's; of what the queued slices leave of the other half, a
/// user's own slices counted as free, one user may hold a third; and no more than 256 messages and 16 descriptors.
/// </summary>
public sealed class QuotaTests
{
    private static readonly Gen<(int User, bool Release, ulong Size, int Fds)[]> Schedules = Gen.Select(
        Gen.Int[0, 3],
        Gen.Int[0, 2].Select(number => number == 0),
        Gen.Frequency((5, Gen.ULong[8, 200]), (1, Gen.ULong[8, 20_000])),
        Gen.Int[0, 3]).Array[0, 700];

    [Fact]
    public void It_is_the_formula() => Gen.Select(Gen.ULong[1, 40].Select(pages => pages * 4096), Schedules).Sample((poolSize, schedule) =>
    {
        var users = Enumerable.Range(0, 4).Select(uid => new User((uint)uid)).ToArray();
        var held = users.Select(_ => new List<(ulong Size, int Fds)>()).ToArray();
        var quota = new Quota(poolSize, new DomainLimits());
        foreach (var (user, release, size, fds) in schedule)
        {
            if (release && held[user].Count > 0)
            {
                var (heldSize, heldFds) = held[user][0];
                held[user].RemoveAt(0);
                quota.Release(users[user], heldSize, heldFds);
            }
            else if (!release)
            {
                var expected = Expected(poolSize, held, user, size, fds);
                Assert.Equal(expected, quota.Charge(users[user], size, fds));
                if (expected == Errno.OK) held[user].Add((size, fds));
            }

            Assert.Equal(held.Select(messages => messages.Count), users.Select(each => each.Messages));
        }
    });

    [Fact]
    public void A_refusal_charges_nothing()
    {
        var quota = new Quota(1 << 20, new DomainLimits());
        var user = new User(1);
        for (var i = 0; i < Limits.ConnMaxMsgs; i++) Assert.Equal(Errno.OK, quota.Charge(user, 8, 0));
        Assert.Equal(Errno.ENOBUFS, quota.Charge(user, 8, 0));
        Assert.Equal(Limits.ConnMaxMsgs, user.Messages);
        Assert.Equal(Errno.OK, quota.Charge(new User(2), 8, 0));
    }

    [Fact]
    public void Descriptors_have_their_own_limit_and_errno()
    {
        var quota = new Quota(1 << 20, new DomainLimits());
        var user = new User(1);
        Assert.Equal(Errno.OK, quota.Charge(user, 8, Limits.ConnMaxFdsPerUser));
        Assert.Equal(Errno.EMFILE, quota.Charge(user, 8, 1));
        Assert.Equal(Errno.OK, quota.Charge(user, 8, 0));
    }

    [Fact]
    public void Two_users_of_one_uid_are_two_users()
    {
        var quota = new Quota(4096, new DomainLimits());
        Assert.Equal(Errno.OK, quota.Charge(new User(1), 682, 0));
        Assert.Equal(Errno.ENOBUFS, quota.Charge(new User(1), 682, 0)); // a third of what is left of the half
        Assert.Equal(Errno.OK, quota.Charge(new User(1), (2048 - 682) / 3, 0));
    }

    private static Errno Expected(ulong poolSize, List<(ulong Size, int Fds)>[] held, int user, ulong size, int fds)
    {
        var all = held.SelectMany(messages => messages).Aggregate(0UL, (sum, message) => sum + message.Size);
        var mine = held[user].Aggregate(0UL, (sum, message) => sum + message.Size);
        var half = poolSize / 2;
        if (half < all) return Errno.ENOBUFS;
        var share = (half - all + mine) / 3;
        if (mine + size > share || mine + size > 0xffffffff) return Errno.ENOBUFS;
        if (held[user].Count >= 256) return Errno.ENOBUFS;
        return held[user].Sum(message => message.Fds) + fds > 16 ? Errno.EMFILE : Errno.OK;
    }
}
