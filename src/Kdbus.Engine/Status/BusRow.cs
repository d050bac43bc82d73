using Kdbus.Abi;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Status;

/// <summary>A bus, in numbers.</summary>
public sealed record BusRow
{
    /// <summary>Name in the root directory.</summary>
    public required string Name { get; init; }

    /// <summary>Number in the domain.</summary>
    public required ulong Id { get; init; }

    /// <summary>UUID, 32 hexadecimal digits.</summary>
    public required string Uuid { get; init; }

    /// <summary>Effective user of the maker.</summary>
    public required uint Uid { get; init; }

    /// <summary>Effective group of the maker.</summary>
    public required uint Gid { get; init; }

    /// <summary>Real user of the maker, on whom the bus is charged.</summary>
    public required UserId User { get; init; }

    /// <summary>Who may enter.</summary>
    public required MakeFlags Flags { get; init; }

    /// <summary>Bytes of a bloom filter.</summary>
    public required ulong BloomSize { get; init; }

    /// <summary>Hash functions of a bloom filter.</summary>
    public required ulong BloomHashes { get; init; }

    /// <summary>What every connection must allow to be sent about it.</summary>
    public required AttachFlags Required { get; init; }

    /// <summary>HELLOs and UPDATEs that did not allow it.</summary>
    public required UnmetRequirement Unmet { get; init; }

    /// <summary>What may be told about the creator.</summary>
    public required AttachFlags Creator { get; init; }

    /// <summary>The files of its directory, by name.</summary>
    public required Listing<EndpointRow> Endpoints { get; init; }

    /// <summary>Connections of every kind.</summary>
    public required int Connections { get; init; }

    /// <summary>Monitors among them.</summary>
    public required int Monitors { get; init; }

    /// <summary>Well-known names that somebody owns.</summary>
    public required int Names { get; init; }

    /// <summary>Matches installed.</summary>
    public required int Matches { get; init; }
}

/// <summary>A door to a bus.</summary>
/// <param name="Name">Name in the bus's directory.</param>
/// <param name="Uid">Effective user of the maker.</param>
/// <param name="Gid">Effective group of the maker.</param>
/// <param name="Flags">Who may enter.</param>
/// <param name="IsCustom">It has a policy and a user of its own.</param>
public sealed record EndpointRow(string Name, uint Uid, uint Gid, MakeFlags Flags, bool IsCustom);
