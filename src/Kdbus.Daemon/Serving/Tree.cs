using System.Text;
using Kdbus.Daemon.Status;
using Kdbus.Engine;
using Kdbus.Fuse.Wire;

namespace Kdbus.Daemon.Serving;

/// <summary>What a node number of the kernel stands for.</summary>
internal enum TreeNodeKind
{
    Root,
    Control,
    Bus,
    Endpoint,
    Status,
    /// <summary>The directory of what can be changed while the domain is mounted.</summary>
    Parameters,
    /// <summary>The one file in it, which shows and takes the mask of the domain.</summary>
    AttachMask,
}

/// <summary>A node that the kernel knows under a number of its own.</summary>
internal sealed class TreeNode(ulong nodeId, TreeNodeKind kind, Node? node, StatusPlace status = default)
{
    public ulong NodeId { get; } = nodeId;

    public TreeNodeKind Kind { get; } = kind;

    /// <summary>The bus or endpoint behind it.</summary>
    public Node? Node { get; } = node;

    public Bus? Bus => Node as Bus;

    public Endpoint? Endpoint => Node as Endpoint;

    /// <summary>The place in <c>.status</c>, if it is one.</summary>
    public StatusPlace Status { get; } = status;

    public bool IsDirectory =>
        Kind is TreeNodeKind.Root or TreeNodeKind.Bus or TreeNodeKind.Parameters || (Kind == TreeNodeKind.Status && Status.IsDirectory);

    /// <summary>The bus or endpoint has ended.</summary>
    public bool IsGone => Node is { Alive: false } || Status.IsGone;

    /// <summary>How often the kernel looked it up and has not forgotten it.</summary>
    public ulong Lookups { get; set; }

    /// <summary>The open file whose pool a mapping of this node shows.</summary>
    public OpenFile? OpenedBy { get; set; }
}

/// <summary>
/// The nodes of the mount under the numbers the kernel knows them by. The root, <c>control</c> and <c>parameters</c> always have
/// theirs; a bus directory has one number while the kernel knows it, and so has what is in <c>.status</c>. An endpoint gets a
/// fresh one at every lookup, because what mmap(2) shows hangs on the node and each opener has a pool of its own; so does the
/// file of a parameter, because the kernel takes a node to be as long as what was last written to it, until it asks. Numbers are
/// never used twice. Guarded by the lock of the engine.
/// </summary>
internal sealed class Tree
{
    /// <summary>Names never stay in the kernel's cache: a bus that ended must be gone and its name usable at once.</summary>
    private const ulong EntrySeconds = 0;

    private const ulong AttributeSeconds = 3600;
    private const uint DirectoryType = 0x4000;
    private const uint FileType = 0x8000;
    private const uint RootPermissions = 0x16d; // r-xr-xr-x
    private const uint ControlPermissions = 0x1b6; // rw-rw-rw-
    private const uint ParameterPermissions = 0x1a4; // rw-r--r--

    /// <summary>Inode numbers of parameters begin here, behind those of all nodes of the domain and of <c>.status</c>.</summary>
    private const ulong ParameterInode = 1UL << 48;

    private const ulong LastFixedId = FuseProtocol.RootId + 2;

    private readonly Domain _domain;
    private readonly ulong _mountedSeconds;
    private readonly Dictionary<ulong, TreeNode> _nodes = [];
    private readonly Dictionary<Bus, TreeNode> _buses = [];
    private readonly Dictionary<StatusPlace, TreeNode> _statuses = [];
    private readonly StatusTree _status;
    private readonly uint _uid;
    private readonly uint _gid;
    private readonly TreeNode _root = new(FuseProtocol.RootId, TreeNodeKind.Root, null);
    private readonly TreeNode _control = new(FuseProtocol.RootId + 1, TreeNodeKind.Control, null);
    private readonly TreeNode _parameters = new(LastFixedId, TreeNodeKind.Parameters, null);
    private readonly TreeNode _listedAttachMask = new(0, TreeNodeKind.AttachMask, null);
    private ulong _lastNodeId = LastFixedId;

    /// <param name="domain">What there is.</param>
    /// <param name="uid">The user the daemon runs as, who owns what is for the operator: status and parameters.</param>
    /// <param name="gid">His group.</param>
    /// <param name="mountedSeconds">The time of all nodes, seconds of CLOCK_REALTIME.</param>
    public Tree(Domain domain, uint uid, uint gid, ulong mountedSeconds)
    {
        _domain = domain;
        _uid = uid;
        _gid = gid;
        _status = new StatusTree(domain, uid, gid);
        _mountedSeconds = mountedSeconds;
        foreach (var node in (TreeNode[])[_root, _control, _parameters]) _nodes.Add(node.NodeId, node);
    }

    /// <summary>How pools are shown; set before the first lookup.</summary>
    public PoolProfile Profile { get; set; }

    /// <summary>Nodes the kernel knows, besides those that are always there.</summary>
    public int Count => _nodes.Count - (int)LastFixedId;

    public TreeNode? Find(ulong nodeId) => _nodes.GetValueOrDefault(nodeId);

    /// <summary>Finds a name in a directory and counts the lookup; null if there is no such name.</summary>
    public TreeNode? Lookup(TreeNode directory, ReadOnlySpan<byte> name)
    {
        var found = Child(directory, name);
        if (found != null) found.Lookups++;
        return found;
    }

    /// <summary>Takes lookups back, one whose answer did not reach the kernel among them.</summary>
    public void Forget(ulong nodeId, ulong lookups)
    {
        if (!_nodes.TryGetValue(nodeId, out var node)) return;
        node.Lookups -= Math.Min(lookups, node.Lookups);
        if (node.Lookups > 0 || nodeId <= LastFixedId) return;
        _nodes.Remove(nodeId);
        if (node.Bus is { } bus) _buses.Remove(bus);
        if (node.Kind == TreeNodeKind.Status) _statuses.Remove(node.Status);
    }

    public FuseEntryOut EntryOf(TreeNode node) => new()
    {
        NodeId = node.NodeId,
        EntryValid = EntrySeconds,
        AttrValid = AttributeSecondsOf(node),
        Attr = AttributesOf(node),
    };

    public FuseAttrOut AttributeReplyOf(TreeNode node) => new() { AttrValid = AttributeSecondsOf(node), Attr = AttributesOf(node) };

    /// <summary>
    /// Fills a directory. The offset of an entry is made of its inode number, so that a listing in several pieces neither
    /// repeats nor skips what stays while other nodes come and go.
    /// </summary>
    public void List(TreeNode directory, ulong offset, ref Fuse.DirectoryBuffer buffer)
    {
        if (directory.Kind == TreeNodeKind.Status)
        {
            _status.List(directory.Status, offset, ref buffer);
            return;
        }

        if (offset < 1 && !buffer.TryAdd("."u8, Listed(directory), 1)) return;
        if (offset < 2 && !buffer.TryAdd(".."u8, Listed(_root), 2)) return;
        if (directory.Kind == TreeNodeKind.Parameters)
        {
            if (offset < 3) _ = buffer.TryAdd("attach_flags_mask"u8, Listed(_listedAttachMask), 3);
            return;
        }

        if (directory.Kind == TreeNodeKind.Root)
        {
            var next = Domain.ControlInode + 2;
            if (offset < next && !buffer.TryAdd("control"u8, Listed(_control), next)) return;
        }

        IEnumerable<Node> children = directory.Bus is { } bus ? bus.Endpoints : _domain.Buses;
        foreach (var child in children.Where(child => child.Inode + 2 > offset).OrderBy(child => child.Inode))
        {
            var kind = child is Bus ? TreeNodeKind.Bus : TreeNodeKind.Endpoint;
            var entry = new FuseEntryOut { Attr = Attributes(child.Inode, kind, child) };
            if (!buffer.TryAdd(Encoding.ASCII.GetBytes(child.Name), entry, child.Inode + 2)) return;
        }
    }

    private TreeNode? Child(TreeNode directory, ReadOnlySpan<byte> name)
    {
        if (directory.Kind == TreeNodeKind.Root)
        {
            if (name.SequenceEqual("control"u8)) return _control;
            if (name.SequenceEqual(StatusTree.Name)) return NodeOf(default(StatusPlace));
            if (name.SequenceEqual("parameters"u8)) return _parameters;
            return _domain.FindBus(Encoding.ASCII.GetString(name)) is { } bus ? NodeOf(bus) : null;
        }

        if (directory.Kind == TreeNodeKind.Parameters)
        {
            return name.SequenceEqual("attach_flags_mask"u8) ? Add(TreeNodeKind.AttachMask, null) : null;
        }

        if (directory.Kind == TreeNodeKind.Status)
        {
            return directory.IsDirectory && _status.Child(directory.Status, name) is { } place ? NodeOf(place) : null;
        }

        return directory.Bus is { Alive: true } parent && parent.FindEndpoint(Encoding.ASCII.GetString(name)) is { } endpoint
            ? Add(TreeNodeKind.Endpoint, endpoint)
            : null;
    }

    private TreeNode NodeOf(Bus bus)
    {
        if (!_buses.TryGetValue(bus, out var node))
        {
            node = Add(TreeNodeKind.Bus, bus);
            _buses.Add(bus, node);
        }

        return node;
    }

    private TreeNode NodeOf(StatusPlace place)
    {
        if (!_statuses.TryGetValue(place, out var node))
        {
            node = Add(TreeNodeKind.Status, null, place);
            _statuses.Add(place, node);
        }

        return node;
    }

    private TreeNode Add(TreeNodeKind kind, Node? node, StatusPlace status = default)
    {
        var added = new TreeNode(++_lastNodeId, kind, node, status);
        _nodes.Add(added.NodeId, added);
        return added;
    }

    /// <summary>An entry of a listing: it does not count as a lookup.</summary>
    private FuseEntryOut Listed(TreeNode node) => new() { Attr = AttributesOf(node) };

    /// <summary>In the page cache profile the size of an endpoint grows at HELLO; all else is constant.</summary>
    private ulong AttributeSecondsOf(TreeNode node) =>
        Profile == PoolProfile.PageCache && node.Kind == TreeNodeKind.Endpoint ? 0 : AttributeSeconds;

    private FuseAttr AttributesOf(TreeNode node)
    {
        if (node.Kind == TreeNodeKind.Status)
        {
            return _status.AttributesOf(node.Status) with { BlkSize = 4096, ATime = _mountedSeconds, MTime = _mountedSeconds, CTime = _mountedSeconds };
        }

        var inode = node.Kind switch
        {
            TreeNodeKind.Root => Domain.ControlInode - 1,
            TreeNodeKind.Control => Domain.ControlInode,
            TreeNodeKind.Parameters => ParameterInode,
            TreeNodeKind.AttachMask => ParameterInode + 1,
            _ => node.Node!.Inode,
        };
        var attributes = Attributes(inode, node.Kind, node.Node);
        if (node.Kind is TreeNodeKind.Parameters or TreeNodeKind.AttachMask) (attributes.Uid, attributes.Gid) = (_uid, _gid);
        if (Profile == PoolProfile.PageCache && node.OpenedBy?.Pool is { } pool) attributes.Size = pool.Size;
        return attributes;
    }

    /// <summary>
    /// Sizes are 0: nothing can then be mapped of a file but a pool, and no buffer of a command can make us wait for
    /// ourselves.
    /// </summary>
    private FuseAttr Attributes(ulong inode, TreeNodeKind kind, Node? node) => new()
    {
        Ino = inode,
        Mode = kind switch
        {
            TreeNodeKind.Root or TreeNodeKind.Parameters => DirectoryType | RootPermissions,
            TreeNodeKind.AttachMask => FileType | ParameterPermissions,
            TreeNodeKind.Control => FileType | ControlPermissions,
            TreeNodeKind.Bus => DirectoryType | node!.Permissions,
            _ => FileType | node!.Permissions,
        },
        NLink = kind is TreeNodeKind.Root or TreeNodeKind.Bus or TreeNodeKind.Parameters ? 2u : 1u,
        Uid = node?.Uid ?? 0,
        Gid = node?.Gid ?? 0,
        BlkSize = 4096,
        ATime = _mountedSeconds,
        MTime = _mountedSeconds,
        CTime = _mountedSeconds,
    };
}
