using Kdbus.Engine;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// How callers' user namespaces name ids, put into the words of the daemon's own, which is the domain's. What cannot be
/// found out is left out: an id without a name here is one that nobody can mean.
/// </summary>
internal sealed class UserNamespaces
{
    private const uint None = uint.MaxValue;

    private readonly long _own = ProcessNamespace.Inode(Environment.ProcessId, NamespaceKind.User);
    private readonly IdMap _users;
    private readonly IdMap _groups;
    private readonly IdMaps? _ownMaps;
    private readonly uint _unnamedGroup;

    public UserNamespaces()
    {
        if (IdMap.ReadUsers(Environment.ProcessId, out _users) < 0) _users = IdMap.Empty;
        if (IdMap.ReadGroups(Environment.ProcessId, out _groups) < 0) _groups = IdMap.Empty;
        _ownMaps = Own(_users, _groups);
        _unnamedGroup = _groups.IsWhole ? None : IdMap.OverflowGroup;
    }

    /// <summary>No id has a name.</summary>
    public static IdMaps Nothing { get; } = new(ReadOnlyMemory<IdRange>.Empty, ReadOnlyMemory<IdRange>.Empty);

    /// <summary>Whether a thread is known to be in the domain's user namespace.</summary>
    public bool IsOwn(int thread) => _own > 0 && ProcessNamespace.Inode(thread, NamespaceKind.User) == _own;

    /// <summary>The number of a thread's user namespace; 0 if it cannot be found out.</summary>
    public static ulong SpaceOf(int thread) => (ulong)Math.Max(ProcessNamespace.Inode(thread, NamespaceKind.User), 0);

    /// <inheritdoc cref="Look"/>
    public IdMaps? Of(int thread) => Look(thread, out _);

    /// <summary>
    /// How a thread's user namespace names ids; null if it is the domain's and has all ids. One whose namespace cannot be
    /// found out may be in the domain's, where numbers mean something else than in its map, so it names none.
    /// </summary>
    /// <param name="thread">The thread.</param>
    /// <param name="space">The number of the namespace; 0 if it cannot be found out.</param>
    public IdMaps? Look(int thread, out ulong space)
    {
        space = SpaceOf(thread);
        return MapsOf(thread, space);
    }

    /// <summary>The same of a thread whose namespace has this number now; 0 if that cannot be found out.</summary>
    public IdMaps? MapsOf(int thread, ulong space)
    {
        if (space == 0 || _own < 0) return Nothing;
        // Not kept by number: another namespace may get it. A file held open would keep it, and the namespace.
        if (space == (ulong)_own) return _ownMaps;
        return IdMap.ReadUsers(thread, out var users) < 0 || IdMap.ReadGroups(thread, out var groups) < 0
            ? Nothing
            : new IdMaps(Known(users, _users), Known(groups, _groups));
    }

    /// <summary>
    /// The groups among these that the domain's namespace has. All that it does not have look like one and the same to us,
    /// and that may be one that it has: then it cannot be told who is meant, and nobody is.
    /// </summary>
    public uint[] Named(ReadOnlySpan<uint> groups)
    {
        if (groups.IsEmpty) return [];
        return _unnamedGroup == None || !groups.Contains(_unnamedGroup)
            ? groups.ToArray()
            : Array.FindAll(groups.ToArray(), group => group != _unnamedGroup);
    }

    /// <summary>The names a domain's own namespace has for ids, each for itself; null if it has all.</summary>
    internal static IdMaps? Own(IdMap users, IdMap groups) =>
        users.IsWhole && groups.IsWhole ? null : new IdMaps(Themselves(users), Themselves(groups));

    /// <summary>
    /// The part of a caller's map that the domain's namespace knows. Reading the map tells only by which number the first
    /// id of each range is known here. The ids behind it follow each other there, and here as far as one range of ours goes.
    /// </summary>
    internal static IdRange[] Known(IdMap callers, IdMap own)
    {
        var known = new List<IdRange>(callers.RangeCount);
        foreach (var theirs in callers.Ranges)
        {
            foreach (var ours in own.Ranges)
            {
                // Unsigned difference: an id below the range becomes a huge offset and fails the same test.
                var offset = theirs.Outside - ours.Inside;
                if (theirs.Outside == None || offset >= ours.Count) continue;
                known.Add(new IdRange(theirs.Inside, theirs.Outside, Math.Min(theirs.Count, ours.Count - offset)));
            }
        }

        return [.. known];
    }

    private static IdRange[] Themselves(IdMap map)
    {
        var ranges = new IdRange[map.RangeCount];
        for (var i = 0; i < ranges.Length; i++) ranges[i] = new IdRange(map.Ranges[i].Inside, map.Ranges[i].Inside, map.Ranges[i].Count);
        return ranges;
    }
}
