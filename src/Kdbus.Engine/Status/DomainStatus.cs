using Kdbus.Abi;

namespace Kdbus.Engine.Status;

/// <summary>
/// What there is in a domain, copied out as values. Rows are ordered by number or name, never by chance: two engines in the
/// same state give the same rows.
/// </summary>
public static class DomainStatus
{
    /// <summary>The buses, by id.</summary>
    public static Listing<BusRow> Buses(Domain domain) => new([.. domain.Buses.OrderBy(bus => bus.Id).Select(Row)]);

    /// <summary>The limits, in the order of their table.</summary>
    public static Listing<LimitRow> Limits(Domain domain) => new(
    [
        .. DomainLimits.Table.Select(limit =>
            new LimitRow(limit.Name, limit.Get(domain.Limits), limit.Least, limit.Most, limit.Error, limit.Counts)),
    ]);

    /// <summary>The kinds of metadata, by their items.</summary>
    public static Listing<MetadataRow> Metadata(Domain domain) => new(
    [
        .. Enumerable.Range(0, 64).Select(bit => (Kind: (AttachFlags)(1UL << bit), Item: ItemType.Timestamp + (ulong)bit))
            .Where(kind => (kind.Kind & (AttachFlags.All | AttachMask.Extensions)) != 0)
            .Select(kind => new MetadataRow(kind.Kind, kind.Item, (kind.Kind & domain.LetsThrough) != 0)),
    ]);

    /// <summary>Who is charged with something: the bus itself, users by uid, then the anonymous users of endpoints.</summary>
    public static Listing<UserRow> Users(Domain domain)
    {
        var endpoints =
            from bus in domain.Buses.OrderBy(bus => bus.Id)
            from endpoint in bus.Endpoints.OrderBy(endpoint => endpoint.Name, StringComparer.Ordinal)
            where endpoint.IsCustom
            select Row(bus.Name, endpoint.User!);
        return new([Row(null, domain.BusItself), .. domain.Users.All.OrderBy(user => user.Uid).Select(user => Row(null, user)), .. endpoints]);
    }

    private static string Text(Id128 id) => Convert.ToHexStringLower(id);

    private static UserRow Row(string? bus, User user) => new(bus, UserId.Of(user), user.Buses, user.Connections, user.Messages, user.Files);

    private static BusRow Row(Bus bus) => new()
    {
        Name = bus.Name,
        Id = bus.Id,
        Uuid = Text(bus.Id128),
        Uid = bus.Uid,
        Gid = bus.Gid,
        User = UserId.Of(bus.Maker),
        Flags = bus.MakeFlags,
        BloomSize = bus.Bloom.Size,
        BloomHashes = bus.Bloom.NHash,
        Required = bus.RequiredAttachFlags,
        Unmet = bus.Unmet,
        Creator = bus.CreatorAttachFlags,
        Endpoints = new(
        [
            .. bus.Endpoints.OrderBy(endpoint => endpoint.Name, StringComparer.Ordinal)
                .Select(endpoint => new EndpointRow(endpoint.Name, endpoint.Uid, endpoint.Gid, endpoint.MakeFlags, endpoint.IsCustom)),
        ]),
        Connections = bus.Connections.Count,
        Monitors = bus.Monitors.Count,
        Names = bus.Names.Entries.Count,
        Matches = bus.Matching.Count,
    };
}
