using Kdbus.Abi;

namespace Kdbus.Client;

/// <summary>To whom a message goes: a well-known name, or the id of a connection. A string or a number is converted to one.</summary>
public readonly struct Destination : IEquatable<Destination>
{
    private Destination(string? name, ulong id)
    {
        Name = name;
        Id = id;
    }

    /// <summary>Everybody who has a match for the signal: only signals go there.</summary>
    public static Destination Everybody => new(null, Constants.DstIdBroadcast);

    /// <summary>The well-known name, or null.</summary>
    public string? Name { get; }

    /// <summary>The id of the connection; 0 if only the name matters.</summary>
    public ulong Id { get; }

    /// <summary>Whoever owns the name when the message is sent.</summary>
    /// <param name="name">1 to 255 characters, at least one dot (spec: well-known names).</param>
    /// <exception cref="ArgumentException">It is not a well-known name.</exception>
    public static Destination OwnerOf(string name) => new(Internal.Names.Check(name), 0);

    /// <summary>The owner of the name, but only if it is this connection (else the bus refuses with EREMCHG).</summary>
    public static Destination OwnerOf(string name, ulong id) => new(Internal.Names.Check(name), id);

    /// <summary>One connection.</summary>
    /// <param name="id">Its unique id, not 0.</param>
    public static Destination Connection(ulong id) => id is not 0 and not Constants.DstIdBroadcast ? new Destination(null, id)
        : throw new ArgumentOutOfRangeException(nameof(id), id, "this is not the id of a connection.");

    /// <summary>See <see cref="OwnerOf(string)"/>.</summary>
    public static implicit operator Destination(string name) => OwnerOf(name);

    /// <summary>See <see cref="Connection"/>.</summary>
    public static implicit operator Destination(ulong id) => Connection(id);

    /// <summary>See <see cref="OwnerOf(string)"/>.</summary>
    public static Destination FromString(string name) => OwnerOf(name);

    /// <summary>See <see cref="Connection"/>.</summary>
    public static Destination FromUInt64(ulong id) => Connection(id);

    /// <summary>The same name and id.</summary>
    public static bool operator ==(Destination left, Destination right) => left.Equals(right);

    /// <summary>Another name or id.</summary>
    public static bool operator !=(Destination left, Destination right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(Destination other) => Id == other.Id && Name == other.Name;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Destination other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Id);

    /// <inheritdoc/>
    public override string ToString() =>
        Id == Constants.DstIdBroadcast ? "everybody" : Name is null ? $"connection {Id}" : Id == 0 ? Name : $"{Name} (connection {Id})";
}
