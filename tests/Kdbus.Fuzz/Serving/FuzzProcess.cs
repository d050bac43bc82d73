using Kdbus.Engine;

namespace Kdbus.Fuzz.Serving;

/// <summary>
/// A process that exists only for its callers' sake: ids, threads, and a memory of three kinds. Each thread has a piece to
/// lay out commands in; then comes payload, whose bytes follow from their addresses and which is never written; all the rest
/// is not there. Pages of a thread's piece can be taken away.
/// </summary>
internal sealed class FuzzProcess
{
    public const int Threads = 4;
    public const int Page = 4096;
    public const int PieceSize = 16 * Page;
    public const ulong PayloadStart = 0x4000_0000;
    public const ulong PayloadSize = 8 << 20;

    private const ulong FirstPiece = 0x1000_0000;

    private readonly byte[] _pieces = new byte[Threads * PieceSize];
    private readonly HashSet<int> _holes = [];

    public FuzzProcess(int pid, uint uid)
    {
        Pid = pid;
        Uid = uid;
    }

    public int Pid { get; }

    public uint Uid { get; }

    /// <summary>With which all texts about it begin.</summary>
    public string Word => $"p{Pid}-";

    /// <summary>Supplementary groups.</summary>
    public ReadOnlyMemory<uint> Groups { get; init; }

    /// <summary>How its user namespace names ids, if it has one of its own.</summary>
    public IdMaps? Maps { get; init; }

    /// <summary>Where a thread lays out its command.</summary>
    public static ulong PieceOf(int thread) => FirstPiece + (ulong)(thread * PieceSize);

    /// <summary>One byte of payload memory.</summary>
    public byte PayloadAt(ulong address) => (byte)((address * 167) + (address >> 8) + (ulong)Pid);

    /// <summary>Pages of a piece become accessible, but for one if <paramref name="hole"/> is not negative.</summary>
    public void Protect(int thread, int hole)
    {
        _holes.RemoveWhere(page => page / (PieceSize / Page) == thread);
        if (hole >= 0) _holes.Add((thread * (PieceSize / Page)) + hole);
    }

    /// <summary>A piece is accessible and empty again: nothing of an earlier command can be taken for part of the next.</summary>
    public void Clear(int thread)
    {
        Protect(thread, hole: -1);
        _pieces.AsSpan(thread * PieceSize, PieceSize).Clear();
    }

    /// <summary>Bytes copied, fewer than asked for if the rest is not there.</summary>
    public int Read(ulong address, Span<byte> to)
    {
        if (address >= PayloadStart)
        {
            var there = (int)Math.Min((ulong)to.Length, address < PayloadStart + PayloadSize ? PayloadStart + PayloadSize - address : 0);
            for (var i = 0; i < there; i++) to[i] = PayloadAt(address + (ulong)i);
            return there;
        }

        var count = Accessible(address, to.Length);
        if (count > 0) _pieces.AsSpan((int)(address - FirstPiece), count).CopyTo(to);
        return count;
    }

    /// <summary>Bytes copied, fewer than asked for if the rest is not there.</summary>
    public int Write(ulong address, ReadOnlySpan<byte> from)
    {
        var count = address >= PayloadStart ? 0 : Accessible(address, from.Length);
        if (count > 0) from[..count].CopyTo(_pieces.AsSpan((int)(address - FirstPiece)));
        return count;
    }

    private int Accessible(ulong address, int length)
    {
        if (address < FirstPiece || address >= FirstPiece + (ulong)_pieces.Length) return 0;
        var first = (int)(address - FirstPiece);
        var end = (int)Math.Min((long)first + length, _pieces.Length);
        for (var at = first; at < end; at = (at / Page * Page) + Page)
        {
            if (_holes.Contains(at / Page)) return at - first;
        }

        return end - first;
    }
}
