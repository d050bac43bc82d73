using System.Globalization;
using System.Text;
using Kdbus.Linux;

namespace Kdbus.Daemon.Mounting;

/// <summary>A process that keeps a mount busy.</summary>
/// <param name="Pid">Its id.</param>
/// <param name="Name">Its name, as in /proc/PID/comm.</param>
public readonly record struct MountUser(int Pid, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Pid} ({Name})");
}

/// <summary>
/// Who keeps a mount busy: processes with a file of it open (fdinfo tells the mount's number), mapped, or as working or root directory.
/// Only /proc is read, never the mount itself, whose server may not answer. An ordinary user sees only his own processes.
/// </summary>
public static class MountUsers
{
    /// <summary>The processes found, in ascending order of their ids.</summary>
    public static IReadOnlyList<MountUser> Find(MountInfo mount)
    {
        var users = new List<MountUser>();
        byte[] buffer = new byte[4096];
        foreach (string directory in List("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
                continue;
            if (!UsesDirectory(pid, mount, buffer) && !HasOpen(pid, mount, ref buffer) && !HasMapped(pid, mount, ref buffer))
                continue;
            int length = ProcFile.Read(pid, "comm"u8, buffer);
            users.Add(new MountUser(pid, length > 0 ? Encoding.UTF8.GetString(buffer, 0, length).TrimEnd('\n') : "?"));
        }
        users.Sort(static (one, other) => one.Pid.CompareTo(other.Pid));
        return users;
    }

    private static bool UsesDirectory(int pid, MountInfo mount, byte[] buffer)
        => IsBelow(ProcFile.ReadLink(pid, "cwd"u8, buffer), mount, buffer)
            || IsBelow(ProcFile.ReadLink(pid, "root"u8, buffer), mount, buffer);

    private static bool IsBelow(int length, MountInfo mount, byte[] buffer)
    {
        if (length <= 0)
            return false;
        string path = Encoding.UTF8.GetString(buffer, 0, length);
        return path.StartsWith(mount.MountPoint, StringComparison.Ordinal)
            && (path.Length == mount.MountPoint.Length || path[mount.MountPoint.Length] == '/');
    }

    private static bool HasOpen(int pid, MountInfo mount, ref byte[] buffer)
    {
        foreach (string file in List(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fdinfo")))
        {
            int length = ProcFile.Read(pid, Encoding.UTF8.GetBytes("fdinfo/" + Path.GetFileName(file)), ref buffer);
            if (length > 0 && MountNumber(buffer.AsSpan(0, length)) == mount.MountId)
                return true;
        }
        return false;
    }

    private static bool HasMapped(int pid, MountInfo mount, ref byte[] buffer)
    {
        int length = ProcFile.Read(pid, "maps"u8, ref buffer);
        if (length <= 0)
            return false;
        string device = string.Create(CultureInfo.InvariantCulture, $" {mount.DeviceMajor:x2}:{mount.DeviceMinor:x2} ");
        return buffer.AsSpan(0, length).IndexOf(Encoding.UTF8.GetBytes(device)) >= 0;
    }

    internal static int MountNumber(ReadOnlySpan<byte> information)
    {
        ReadOnlySpan<byte> key = "mnt_id:"u8;
        int at = information.IndexOf(key);
        if (at < 0)
            return -1;
        ReadOnlySpan<byte> value = information[(at + key.Length)..].TrimStart("\t "u8);
        return System.Buffers.Text.Utf8Parser.TryParse(value, out int number, out _) ? number : -1;
    }

    private static string[] List(string directory)
    {
        try
        {
            return Directory.GetFileSystemEntries(directory);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // Processes end, and others' descriptors are not ours to see.
            return [];
        }
    }
}
