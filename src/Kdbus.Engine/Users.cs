namespace Kdbus.Engine;

/// <summary>
/// Who is charged: one per real uid and domain, one per custom endpoint whatever the uids of its connections, and one
/// for the bus itself. Users are compared by identity.
/// </summary>
public sealed class User
{
    private readonly Users? _known;

    internal User(uint? uid, Users? known = null, string? endpoint = null)
    {
        Uid = uid;
        Endpoint = endpoint;
        _known = known;
    }

    /// <summary>The uid, or null for the bus itself and for the anonymous user of an endpoint.</summary>
    public uint? Uid { get; }

    /// <summary>The custom endpoint whose anonymous user this is, or null. The endpoint may have ended.</summary>
    public string? Endpoint { get; }

    /// <summary>Buses alive.</summary>
    internal int Buses
    {
        get;
        set
        {
            field = value;
            if (value == 0) _known?.Trim(this);
        }
    }

    /// <summary>Connections whose handles are not closed yet.</summary>
    internal int Connections
    {
        get;
        set
        {
            field = value;
            if (value == 0) _known?.Trim(this);
        }
    }

    /// <summary>Messages of this user in anybody's queue. It must stay the same user until they are gone.</summary>
    internal int Messages
    {
        get;
        set
        {
            field = value;
            if (value == 0) _known?.Trim(this);
        }
    }

    /// <summary>Files in messages of this user.</summary>
    internal int Files
    {
        get;
        set
        {
            field = value;
            if (value == 0) _known?.Trim(this);
        }
    }
}

/// <summary>The users of a domain that have a uid.</summary>
internal sealed class Users
{
    private readonly Dictionary<uint, User> _byUid = [];

    /// <summary>All of them, in no order.</summary>
    public IReadOnlyCollection<User> All => _byUid.Values;

    public User Get(uint uid)
    {
        if (!_byUid.TryGetValue(uid, out var user))
        {
            user = new User(uid, this);
            _byUid.Add(uid, user);
        }

        return user;
    }

    /// <summary>Forgets a user nothing is charged on any more.</summary>
    public void Trim(User user)
    {
        if (user is { Uid: { } uid, Buses: 0, Connections: 0, Messages: 0, Files: 0 }) _byUid.Remove(uid);
    }
}
