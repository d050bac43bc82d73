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

    /// <summary>Bytes of all slices that are charged.</summary>
    public ulong Accounted => _accounted;

    /// <summary>Where the domain says no.</summary>
    public DomainLimits Limits => limits;

    /// <summary>The users who hold something, in the order in which they began to.</summary>
    public IEnumerable<QuotaShare> Shares => _shares.Select(share => Show(share));

    /// <summary>ENOBUFS for bytes or messages, EMFILE for descriptors; on OK they are charged.</summary>
    public Errno Charge(User user, ulong size, int fds)
    {
        var index = IndexOf(user);
        var share = index < 0 ? new Share(user) : _shares[index];

        if (!HasRoomFor(share, size)) return Errno.ENOBUFS;
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

    /// <summary>Whether a user may hold so many bytes more.</summary>
    public bool HasRoomFor(User user, ulong size)
    {
        var index = IndexOf(user);
        return HasRoomFor(index < 0 ? new Share(user) : _shares[index], size);
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

    /// <summary>What a user has now, and may have.</summary>
    public QuotaShare ShareOf(User user)
    {
        var index = IndexOf(user);
        return Show(index < 0 ? new Share(user) : _shares[index]);
    }

    private bool HasRoomFor(in Share share, ulong size)
    {
        var available = LimitOf(share.Bytes);
        return available >= share.Bytes && available - share.Bytes >= size && share.Bytes + size <= uint.MaxValue;
    }

    /// <summary>Bytes that somebody who holds <paramref name="bytes"/> of them may hold now.</summary>
    private ulong LimitOf(ulong bytes)
    {
        var half = poolSize / 2;
        return half < _accounted ? 0 : (half - _accounted + bytes) / 3;
    }

    private QuotaShare Show(in Share share) => new(share.User, share.Bytes, share.Messages, share.Fds, Math.Min(LimitOf(share.Bytes), uint.MaxValue));

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

/// <summary>What one user holds of a connection's pool and queue.</summary>
/// <param name="User">Who.</param>
/// <param name="Bytes">Bytes of slices.</param>
/// <param name="Messages">Messages.</param>
/// <param name="Fds">Descriptors in them.</param>
/// <param name="BytesLimit">Bytes that it may hold as things are.</param>
internal readonly record struct QuotaShare(User User, ulong Bytes, int Messages, int Fds, ulong BytesLimit);
