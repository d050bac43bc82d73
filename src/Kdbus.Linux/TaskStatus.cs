using System.Buffers.Text;
using System.Numerics;

namespace Kdbus.Linux;

/// <summary>Four user ids, or four group ids, of a task, as <c>/proc/PID/status</c> lists them.</summary>
/// <param name="Real">Of whoever started it.</param>
/// <param name="Effective">What permission checks use.</param>
/// <param name="Saved">What it may go back to.</param>
/// <param name="FileSystem">What file permission checks use.</param>
public readonly record struct TaskIds(uint Real, uint Effective, uint Saved, uint FileSystem);

/// <summary>
/// <c>/proc/PID/status</c>, parsed. An instance is a reusable buffer: it is filled by <see cref="Read(int)"/> or <see cref="Parse(ReadOnlySpan{byte})"/>, grows to
/// the longest text met and then allocates no more; its content is valid until the next filling. Ids and process numbers are as seen from
/// the reader's namespaces. Not thread safe.
/// </summary>
public sealed class TaskStatus
{
    private byte[] _text = new byte[4096];
    private uint[] _groups = new uint[64];
    private int _groupCount;
    private int[] _namespacePids = new int[4];
    private int _namespacePidCount;
    private int[] _namespaceTgids = new int[4];
    private int _namespaceTgidCount;

    /// <summary>Process id (thread group).</summary>
    public int Tgid { get; private set; }

    /// <summary>Thread id.</summary>
    public int Pid { get; private set; }

    /// <summary>Process id of the parent.</summary>
    public int PPid { get; private set; }

    /// <summary>User ids.</summary>
    public TaskIds Uid { get; private set; }

    /// <summary>Group ids.</summary>
    public TaskIds Gid { get; private set; }

    /// <summary>Supplementary group ids, in the kernel's order (ascending).</summary>
    public ReadOnlySpan<uint> Groups => _groups.AsSpan(0, _groupCount);

    /// <summary>The thread's number in each pid namespace it is in, from the reader's inwards: the last one is how it sees
    /// itself.</summary>
    public ReadOnlySpan<int> NamespacePids => _namespacePids.AsSpan(0, _namespacePidCount);

    /// <summary>The process' number in each of the same pid namespaces.</summary>
    public ReadOnlySpan<int> NamespaceTgids => _namespaceTgids.AsSpan(0, _namespaceTgidCount);

    /// <summary>Inheritable capabilities, bit n = capability n of capabilities(7).</summary>
    public ulong CapInheritable { get; private set; }

    /// <summary>Permitted capabilities.</summary>
    public ulong CapPermitted { get; private set; }

    /// <summary>Effective capabilities, in the task's own user namespace.</summary>
    public ulong CapEffective { get; private set; }

    /// <summary>Capability bounding set.</summary>
    public ulong CapBounding { get; private set; }

    /// <summary>Reads a task's status: 0, or -errno (-ENOENT or -ESRCH: no such task; -EPROTO: the text is not understood).</summary>
    /// <param name="pid">A process or thread id.</param>
    public int Read(int pid) => Parse(ProcFile.Read(pid, "status"u8, ref _text));

    /// <summary>Reads the status of the task whose directory is held open: 0, or -errno (-ESRCH: it is gone).</summary>
    public int Read(in ProcDirectory directory) => Parse(directory.Read("status\0"u8, ref _text));

    /// <summary>Fills the properties from the text of a status file. False (and unspecified properties) if a line that must be there is
    /// missing or malformed.</summary>
    public bool Parse(ReadOnlySpan<byte> text)
    {
        const int Needed = 0x1ff;
        int seen = 0;
        _groupCount = 0;
        _namespacePidCount = 0;
        _namespaceTgidCount = 0;
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            int colon = line.IndexOf((byte)':');
            if (colon < 0)
                return false;
            ReadOnlySpan<byte> key = line[..colon];
            ReadOnlySpan<byte> value = line[(colon + 1)..].Trim("\t "u8);

            int bit = 0;
            bool valid = true;
            if (key.SequenceEqual("Tgid"u8))
                valid = Number(value, out int tgid, 1, ref bit) && (Tgid = tgid) >= 0;
            else if (key.SequenceEqual("Pid"u8))
                valid = Number(value, out int pid, 2, ref bit) && (Pid = pid) >= 0;
            else if (key.SequenceEqual("PPid"u8))
                valid = Number(value, out int parent, 4, ref bit) && (PPid = parent) >= 0;
            else if (key.SequenceEqual("Uid"u8))
                (valid, Uid, bit) = (Ids(value, out TaskIds uid), uid, 8);
            else if (key.SequenceEqual("Gid"u8))
                (valid, Gid, bit) = (Ids(value, out TaskIds gid), gid, 16);
            else if (key.SequenceEqual("Groups"u8))
                valid = List(value, ref _groups, ref _groupCount);
            else if (key.SequenceEqual("NSpid"u8))
                valid = List(value, ref _namespacePids, ref _namespacePidCount);
            else if (key.SequenceEqual("NStgid"u8))
                valid = List(value, ref _namespaceTgids, ref _namespaceTgidCount);
            else if (key.SequenceEqual("CapInh"u8))
                (valid, CapInheritable, bit) = (Mask(value, out ulong mask), mask, 32);
            else if (key.SequenceEqual("CapPrm"u8))
                (valid, CapPermitted, bit) = (Mask(value, out ulong mask), mask, 64);
            else if (key.SequenceEqual("CapEff"u8))
                (valid, CapEffective, bit) = (Mask(value, out ulong mask), mask, 128);
            else if (key.SequenceEqual("CapBnd"u8))
                (valid, CapBounding, bit) = (Mask(value, out ulong mask), mask, 256);
            if (!valid)
                return false;
            seen |= bit;
        }
        return seen == Needed;
    }

    private int Parse(int length) => length < 0 ? length : Parse(_text.AsSpan(0, length)) ? 0 : -SystemError.EPROTO;

    private static bool Number(ReadOnlySpan<byte> value, out int number, int bitIfValid, ref int bit)
    {
        bit = bitIfValid;
        return Utf8Parser.TryParse(value, out number, out int used) && used == value.Length && number >= 0;
    }

    private static bool Mask(ReadOnlySpan<byte> value, out ulong mask)
        => Utf8Parser.TryParse(value, out mask, out int used, 'x') && used == value.Length;

    private static bool Ids(ReadOnlySpan<byte> value, out TaskIds ids)
    {
        Span<uint> numbers = stackalloc uint[4];
        ids = default;
        for (int i = 0; i < numbers.Length; i++)
        {
            if (!Next(ref value, out numbers[i]))
                return false;
        }
        ids = new TaskIds(numbers[0], numbers[1], numbers[2], numbers[3]);
        return value.IsEmpty;
    }

    private static bool List<T>(ReadOnlySpan<byte> value, ref T[] numbers, ref int count)
        where T : struct, INumberBase<T>
    {
        while (!value.IsEmpty)
        {
            if (!Next(ref value, out uint number))
                return false;
            if (count == numbers.Length)
                Array.Resize(ref numbers, count * 2);
            numbers[count++] = T.CreateTruncating(number);
        }
        return true;
    }

    private static bool Next(ref ReadOnlySpan<byte> value, out uint number)
    {
        if (!Utf8Parser.TryParse(value, out number, out int used))
            return false;
        value = value[used..].TrimStart("\t "u8);
        return true;
    }
}
