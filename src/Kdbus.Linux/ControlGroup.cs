using System.Buffers.Text;

namespace Kdbus.Linux;

/// <summary><c>/proc/PID/cgroup</c> (cgroups(7)): in which control group a task is, in each hierarchy.</summary>
public static class ControlGroup
{
    /// <summary>
    /// The path that stands for a task's control group: the one in the legacy hierarchy with the lowest number, the one in the unified
    /// hierarchy where there is no other, <c>/</c> where there is none at all. It is a part of the text.
    /// </summary>
    /// <param name="text">Lines of hierarchy number, controllers and path with colons between them; the unified hierarchy has number
    /// 0.</param>
    public static ReadOnlySpan<byte> Path(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> path = "/"u8;
        uint lowest = uint.MaxValue;
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            if (!Utf8Parser.TryParse(line, out uint hierarchy, out int used) || used == line.Length || line[used] != ':')
                continue;
            ReadOnlySpan<byte> rest = line[(used + 1)..];
            int colon = rest.IndexOf((byte)':');
            // Subtracting one makes the unified hierarchy the last choice.
            if (colon < 0 || (hierarchy - 1 >= lowest && lowest != uint.MaxValue))
                continue;
            lowest = hierarchy - 1;
            path = rest[(colon + 1)..];
        }
        return path;
    }
}
