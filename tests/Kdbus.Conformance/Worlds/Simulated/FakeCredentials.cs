using Kdbus.Engine;
using Kdbus.Fuse.Wire;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>The ids of a process, and what they allow: the checks that <c>default_permissions</c> makes the kernel do.</summary>
internal sealed record FakeCredentials(uint RealUid, uint EffectiveUid, uint RealGid, uint EffectiveGid, IReadOnlyList<uint> Groups)
{
    /// <summary>Root, which has all capabilities.</summary>
    public static FakeCredentials Root { get; } = new(0, 0, 0, 0, []);

    /// <summary>The user it may go back to.</summary>
    public uint SavedUid { get; init; } = EffectiveUid;

    /// <summary>CAP_DAC_OVERRIDE, CAP_IPC_OWNER and the others, in the initial user namespace.</summary>
    public bool HasCapabilities => EffectiveUid == 0 && Namespace is null;

    /// <summary>CAP_IPC_OWNER in the initial user namespace.</summary>
    public bool IsIpcOwner => HasCapabilities || HasIpcOwnerOnly;

    /// <summary>CAP_IPC_OWNER and nothing else.</summary>
    public bool HasIpcOwnerOnly { get; init; }

    /// <summary>How its user namespace names ids; null for the initial one, whose names all ids here are.</summary>
    public IdMaps? Namespace { get; init; }

    /// <summary>As access(2) checks: with the real ids.</summary>
    public FakeCredentials Really => this with { EffectiveUid = RealUid, EffectiveGid = RealGid };

    /// <summary>May a node be read (4), written (2), executed or searched (1)?</summary>
    public bool May(in FuseAttr node, int access)
    {
        uint mode = node.Mode;
        bool isDirectory = (mode & 0xf000) == 0x4000;
        if (HasCapabilities)
            return isDirectory || (access & AccessMode.Execute) == 0 || (mode & 0x49) != 0;
        uint bits = EffectiveUid == node.Uid ? mode >> 6 : EffectiveGid == node.Gid || Groups.Contains(node.Gid) ? mode >> 3 : mode;
        return (bits & (uint)access) == (uint)access;
    }
}
