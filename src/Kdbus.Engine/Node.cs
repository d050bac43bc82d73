using Kdbus.Abi;

namespace Kdbus.Engine;

/// <summary>
/// A name in the tree: a bus is a directory, an endpoint a file in it. What stat(2) shows of a node never changes while
/// it lives.
/// </summary>
public abstract class Node
{
    private protected Node(ulong inode, string name, uint uid, uint gid, MakeFlags flags)
    {
        Inode = inode;
        Name = name;
        Uid = uid;
        Gid = gid;
        MakeFlags = flags;
    }

    /// <summary>Inode number: small, not 0, unique in the domain while the node exists.</summary>
    public ulong Inode { get; }

    /// <summary>Name in the directory.</summary>
    public string Name { get; }

    /// <summary>Effective user of the maker.</summary>
    public uint Uid { get; }

    /// <summary>Effective group of the maker.</summary>
    public uint Gid { get; }

    /// <summary>Flags of the make command.</summary>
    public MakeFlags MakeFlags { get; }

    /// <summary>False once the node has left the tree.</summary>
    public bool Alive { get; internal set; } = true;

    /// <summary>Permission bits: what the owner has, given to the group and to everybody as the make flags say.</summary>
    public uint Permissions
    {
        get
        {
            var owner = OwnerPermissions;
            if (MakeFlags.HasFlag(MakeFlags.AccessWorld)) return owner | (owner >> 3) | (owner >> 6);
            return MakeFlags.HasFlag(MakeFlags.AccessGroup) ? owner | (owner >> 3) : owner;
        }
    }

    private protected abstract uint OwnerPermissions { get; }
}
