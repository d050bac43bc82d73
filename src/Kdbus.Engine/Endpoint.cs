using Kdbus.Abi;
using Kdbus.Engine.Policy;

namespace Kdbus.Engine;

/// <summary>
/// The door to a bus. The default endpoint is made with the bus and ends with it; a custom one lives as long as the
/// handle that made it, has a policy of its own that denies whatever it does not grant, and accounts all its
/// connections on one anonymous user.
/// </summary>
public sealed class Endpoint : Node
{
    internal Endpoint(ulong inode, string name, uint uid, uint gid, MakeFlags flags, Bus bus, User? user)
        : base(inode, name, uid, gid, flags)
    {
        Bus = bus;
        User = user;
        Policy = user == null ? null : new PolicyDatabase();
    }

    /// <summary>The bus behind the door.</summary>
    public Bus Bus { get; }

    /// <summary>True for an endpoint made by ENDPOINT_MAKE.</summary>
    public bool IsCustom => User != null;

    /// <summary>The anonymous user of a custom endpoint.</summary>
    internal User? User { get; }

    /// <summary>The policy of a custom endpoint.</summary>
    internal PolicyDatabase? Policy { get; }

    private protected override uint OwnerPermissions => 0x180; // rw-
}
