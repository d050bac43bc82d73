using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>One request on its way to the daemon and back. Its states and what a signal does in each are those of fs/fuse/dev.c.</summary>
internal sealed class FakeRequest
{
    public FakeRequest(ulong unique, FuseOpcode opcode, ulong node, FakeTask? caller, ReadOnlySpan<byte> arguments)
    {
        Unique = unique;
        Opcode = opcode;
        Caller = caller;
        Bytes = new byte[FuseProtocol.InHeaderSize + arguments.Length];
        FuseInHeader header = new()
        {
            Len = (uint)Bytes.Length,
            Opcode = opcode,
            Unique = unique,
            NodeId = node,
            Uid = caller?.Credentials.Ids.Fsuid ?? 0,
            Gid = caller?.Credentials.Ids.Fsgid ?? 0,
            Pid = (uint)(caller?.Id ?? 0),
        };
        MemoryMarshal.Write(Bytes, header);
        arguments.CopyTo(Bytes.AsSpan(FuseProtocol.InHeaderSize));
    }

    public ulong Unique { get; }

    public FuseOpcode Opcode { get; }

    /// <summary>Who waits; null for what nobody waits for.</summary>
    public FakeTask? Caller { get; }

    /// <summary>The whole message.</summary>
    public byte[] Bytes { get; }

    /// <summary>The daemon has read it.</summary>
    public bool IsSent { get; set; }

    /// <summary>A signal has arrived and the daemon was told, or will be when it has read the request.</summary>
    public bool IsInterrupted { get; set; }

    /// <summary>It has been answered.</summary>
    public bool IsOver { get; private set; }

    /// <summary>0 or a negative errno.</summary>
    public int Error { get; private set; }

    /// <summary>What came behind the header of the answer.</summary>
    public byte[] Answer { get; private set; } = [];

    /// <summary>The answer as a struct.</summary>
    public T As<T>() where T : unmanaged => MemoryMarshal.Read<T>(Answer);

    /// <summary>The bytes behind a struct.</summary>
    public ReadOnlySpan<byte> Behind<T>() where T : unmanaged => Answer.AsSpan(Unsafe.SizeOf<T>());

    public void Finish(int error, byte[] answer)
    {
        Error = error;
        Answer = answer;
        IsOver = true;
    }

    /// <summary>Can an answer to this request be this long? The kernel refuses any other.</summary>
    public bool AcceptsLength(int length) => Opcode switch
    {
        FuseOpcode.Lookup => length == Unsafe.SizeOf<FuseEntryOut>(),
        FuseOpcode.GetAttr or FuseOpcode.SetAttr => length == Unsafe.SizeOf<FuseAttrOut>(),
        FuseOpcode.Open or FuseOpcode.OpenDir => length == Unsafe.SizeOf<FuseOpenOut>(),
        FuseOpcode.Ioctl => length >= Unsafe.SizeOf<FuseIoctlOut>()
            && length - Unsafe.SizeOf<FuseIoctlOut>() <= MemoryMarshal.Read<FuseIoctlIn>(Bytes.AsSpan(FuseProtocol.InHeaderSize)).OutSize,
        FuseOpcode.Poll => length == Unsafe.SizeOf<FusePollOut>(),
        FuseOpcode.StatFs => length == Unsafe.SizeOf<FuseKStatFs>(),
        FuseOpcode.Init => length == Unsafe.SizeOf<FuseInitOut>(),
        FuseOpcode.Read or FuseOpcode.ReadDir or FuseOpcode.ReadDirPlus =>
            length <= MemoryMarshal.Read<FuseReadIn>(Bytes.AsSpan(FuseProtocol.InHeaderSize)).Size,
        FuseOpcode.Write => length == Unsafe.SizeOf<FuseWriteOut>(),
        _ => length == 0,
    };
}
