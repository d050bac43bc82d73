using System.Text;
using Kdbus.Linux;

namespace Kdbus.Daemon.Status;

/// <summary>
/// What processes call themselves now. The process that said HELLO may have gone, or given itself another name since; this
/// is for people.
/// </summary>
internal sealed class ProcessNames
{
    private const int MostBytes = 64;

    private readonly Dictionary<int, string?> _known = [];

    /// <summary>The name of a process, or null if there is none of this number. Each is looked up once.</summary>
    public string? Of(int pid)
    {
        if (pid == 0) return null;
        if (!_known.TryGetValue(pid, out var name)) _known.Add(pid, name = Read(pid));
        return name;
    }

    private static string? Read(int pid)
    {
        Span<byte> buffer = stackalloc byte[MostBytes];
        var length = ProcFile.Read(pid, "comm"u8, buffer);
        return length <= 0 ? null : Encoding.UTF8.GetString(buffer[..length].TrimEnd((byte)'\n'));
    }
}
