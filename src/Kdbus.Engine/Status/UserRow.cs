namespace Kdbus.Engine.Status;

/// <summary>Who is charged: a uid, or the anonymous user of a custom endpoint, or with neither the bus itself.</summary>
/// <param name="Uid">The uid, or null.</param>
/// <param name="Endpoint">The endpoint, or null.</param>
public readonly record struct UserId(uint? Uid, string? Endpoint)
{
    internal static UserId Of(User user) => new(user.Uid, user.Endpoint);

    /// <summary>True for the bus itself.</summary>
    public bool IsBus => Uid == null && Endpoint == null;

    /// <summary>The bus itself comes first, then uids, then endpoints.</summary>
    internal static IComparer<UserId> Order { get; } = Comparer<UserId>.Create(static (one, other) =>
    {
        var byKind = one.Kind.CompareTo(other.Kind);
        if (byKind != 0) return byKind;
        return one.Uid is { } uid ? uid.CompareTo(other.Uid!.Value) : string.CompareOrdinal(one.Endpoint, other.Endpoint);
    });

    private int Kind => IsBus ? 0 : Uid != null ? 1 : 2;
}

/// <summary>What is charged on one user, in all of the domain.</summary>
/// <param name="Bus">The bus of the endpoint whose anonymous user this is, or null.</param>
/// <param name="User">Who.</param>
/// <param name="Buses">Buses alive.</param>
/// <param name="Connections">Connections whose handles are not closed yet.</param>
/// <param name="Messages">Messages in anybody's queue.</param>
/// <param name="Files">Descriptors in messages that nobody has received, memfds among them.</param>
public sealed record UserRow(string? Bus, UserId User, int Buses, int Connections, int Messages, int Files);
