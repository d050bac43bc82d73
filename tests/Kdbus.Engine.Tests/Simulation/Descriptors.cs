using Kdbus.Engine.Files;
using Kdbus.Engine.Tests.Simulation.Model;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>What senders name in their messages: sealed memfds and other files, and some that may not be sent.</summary>
internal sealed class Descriptors(Chance chance)
{
    private int _lastNumber = 2;

    /// <summary>A piece of payload.</summary>
    public PieceModel Memfd()
    {
        var size = chance.Below(12) switch { 0 => 1UL << chance.Below(64), < 4 => 1 + (ulong)chance.Below(3000), _ => 1 + (ulong)chance.Below(100) };
        var start = chance.OneIn(2) ? 0 : (ulong)chance.Below(5000);
        if (chance.OneIn(80)) size = 0;
        if (chance.OneIn(80)) start = ulong.MaxValue - (ulong)chance.Below(200);
        var end = ulong.MaxValue - start < size ? ulong.MaxValue : start + size;
        var length = chance.OneIn(60) && end > 0 ? end - 1 : chance.OneIn(2) ? end : Math.Max(end, end + (ulong)chance.Below(100));
        var memfd = new DescriptorModel(chance.OneIn(80) ? -1 - chance.Below(2) : ++_lastNumber)
        {
            Found = Found(80),
            Kind = chance.OneIn(80) ? Any() : SentFileKind.Other,
            Seals = chance.OneIn(50) ? chance.Of(-1, 0, 7, 0xe, 0x17, 0x1b) : chance.Of(0xf, 0xf, 0x1f, 0x3f),
            Size = length,
        };
        return new PieceModel(size, Data: null) { Memfd = memfd, Start = start };
    }

    /// <summary>One FDS item, or none, or one too many.</summary>
    public List<FdsModel> Fds(int pieces, bool isBroadcast)
    {
        var items = new List<FdsModel>();
        if (!chance.OneIn(isBroadcast ? 150 : 5)) return items;
        for (var count = chance.OneIn(40) ? 2 : 1; count > 0; count--)
        {
            var descriptors = new List<DescriptorModel>();
            for (var left = chance.OneIn(40) ? 6 : chance.Of(0, 1, 1, 1, 2, 3, 5); left > 0; left--) descriptors.Add(Descriptor());
            items.Add(new FdsModel(chance.Below(pieces + 1), descriptors) { Surplus = chance.OneIn(100) ? 2 : 0 });
        }

        return [.. items.OrderBy(each => each.At)];
    }

    private DescriptorModel Descriptor()
    {
        var found = Found(60);
        return new DescriptorModel(found == Errno.EBADF && chance.OneIn(2) ? -1 : ++_lastNumber)
        {
            Found = found,
            Kind = chance.OneIn(60) ? Any() : chance.Of(SentFileKind.Other, SentFileKind.Other, SentFileKind.Path),
            Seals = chance.Of(-1, 0, 0xf),
            Size = (ulong)chance.Below(100),
        };
    }

    private Errno Found(int oneIn) => chance.OneIn(oneIn) ? chance.Of(Errno.EBADF, Errno.EBADF, Errno.EMFILE, Errno.ENOMEM, Errno.EUSERS) : Errno.OK;

    private SentFileKind Any() => chance.Of(SentFileKind.Bus, SentFileKind.UnixSocket, SentFileKind.Path);
}
