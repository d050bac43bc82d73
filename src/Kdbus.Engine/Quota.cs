using Kdbus.Abi;

namespace Kdbus.Engine;

/// <summary>
/// Who holds how much of one connection's pool and queue. Half of the pool is reserved for its owner; one user may hold
/// a third of what is left of the other half, its own share counting as free. Charged before a slice is allocated, given
/// back in one place when the entry leaves the queue.
/// </summary>
internal sealed class Quota(ulong poolSize, DomainLimits limits)
{
    private readonly List<Share> _shares = [];

    /// <summary>Bytes of all slices that are queued and not yet received.</summary>
    private ulong _accounted;

    /// <summary>ENOBUFS for bytes or messages, EMFILE for descriptors; on OK they are charged.</summary>
    public Errno Charge(User user, ulong size, int fds)
    {
        var index = IndexOf(user);
        var share = index < 0 ? new Share(user) : _shares[index];

        var available = poolSize / 2;
        if (available < _accounted) return Errno.ENOBUFS;
        available = (available - _accounted + share.Bytes) / 3;
        if (available < share.Bytes || available - share.Bytes < size || share.Bytes + size > uint.MaxValue) return Errno.ENOBUFS;
        if (share.Messages >= limits.Messages) return Errno.ENOBUFS;
        if (share.Fds + fds > limits.Fds) return Errno.EMFILE;

        share.Bytes += size;
        share.Fds += fds;
        share.Messages++;
        user.Messages++;
        _accounted += size;
        if (index < 0) _shares.Add(share);
        else _shares[index] = share;
        return Errno.OK;
    }

    /// <summary>Gives back what <see cref="Charge"/> took.</summary>
    public void Release(User user, ulong size, int fds)
    {
        var index = IndexOf(user);
        var share = _shares[index];
        share.Bytes -= size;
        share.Fds -= fds;
        share.Messages--;
        user.Messages--;
        _accounted -= size;
        if (share.Messages == 0) _shares.RemoveAt(index);
        else _shares[index] = share;
    }

    private int IndexOf(User user)
    {
        for (var i = 0; i < _shares.Count; i++)
        {
            if (ReferenceEquals(_shares[i].User, user)) return i;
        }

        return -1;
    }

    private struct Share(User user)
    {
        public readonly User User = user;
        public ulong Bytes;
        public int Messages;
        public int Fds;
    }
}
