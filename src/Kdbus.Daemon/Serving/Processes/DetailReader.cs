using System.Buffers.Text;
using Kdbus.Abi;
using Kdbus.Engine.Processes;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving.Processes;

/// <summary>
/// The kinds of metadata that files of /proc tell. All of it changes without notice, so it is read each time; what cannot be
/// had is left out.
/// </summary>
internal sealed class DetailReader
{
    /// <summary>The kinds that are read here.</summary>
    public const AttachFlags Kinds =
        AttachFlags.AuxGroups | AttachFlags.TidComm | AttachFlags.PidComm | AttachFlags.Exe | AttachFlags.Cmdline
        | AttachFlags.Cgroup | AttachFlags.Caps | AttachFlags.Seclabel | AttachFlags.Audit;

    private const int PathRoom = 4096;

    private readonly int _lastCap = Credentials.LastCapability();

    [ThreadStatic]
    private static byte[]? t_room;

    private static Span<byte> Room => (t_room ??= new byte[2 * PathRoom]).AsSpan(0, 2 * PathRoom);

    /// <summary>The root directory of a thread; the default value if it cannot be found out.</summary>
    public static RootDirectory RootOf(int thread) =>
        ProcFile.Root(thread, out var root) < 0
            ? default
            : new RootDirectory(root.Mount, ((ulong)root.DeviceMajor << 32) | root.DeviceMinor, root.Inode);

    /// <summary>Reads some of <see cref="Kinds"/>. May block as long as the caller's memory pleases if CMDLINE is among them.</summary>
    /// <param name="look">The look at the thread.</param>
    /// <param name="asked">What is asked for.</param>
    /// <param name="got">What of it there is.</param>
    public ProcessDetails Read(ref ThreadLook look, AttachFlags asked, out AttachFlags got)
    {
        var thread = look.Thread;
        var groups = asked.HasFlag(AttachFlags.AuxGroups) ? look.Status()?.Groups.ToArray() : null;
        var caps = asked.HasFlag(AttachFlags.Caps) ? Caps(ref look) : null;
        var space = caps is null ? 0 : UserNamespaces.SpaceOf(thread);
        if (space == 0) caps = null;
        var tidComm = asked.HasFlag(AttachFlags.TidComm) ? Comm(thread) : null;
        // The thread that began its process has that name too, and it has just been read.
        var pidComm = !asked.HasFlag(AttachFlags.PidComm) ? null : tidComm != null && look.Process == thread ? tidComm : Comm(look.Process);
        var root = asked.HasFlag(AttachFlags.Exe) ? RootOf(thread) : default;
        var exe = root == default ? null : Exe(thread);
        var cmdline = asked.HasFlag(AttachFlags.Cmdline) ? Cmdline(thread) : null;
        var cgroup = asked.HasFlag(AttachFlags.Cgroup) ? Cgroup(thread) : null;
        var label = asked.HasFlag(AttachFlags.Seclabel) ? Seclabel(thread) : null;
        var login = asked.HasFlag(AttachFlags.Audit) ? Number(thread, "loginuid"u8) : null;
        var session = login is null ? null : Number(thread, "sessionid"u8);

        got = Bit(AttachFlags.AuxGroups, groups is not null) | Bit(AttachFlags.Caps, caps is not null)
            | Bit(AttachFlags.TidComm, tidComm is not null) | Bit(AttachFlags.PidComm, pidComm is not null)
            | Bit(AttachFlags.Exe, exe is not null) | Bit(AttachFlags.Cmdline, cmdline is not null)
            | Bit(AttachFlags.Cgroup, cgroup is not null) | Bit(AttachFlags.Seclabel, label is not null)
            | Bit(AttachFlags.Audit, session is not null);
        return new ProcessDetails
        {
            AuxGroups = groups,
            Caps = caps.GetValueOrDefault(),
            UserNamespace = space,
            TidComm = tidComm,
            PidComm = pidComm,
            Exe = exe,
            Root = root,
            Cmdline = cmdline,
            Cgroup = cgroup,
            Seclabel = label,
            LoginUid = login.GetValueOrDefault(),
            AuditSession = session.GetValueOrDefault(),
        };
    }

    private static AttachFlags Bit(AttachFlags kind, bool isThere) => isThere ? kind : AttachFlags.None;

    private CapabilitySets? Caps(ref ThreadLook look)
    {
        if (_lastCap < 0 || look.Status() is not { } status) return null;
        var known = ulong.MaxValue >> (63 - Math.Min(_lastCap, 63));
        return new CapabilitySets(
            (uint)_lastCap, status.CapInheritable & known, status.CapPermitted & known, status.CapEffective & known, status.CapBounding & known);
    }

    private static byte[]? Comm(int thread)
    {
        var room = Room;
        var length = ProcFile.Read(thread, "comm"u8, room);
        // The newline is /proc's; one before it would be the thread's own.
        return length <= 0 ? null : room[..(room[length - 1] == '\n' ? length - 1 : length)].ToArray();
    }

    /// <summary>The path as the thread's own root directory has it. If that is where ours is, or one of another mount namespace, it
    /// comes so already.</summary>
    private static byte[]? Exe(int thread)
    {
        var path = Room[..PathRoom];
        var root = Room[PathRoom..];
        var length = ProcFile.ReadLink(thread, "exe"u8, path);
        var rootLength = ProcFile.ReadLink(thread, "root"u8, root);
        if (length < 0 || rootLength < 0) return null;
        path = path[..length];
        root = root[..rootLength];
        var isBelow = rootLength > 1 && length > rootLength && path[rootLength] == '/' && path.StartsWith(root);
        return path[(isBelow ? rootLength : 0)..].ToArray();
    }

    private static byte[]? Cmdline(int thread)
    {
        var room = Room[..PathRoom];
        var length = ProcFile.Read(thread, "cmdline"u8, room);
        var end = length <= 0 ? -1 : room[..length].IndexOf((byte)0);
        return end < 0 ? null : room[..end].ToArray();
    }

    private static byte[]? Cgroup(int thread)
    {
        // A path for each hierarchy: there is no saying how long.
        var text = t_room ??= new byte[2 * PathRoom];
        var length = ProcFile.Read(thread, "cgroup"u8, ref text);
        t_room = text;
        return length < 0 ? null : ControlGroup.Path(text.AsSpan(0, length)).ToArray();
    }

    private static byte[]? Seclabel(int thread)
    {
        var room = Room;
        var length = ProcFile.Read(thread, "attr/current"u8, room);
        if (length < 0) return null;
        var end = room[..length].IndexOf((byte)0);
        return room[..(end < 0 ? length : end)].TrimEnd((byte)'\n').ToArray();
    }

    private static uint? Number(int thread, ReadOnlySpan<byte> file)
    {
        Span<byte> text = stackalloc byte[16];
        var length = ProcFile.Read(thread, file, text);
        return length > 0 && Utf8Parser.TryParse(text[..length], out uint number, out _) ? number : null;
    }
}
