using System.Text;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests.Infrastructure;

/// <summary>What to do when a signal arrives at a held ioctl.</summary>
public enum OnSignal
{
    Ignore,
    /// <summary>Header error EINTR.</summary>
    Interrupt,
    /// <summary>Header error 0, ioctl result -ERESTARTSYS (-512).</summary>
    Restart,
}

/// <summary>A directory with one file that can be read, written, polled, and told by ioctl to answer late, never, or oddly.</summary>
public sealed class TinyFileSystem : IFuseFileSystem
{
    public const uint Echo = 0xC0106B01;
    public const uint Hold = 0xC0106B02;
    public const uint RestartWithoutSignal = 0xC0106B03;
    public const uint FailWithData = 0xC0106B04;
    public const uint Block = 0xC0106B05;

    private const uint Directory = 0x41ED;
    private const uint File = 0x81B6;
    private const ulong FileNode = 2;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, HeldReply> _held = [];
    private readonly SortedSet<ulong> _pollHandles = [];
    private byte[] _content = Encoding.UTF8.GetBytes("hello\n");
    private bool _readable;
    private int _holds;
    private int _interrupts;

    public FuseSession? Session { get; set; }

    public OnSignal OnSignal { get; set; }

    /// <summary>How long names and attributes may be cached.</summary>
    public ulong EntrySeconds { get; set; }

    public FuseOpenFlags OpenFlags { get; set; } = FuseOpenFlags.DirectIo;

    public int BackingId { get; set; }

    public ManualResetEventSlim Gate { get; } = new();

    public int Opened { get; private set; }

    public int Released { get; private set; }

    public int LastPid { get; private set; }

    public string Calls { get; private set; } = "";

    /// <summary>How many HOLD requests came, repetitions included.</summary>
    public int Holds => Volatile.Read(ref _holds);

    public int Interrupts => Volatile.Read(ref _interrupts);

    /// <summary>The file becomes readable; whoever polls it is woken.</summary>
    public void MakeReadable()
    {
        ulong[] handles;
        lock (_lock)
        {
            _readable = true;
            handles = [.. _pollHandles];
        }
        foreach (ulong handle in handles)
            Assert.Equal(0, Session!.Notify.Poll(handle));
    }

    /// <summary>Finishes every ioctl that is held; how many.</summary>
    public int Complete()
    {
        HeldReply[] all;
        lock (_lock)
        {
            all = [.. _held.Values];
            _held.Clear();
        }
        return all.Count(held => held.Ioctl(0, Encoding.UTF8.GetBytes($"held {Holds}".PadRight(16, '\0'))));
    }

    public void Lookup(in LookupRequest request, FuseReply reply)
    {
        Note("lookup");
        if (!request.Name.SequenceEqual("file"u8))
            reply.Error(2);
        else
            reply.Entry(new FuseEntryOut { NodeId = FileNode, Generation = 1, EntryValid = EntrySeconds, AttrValid = EntrySeconds, Attr = Attributes(FileNode) });
    }

    public void Forget(ulong nodeId, ulong lookups) => Note("forget");

    public void GetAttr(in GetAttrRequest request, FuseReply reply) => reply.Attr(new FuseAttrOut { Attr = Attributes(request.Context.NodeId) });

    public void SetAttr(in SetAttrRequest request, FuseReply reply)
    {
        if (request.Fields.HasFlag(FuseSetAttrFields.Size))
        {
            lock (_lock)
                Array.Resize(ref _content, (int)request.Arguments.Size);
        }
        reply.Attr(new FuseAttrOut { Attr = Attributes(request.Context.NodeId) });
    }

    public void StatFs(in StatFsRequest request, FuseReply reply) => reply.StatFs(new FuseKStatFs { BSize = 4096, NameLen = 63, FrSize = 4096, Files = 2 });

    public void OpenDir(in OpenRequest request, FuseReply reply) => reply.Open(1);

    public void ReadDir(in ReadDirRequest request, FuseReply reply)
    {
        Note(request.Plus ? "readdirplus" : "readdir");
        DirectoryBuffer buffer = reply.DirectoryBuffer(in request);
        if (request.Offset < 1)
            buffer.TryAdd("."u8, new FuseEntryOut { Attr = Attributes(1) }, 1);
        if (request.Offset < 2)
            buffer.TryAdd(".."u8, new FuseEntryOut { Attr = Attributes(1) }, 2);
        if (request.Offset < 3)
            buffer.TryAdd("file"u8, new FuseEntryOut { NodeId = FileNode, Generation = 1, Attr = Attributes(FileNode) }, 3);
        reply.Directory(in buffer);
    }

    public void ReleaseDir(in ReleaseRequest request, FuseReply reply) => reply.Ok();

    public void Open(in OpenRequest request, FuseReply reply)
    {
        lock (_lock)
            Opened++;
        reply.Open(1, OpenFlags, BackingId);
    }

    public void Read(in ReadRequest request, FuseReply reply)
    {
        ReadOnlySpan<byte> content = _content;
        int start = (int)Math.Min(request.Offset, (ulong)content.Length);
        reply.Data(content[start..Math.Min(content.Length, start + (int)request.Size)]);
    }

    public void Write(in WriteRequest request, FuseReply reply)
    {
        int end = (int)request.Offset + request.Data.Length;
        lock (_lock)
        {
            if (end > _content.Length)
                Array.Resize(ref _content, end);
            request.Data.CopyTo(_content.AsSpan((int)request.Offset));
        }
        reply.Written((uint)request.Data.Length);
    }

    public void Flush(in FlushRequest request, FuseReply reply) => reply.Ok();

    public void Release(in ReleaseRequest request, FuseReply reply)
    {
        lock (_lock)
            Released++;
        reply.Ok();
    }

    public void Ioctl(in IoctlRequest request, FuseReply reply)
    {
        LastPid = request.Context.Pid;
        switch (request.Command)
        {
            case Echo:
                Span<byte> reversed = reply.Scratch[..request.Input.Length];
                request.Input.CopyTo(reversed);
                reversed[..15].Reverse();
                reply.Ioctl(3, reversed);
                break;
            case Hold:
                lock (_lock)
                {
                    HeldReply held = reply.Hold();
                    _held.Add(held.Unique, held);
                    _holds++;
                }
                break;
            case RestartWithoutSignal:
                reply.Ioctl(-512);
                break;
            case FailWithData:
                reply.Ioctl(-22, "the reason why\0\0"u8);
                break;
            case Block:
                Session!.EnterBlocking(new BlockingCaller(request.Context.Pid, request.Context.Uid, request.Argument));
                Gate.Wait(TimeSpan.FromSeconds(60));
                Session.LeaveBlocking();
                reply.Ioctl(0, request.Input);
                break;
            default:
                reply.Error(25);
                break;
        }
    }

    public void Poll(in PollRequest request, FuseReply reply)
    {
        bool readable;
        lock (_lock)
        {
            if (request.WantsNotification)
                _pollHandles.Add(request.PollHandle);
            readable = _readable;
        }
        reply.Poll(readable ? 1u : 0u);
    }

    public void Interrupt(in InterruptRequest request, HeldReply target)
    {
        Interlocked.Increment(ref _interrupts);
        if (OnSignal == OnSignal.Ignore)
            return;
        lock (_lock)
            _held.Remove(target.Unique);
        Assert.True(OnSignal == OnSignal.Restart ? target.Ioctl(-512) : target.Error(4));
    }

    private void Note(string call)
    {
        lock (_lock)
            Calls += call + " ";
    }

    private FuseAttr Attributes(ulong node) => node == FileNode
        ? new FuseAttr { Ino = 2, Mode = File, NLink = 1, Size = (ulong)_content.Length, BlkSize = 4096 }
        : new FuseAttr { Ino = 1, Mode = Directory, NLink = 2, BlkSize = 4096 };
}
