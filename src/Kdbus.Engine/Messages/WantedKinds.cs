using System.Numerics;
using Kdbus.Abi;

namespace Kdbus.Engine.Messages;

/// <summary>How many want each kind of metadata, so that what nobody wants is not even looked for.</summary>
internal sealed class WantedKinds
{
    private readonly int[] _counts = new int[64];

    /// <summary>The kinds that somebody wants.</summary>
    public AttachFlags Any { get; private set; }

    /// <summary>One has changed its mind.</summary>
    public void Change(AttachFlags from, AttachFlags to)
    {
        Count(from & ~to, -1);
        Count(to & ~from, 1);
    }

    private void Count(AttachFlags kinds, int change)
    {
        for (var left = (ulong)kinds; left != 0; left &= left - 1)
        {
            var bit = BitOperations.TrailingZeroCount(left);
            _counts[bit] += change;
            if (_counts[bit] > 0) Any |= (AttachFlags)(1UL << bit);
            else Any &= ~(AttachFlags)(1UL << bit);
        }
    }
}
