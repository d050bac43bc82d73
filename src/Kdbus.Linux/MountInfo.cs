using System.Buffers.Text;
using System.Text;

namespace Kdbus.Linux;

/// <summary>
/// One line of <c>/proc/PID/mountinfo</c> (proc_pid_mountinfo(5)). The kernel writes blanks, tabs, newlines, backslashes and <c>#</c>
/// inside its fields as a backslash and three octal digits; here they are the characters again. Bytes that are not UTF-8 become replacement
/// characters.
/// </summary>
/// <param name="MountId">Number of the mount, reused after it is gone.</param>
/// <param name="ParentId">Number of the mount it is mounted on.</param>
/// <param name="DeviceMajor">Major number of st_dev of the files in it.</param>
/// <param name="DeviceMinor">Minor number of st_dev; for FUSE the number of the connection.</param>
/// <param name="Root">The directory inside the file system that is shown.</param>
/// <param name="MountPoint">Where, seen from the process' root.</param>
/// <param name="Options">Options of this mount.</param>
/// <param name="FileSystemType">Type with subtype, such as <c>fuse.kdbusfs</c>.</param>
/// <param name="Source">What was given as source.</param>
/// <param name="SuperOptions">Options of the file system.</param>
public sealed record MountInfo(
    int MountId,
    int ParentId,
    uint DeviceMajor,
    uint DeviceMinor,
    string Root,
    string MountPoint,
    string Options,
    string FileSystemType,
    string Source,
    string SuperOptions)
{
    /// <summary>Whether the file system is served by FUSE, whatever its subtype.</summary>
    public bool IsFuse => FileSystemType is "fuse" or "fuseblk" || FileSystemType.StartsWith("fuse.", StringComparison.Ordinal)
        || FileSystemType.StartsWith("fuseblk.", StringComparison.Ordinal);

    /// <summary>The user id of a FUSE mount's owner, from its options; null if they do not tell.</summary>
    public uint? FuseOwner
    {
        get
        {
            foreach (Range range in SuperOptions.AsSpan().Split(','))
            {
                ReadOnlySpan<char> option = SuperOptions.AsSpan(range);
                if (option.StartsWith("user_id=", StringComparison.Ordinal)
                    && uint.TryParse(option[8..], System.Globalization.NumberStyles.None, null, out uint uid))
                    return uid;
            }
            return null;
        }
    }

    /// <summary>Parses a whole mountinfo file. False if a line is malformed.</summary>
    public static bool TryParseAll(ReadOnlySpan<byte> text, out List<MountInfo> mounts)
    {
        mounts = [];
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            if (!TryParse(line, out MountInfo? mount))
                return false;
            mounts.Add(mount);
        }
        return true;
    }

    /// <summary>Parses one line without its newline. False if it is malformed.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out MountInfo? mount)
    {
        mount = null;
        if (!Utf8Parser.TryParse(NextField(ref line), out int id, out _)
            || !Utf8Parser.TryParse(NextField(ref line), out int parent, out _))
            return false;
        ReadOnlySpan<byte> device = NextField(ref line);
        int colon = device.IndexOf((byte)':');
        if (colon < 0 || !Utf8Parser.TryParse(device[..colon], out uint major, out _)
            || !Utf8Parser.TryParse(device[(colon + 1)..], out uint minor, out _))
            return false;
        string root = Unescape(NextField(ref line));
        string mountPoint = Unescape(NextField(ref line));
        string options = Unescape(NextField(ref line));

        // Any number of tagged fields follows (shared:1, master:2, …), up to a lone hyphen.
        while (!line.StartsWith("- "u8))
        {
            if (line.IsEmpty)
                return false;
            _ = NextField(ref line);
        }
        _ = NextField(ref line);
        if (line.IsEmpty)
            return false;
        string type = Unescape(NextField(ref line));
        string source = Unescape(NextField(ref line));
        mount = new MountInfo(id, parent, major, minor, root, mountPoint, options, type, source, Unescape(NextField(ref line)));
        return true;
    }

    // Fields are separated by exactly one blank; two in a row mean an empty field (a mount without source has one).
    private static ReadOnlySpan<byte> NextField(ref ReadOnlySpan<byte> line)
    {
        int blank = line.IndexOf((byte)' ');
        ReadOnlySpan<byte> field = blank < 0 ? line : line[..blank];
        line = blank < 0 ? default : line[(blank + 1)..];
        return field;
    }

    private static string Unescape(ReadOnlySpan<byte> field)
    {
        if (!field.Contains((byte)'\\'))
            return Encoding.UTF8.GetString(field);
        byte[] plain = new byte[field.Length];
        int length = 0;
        while (!field.IsEmpty)
        {
            if (field.Length >= 4 && field[0] == '\\' && Octal(field[1], 3) is >= 0 and var high
                && Octal(field[2], 7) is >= 0 and var middle && Octal(field[3], 7) is >= 0 and var low)
            {
                plain[length++] = (byte)((high << 6) | (middle << 3) | low);
                field = field[4..];
            }
            else
            {
                plain[length++] = field[0];
                field = field[1..];
            }
        }
        return Encoding.UTF8.GetString(plain, 0, length);
    }

    private static int Octal(byte character, int highest) => character >= '0' && character <= '0' + highest ? character - '0' : -1;
}
