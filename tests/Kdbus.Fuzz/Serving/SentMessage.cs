using System.Runtime.InteropServices;
using System.Text;

namespace Kdbus.Fuzz.Serving;

/// <summary>A piece of payload: a vector, or a range of a memfd.</summary>
/// <param name="Vec">The vector; of a memfd, its size.</param>
internal readonly record struct SentPiece(KdbusVec Vec)
{
    public KdbusMemfd? Memfd { get; init; }
}

/// <summary>A message in a SEND that was issued, as its sender meant it.</summary>
internal sealed class SentMessage
{
    private readonly byte[] _bytes;

    public SentMessage(FuzzFile file, FuzzProcess process, byte[] bytes, List<SentPiece> payload, bool isDamaged)
    {
        File = file;
        Process = process;
        Payload = payload;
        IsDamaged = isDamaged;
        _bytes = bytes;
        // Behind what has been cut off there are zeros.
        Header = MemoryMarshal.Read<KdbusMsg>([.. bytes, .. new byte[64]]);
        if (isDamaged) return;

        var items = new ItemReader(bytes.AsSpan(64));
        while (items.TryRead(out var item))
        {
            if (ItemRules.Check(item.Type, item.Payload) != Errno.OK) break; // nobody will take it
            if (item.Type == ItemType.DstName) Name = Encoding.ASCII.GetString(item.String);
            if (item.Type == ItemType.Fds) Fds = item.Payload.Length / sizeof(int);
            if (item.Type == ItemType.BloomFilter) Filter = item.Payload.ToArray();
        }
    }

    /// <summary>Where it was sent.</summary>
    public FuzzFile File { get; }

    /// <summary>Whose memory the payload is in.</summary>
    public FuzzProcess Process { get; }

    /// <summary>The pieces of its payload.</summary>
    public List<SentPiece> Payload { get; }

    /// <summary>Descriptors in its FDS item.</summary>
    public int Fds { get; }

    /// <summary>Nobody knows what became of it.</summary>
    public bool IsDamaged { get; }

    public KdbusMsg Header { get; }

    /// <summary>The name it is for, or null.</summary>
    public string? Name { get; }

    /// <summary>Generation and bits, or null.</summary>
    public byte[]? Filter { get; }

    public bool IsSignal => ((MessageFlags)Header.Flags).HasFlag(MessageFlags.Signal);

    public bool IsBroadcast => Header.DstId == Constants.DstIdBroadcast;

    /// <summary>More than a daemon takes in with the message.</summary>
    public bool IsLarge => Payload.Sum(piece => piece.Vec.Address == 0 ? 0 : (long)piece.Vec.Size) > 16 * 1024;

    public long Issued { get; set; } = long.MaxValue;

    public long Answered { get; set; } = long.MaxValue;

    /// <summary>Who has it; monitors not counted.</summary>
    public HashSet<FuzzFile> Receivers { get; } = [];

    /// <summary>Monitors that have it.</summary>
    public HashSet<FuzzFile> Monitors { get; } = [];

    public override string ToString() => $"message {Header.Cookie:x} ({Convert.ToHexString(_bytes)})";
}
