using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuzz.Serving;

/// <summary>A request that the daemon has read, and what to remember of it until it is answered.</summary>
internal sealed class Sent(byte[] bytes)
{
    /// <summary>The whole message.</summary>
    public byte[] Bytes { get; } = bytes;

    public ulong Unique { get; } = bytes.Length >= FuseProtocol.InHeaderSize ? MemoryMarshal.Read<FuseInHeader>(bytes).Unique : 0;

    public FuseOpcode Opcode { get; } = bytes.Length >= FuseProtocol.InHeaderSize ? MemoryMarshal.Read<FuseInHeader>(bytes).Opcode : 0;

    /// <summary>Who waits for it, if somebody does.</summary>
    public FuzzProcess? Process { get; init; }

    /// <summary>Number of the thread in its process.</summary>
    public int Thread { get; init; }

    /// <summary>IOCTL: the open file.</summary>
    public FuzzFile? File { get; init; }

    /// <summary>IOCTL: the command.</summary>
    public uint Command { get; init; }

    /// <summary>IOCTL: where it lies.</summary>
    public ulong Argument { get; init; }

    /// <summary>IOCTL: its bytes as its <c>size</c> says.</summary>
    public int CommandSize { get; init; }

    /// <summary>IOCTL: the command only asks what is known.</summary>
    public bool Negotiates { get; init; }

    /// <summary>IOCTL: when it was issued, as the <see cref="Judge"/> counts.</summary>
    public long Issued { get; set; }

    /// <summary>SEND: the message. EXCHANGE: all of them.</summary>
    public IReadOnlyList<SentMessage> Messages { get; init; } = [];

    /// <summary>EXCHANGE: the slices that it gives back.</summary>
    public IReadOnlyList<ulong> Frees { get; init; } = [];

    /// <summary>MATCH_ADD: the match.</summary>
    public IssuedMatch? Match { get; set; }

    /// <summary>MATCH_ADD that replaces, MATCH_REMOVE: the cookie whose matches are gone when it has succeeded.</summary>
    public ulong? RemovesMatches { get; set; }

    /// <summary>A signal was sent to the caller.</summary>
    public bool IsInterrupted { get; set; }

    public bool WantsAnswer =>
        Bytes.Length >= FuseProtocol.InHeaderSize
        && Opcode is not (FuseOpcode.Forget or FuseOpcode.BatchForget or FuseOpcode.Interrupt or FuseOpcode.NotifyReply);

    /// <summary>Can an answer be this long? The kernel refuses any other.</summary>
    public bool Accepts(int error, int length)
    {
        if (error != 0) return length == 0;
        return Opcode switch
        {
            FuseOpcode.Init => length == Unsafe.SizeOf<FuseInitOut>(),
            FuseOpcode.Lookup => length == Unsafe.SizeOf<FuseEntryOut>(),
            FuseOpcode.GetAttr => length == Unsafe.SizeOf<FuseAttrOut>(),
            FuseOpcode.Open or FuseOpcode.OpenDir => length == Unsafe.SizeOf<FuseOpenOut>(),
            FuseOpcode.Ioctl => length >= Unsafe.SizeOf<FuseIoctlOut>() && length - Unsafe.SizeOf<FuseIoctlOut>() <= Arguments<FuseIoctlIn>().OutSize,
            FuseOpcode.Poll => length == Unsafe.SizeOf<FusePollOut>(),
            FuseOpcode.StatFs => length == Unsafe.SizeOf<FuseKStatFs>(),
            FuseOpcode.Read or FuseOpcode.ReadDir or FuseOpcode.ReadDirPlus => length <= Arguments<FuseReadIn>().Size,
            _ => length == 0,
        };
    }

    public T Arguments<T>()
        where T : unmanaged => MemoryMarshal.Read<T>(Bytes.AsSpan(FuseProtocol.InHeaderSize));
}
