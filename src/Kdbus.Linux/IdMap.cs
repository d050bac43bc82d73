using System.Buffers.Text;

namespace Kdbus.Linux;

/// <summary>
/// A user namespace's translation of user or group ids, from <c>/proc/PID/uid_map</c> or <c>gid_map</c> (user_namespaces(7)). "Inside" are
/// the ids the process sees, "outside" those of the user namespace of whoever read the file. An id without a translation has none: callers
/// decide what stands in for it (usually 65534). Immutable.
/// </summary>
public sealed class IdMap
{
    private readonly IdExtent[] _extents;

    private IdMap(IdExtent[] extents) => _extents = extents;

    /// <summary>Every id is itself.</summary>
    public static IdMap Identity { get; } = new([new IdExtent(0, 0, uint.MaxValue)]);

    /// <summary>No id has a translation.</summary>
    public static IdMap Empty { get; } = new([]);

    /// <summary>The user id that the kernel shows for those without a translation: <c>/proc/sys/kernel/overflowuid</c>, or what that usually is.</summary>
    public static uint OverflowUser => Overflow("/proc/sys/kernel/overflowuid\0"u8);

    /// <summary>The group id that the kernel shows for those without a translation: <c>/proc/sys/kernel/overflowgid</c>, or what that usually is.</summary>
    public static uint OverflowGroup => Overflow("/proc/sys/kernel/overflowgid\0"u8);

    /// <summary>Whether every id is itself, so that translating can be left out.</summary>
    public bool IsIdentity => _extents is [{ Inside: 0, Outside: 0, Count: uint.MaxValue }];

    /// <summary>Whether every id inside has a translation.</summary>
    public bool IsWhole => _extents is [{ Inside: 0, Count: uint.MaxValue }];

    /// <summary>Number of ranges, at most 340.</summary>
    public int RangeCount => _extents.Length;

    /// <summary>The ranges, in the order of the file. One whose first id has no number outside has the outside 0xffffffff.</summary>
    public ReadOnlySpan<IdExtent> Ranges => _extents;

    /// <summary>The user ids of a process' user namespace: 0 and the map, or -errno (-EPROTO: the text is not understood).</summary>
    public static int ReadUsers(int pid, out IdMap map) => Read(pid, "uid_map"u8, out map);

    /// <summary>The group ids of a process' user namespace: 0 and the map, or -errno.</summary>
    public static int ReadGroups(int pid, out IdMap map) => Read(pid, "gid_map"u8, out map);

    /// <summary>Parses lines of three numbers: first id inside, first id outside, count. Empty text is a valid map without any id. False if
    /// malformed.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out IdMap map)
    {
        var extents = new List<IdExtent>();
        map = new IdMap([]);
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            if (!Next(ref line, out uint inside) || !Next(ref line, out uint outside) || !Next(ref line, out uint count)
                || !line.Trim((byte)' ').IsEmpty || count == 0)
                return false;
            extents.Add(new IdExtent(inside, outside, count));
        }
        map = new IdMap([.. extents]);
        return true;
    }

    /// <summary>The id outside that an id inside stands for.</summary>
    /// <returns>False if there is none.</returns>
    public bool TryToOutside(uint inside, out uint outside)
    {
        foreach (IdExtent extent in _extents)
        {
            // Unsigned difference: an id below the range becomes a huge offset and fails the same test.
            uint offset = inside - extent.Inside;
            if (offset < extent.Count)
            {
                outside = extent.Outside + offset;
                return true;
            }
        }
        outside = 0;
        return false;
    }

    /// <summary>The id inside by which an id outside is seen.</summary>
    /// <returns>False if there is none.</returns>
    public bool TryToInside(uint outside, out uint inside)
    {
        foreach (IdExtent extent in _extents)
        {
            uint offset = outside - extent.Outside;
            if (offset < extent.Count)
            {
                inside = extent.Inside + offset;
                return true;
            }
        }
        inside = 0;
        return false;
    }

    private static uint Overflow(ReadOnlySpan<byte> file)
    {
        const uint Usual = 65534;
        long number = ProcFile.ReadNumber(file);
        return number < 0 ? Usual : (uint)number;
    }

    private static int Read(int pid, ReadOnlySpan<byte> name, out IdMap map)
    {
        byte[] buffer = [];
        int length = ProcFile.Read(pid, name, ref buffer);
        if (length < 0)
        {
            map = Identity;
            return length;
        }
        return TryParse(buffer.AsSpan(0, length), out map) ? 0 : -SystemError.EPROTO;
    }

    private static bool Next(ref ReadOnlySpan<byte> line, out uint number)
    {
        line = line.TrimStart((byte)' ');
        if (!Utf8Parser.TryParse(line, out number, out int used))
            return false;
        line = line[used..];
        return true;
    }
}

/// <summary>Ids that follow each other on both sides of a translation.</summary>
/// <param name="Inside">The first one inside.</param>
/// <param name="Outside">The first one outside.</param>
/// <param name="Count">How many there are.</param>
public readonly record struct IdExtent(uint Inside, uint Outside, uint Count);
