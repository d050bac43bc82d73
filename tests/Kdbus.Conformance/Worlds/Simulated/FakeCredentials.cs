using Kdbus.Engine.Processes;
using Kdbus.Fuse.Wire;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>The ids and capabilities of a thread, and what they allow: the checks that <c>default_permissions</c> makes the kernel do.</summary>
internal sealed record FakeCredentials(TaskCreds Ids, IReadOnlyList<uint> Groups)
{
    private const uint Unchanged = uint.MaxValue;
    private const uint LastCapability = 40;
    private const ulong AllCapabilities = (1UL << (int)LastCapability + 1) - 1;
    private const ulong IpcOwner = 1UL << 15;

    /// <summary>Root, which has all capabilities.</summary>
    public static FakeCredentials Root { get; } = FirstOf(FakeUserNamespace.Initial, 0);

    /// <summary>The user namespace, in which the capabilities count. Ids here are those of the initial one.</summary>
    public FakeUserNamespace Namespace { get; init; } = FakeUserNamespace.Initial;

    /// <summary>The sets of capabilities.</summary>
    public CapabilitySets Caps { get; init; } = new(LastCapability, 0, AllCapabilities, AllCapabilities, AllCapabilities);

    /// <summary>All capabilities, in the initial user namespace.</summary>
    public bool HasCapabilities => Caps.Effective == AllCapabilities && Namespace == FakeUserNamespace.Initial;

    /// <summary>CAP_IPC_OWNER in the initial user namespace.</summary>
    public bool IsIpcOwner => (Caps.Effective & IpcOwner) != 0 && Namespace == FakeUserNamespace.Initial;

    /// <summary>As access(2) checks: with the real ids.</summary>
    public FakeCredentials Really => WithIds(Ids with { Euid = Ids.Uid, Fsuid = Ids.Uid, Egid = Ids.Gid, Fsgid = Ids.Gid });

    /// <summary>The first user of a user namespace, who has all capabilities in it.</summary>
    public static FakeCredentials FirstOf(FakeUserNamespace space, uint id) => new(Same(id, id), []) { Namespace = space };

    /// <summary>One user and one group, four times each.</summary>
    public static TaskCreds Same(uint uid, uint gid) => new(uid, uid, uid, uid, gid, gid, gid, gid);

    /// <summary>May it have these ids? All ones leaves one as it is, or makes a file system id follow the effective one.</summary>
    public bool MayHave(TaskCreds ids) =>
        HasCapabilities || ((ReadOnlySpan<uint>)[ids.Uid, ids.Euid, ids.Suid]).ContainsAnyExcept([Unchanged, Ids.Uid, Ids.Euid, Ids.Suid]) == false;

    /// <summary>With other ids, and the capabilities that root loses on becoming somebody else, or has again.</summary>
    public FakeCredentials With(TaskCreds ids)
    {
        TaskCreds now = new(
            Pick(ids.Uid, Ids.Uid), Pick(ids.Euid, Ids.Euid), Pick(ids.Suid, Ids.Suid), Pick(ids.Fsuid, Pick(ids.Euid, Ids.Euid)),
            Pick(ids.Gid, Ids.Gid), Pick(ids.Egid, Ids.Egid), Pick(ids.Sgid, Ids.Sgid), Pick(ids.Fsgid, Pick(ids.Egid, Ids.Egid)));
        return WithIds(now);
    }

    /// <summary>Another user, who keeps CAP_IPC_OWNER.</summary>
    public FakeCredentials IpcOwnerAs(uint uid, uint gid) =>
        (this with { Ids = Same(uid, gid), Groups = [] }).WithCapabilities(0, IpcOwner, IpcOwner);

    /// <summary>With other sets of capabilities.</summary>
    public FakeCredentials WithCapabilities(ulong inheritable, ulong permitted, ulong effective) =>
        this with { Caps = Caps with { Inheritable = inheritable, Permitted = permitted, Effective = effective } };

    /// <summary>May a node be read (4), written (2), executed or searched (1)?</summary>
    public bool May(in FuseAttr node, int access)
    {
        uint mode = node.Mode;
        bool isDirectory = (mode & 0xf000) == 0x4000;
        if (HasCapabilities)
            return isDirectory || (access & AccessMode.Execute) == 0 || (mode & 0x49) != 0;
        uint bits = Ids.Fsuid == node.Uid ? mode >> 6 : Ids.Fsgid == node.Gid || Groups.Contains(node.Gid) ? mode >> 3 : mode;
        return (bits & (uint)access) == (uint)access;
    }

    private FakeCredentials WithIds(TaskCreds now)
    {
        uint root = Namespace.Root;
        bool wasRoot = Ids.Uid == root || Ids.Euid == root || Ids.Suid == root;
        bool isRoot = now.Uid == root || now.Euid == root || now.Suid == root;
        ulong permitted = wasRoot && !isRoot ? 0 : Caps.Permitted;
        ulong effective = now.Euid == root ? Ids.Euid == root ? Caps.Effective : permitted : Ids.Euid == root ? 0 : Caps.Effective & permitted;
        return this with { Ids = now, Caps = Caps with { Permitted = permitted, Effective = effective } };
    }

    private static uint Pick(uint given, uint otherwise) => given == Unchanged ? otherwise : given;
}
