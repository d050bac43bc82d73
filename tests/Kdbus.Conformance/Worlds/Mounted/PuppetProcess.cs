using System.Buffers.Binary;
using System.Text;

namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>A separate process, told over a socket which system calls to make. What it returns is what the kernel told it.</summary>
internal sealed partial class PuppetProcess : IProcess
{
    private const int CreateExclusively = 0x40 | 0x80 | OpenFlags.ReadWrite;

    private readonly PuppetFamily _family;
    private readonly PuppetLink _link;
    private readonly Func<int> _reap;

    /// <param name="family">Where forked children are found.</param>
    /// <param name="link">The control socket; this object owns it.</param>
    /// <param name="reap">Waits for the end of the process and gives its status.</param>
    public PuppetProcess(PuppetFamily family, PuppetLink link, Func<int> reap)
    {
        _family = family;
        _link = link;
        _reap = reap;
        Scratch = new Scratch(this);
    }

    public int Id => _link.ProcessId;

    public bool ByExchange => _family.ByExchange;

    public Scratch Scratch { get; private init; }

    public int Open(string path, int flags) => Call(PuppetOperation.Open, [(ulong)flags], Text(path));

    public int Create(string path, int mode) => Call(PuppetOperation.Open, [CreateExclusively, (ulong)mode], Text(path));

    public int Close(int descriptor) => Call(PuppetOperation.Close, [(ulong)descriptor]);

    public int Duplicate(int descriptor) => Call(PuppetOperation.Duplicate, [(ulong)descriptor]);

    public int Ioctl(int descriptor, uint command, ulong address) =>
        Call(PuppetOperation.Ioctl, [(ulong)descriptor, command, address]);

    public Pending IoctlInThread(int descriptor, uint command, ulong address) =>
        _link.RequestInThread(PuppetOperation.Ioctl, static reply => reply.Result, [(ulong)descriptor, command, address]);

    public int Poll(int descriptor, int events, int milliseconds) =>
        (int)PolledEvents(_link.Request(PuppetOperation.Poll, [(ulong)descriptor, (ulong)events, (ulong)milliseconds]));

    public Pending PollInThread(int descriptor, int events, int milliseconds) =>
        _link.RequestInThread(PuppetOperation.Poll, PolledEvents, [(ulong)descriptor, (ulong)events, (ulong)milliseconds]);

    public long Map(ulong length, int protection, int flags, int descriptor, ulong offset) =>
        _link.Request(PuppetOperation.Map, [0, length, (ulong)protection, (ulong)flags, (ulong)descriptor, offset]).Result;

    public int Unmap(ulong address, ulong length) => Call(PuppetOperation.Unmap, [address, length]);

    public int Protect(ulong address, ulong length, int protection) =>
        Call(PuppetOperation.Protect, [address, length, (ulong)protection]);

    public int Poke(ulong address, ReadOnlySpan<byte> data) => Call(PuppetOperation.Poke, [address], data);

    public int Peek(ulong address, Span<byte> data)
    {
        PuppetLink.Reply reply = _link.Request(PuppetOperation.Peek, [address, (ulong)data.Length]);
        reply.Data.CopyTo(data);
        return (int)reply.Result;
    }

    public int Stat(string path, out FileStatus status)
    {
        PuppetLink.Reply reply = _link.Request(PuppetOperation.Stat, [], Text(path));
        status = StatusOf(reply);
        return (int)reply.Result;
    }

    public long FileSystemType(string path) => _link.Request(PuppetOperation.FileSystemType, [], Text(path)).Result;

    public int List(string path, out IReadOnlyList<string> names)
    {
        PuppetLink.Reply reply = _link.Request(PuppetOperation.ReadDirectory, [], Text(path));
        names = Encoding.UTF8.GetString(reply.Data).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        return (int)reply.Result;
    }

    public int Access(string path, int mode) => Call(PuppetOperation.Access, [(ulong)mode], Text(path));

    public int Unlink(string path) => Call(PuppetOperation.Unlink, [], Text(path));

    public int RemoveDirectory(string path) => Call(PuppetOperation.RemoveDirectory, [], Text(path));

    public int MakeDirectory(string path, int mode) => Call(PuppetOperation.MakeDirectory, [(ulong)mode], Text(path));

    public int Rename(string from, string to) => Call(PuppetOperation.Rename, [], Text(from, to));

    public int Link(string from, string to) => Call(PuppetOperation.Link, [], Text(from, to));

    public int Symlink(string target, string path) => Call(PuppetOperation.Symlink, [], Text(target, path));

    public int ChangeMode(string path, int mode) => Call(PuppetOperation.ChangeMode, [(ulong)mode], Text(path));

    public int ChangeOwner(string path, uint uid, uint gid) => Call(PuppetOperation.ChangeOwner, [uid, gid], Text(path));

    public int Truncate(string path, long length) => Call(PuppetOperation.Truncate, [(ulong)length], Text(path));

    public long Read(int descriptor, Span<byte> data)
    {
        PuppetLink.Reply reply = _link.Request(PuppetOperation.Read, [(ulong)descriptor, (ulong)data.Length]);
        reply.Data.CopyTo(data);
        return reply.Result;
    }

    public long Write(int descriptor, ReadOnlySpan<byte> data) =>
        _link.Request(PuppetOperation.Write, [(ulong)descriptor], data).Result;

    public int EventFd(uint value) => Call(PuppetOperation.EventFd, [value]);

    public int Pipe(out int readEnd, out int writeEnd) => Pair(_link.Request(PuppetOperation.Pipe, []), out readEnd, out writeEnd);

    public int MemoryFile() => Call(PuppetOperation.MemoryFile, []);

    public int PollSet(int descriptor) => Call(PuppetOperation.PollSet, [(ulong)descriptor]);

    public int Handle(int signal, bool restart) => Call(PuppetOperation.Handle, [(ulong)signal, restart ? 1UL : 0]);

    public int Handled() => Call(PuppetOperation.Handled, []);

    public int SignalThread(int thread, int signal) => _link.RequestInThread(
        PuppetOperation.SignalThread, static reply => reply.Result, [(ulong)thread, (ulong)signal]).Result();

    public long Now() => _link.Request(PuppetOperation.Clock, []).Result;

    public int Exit(int status)
    {
        Call(PuppetOperation.Exit, [(ulong)status]);
        return _reap();
    }

    public void Kill()
    {
        using (System.Diagnostics.Process process = System.Diagnostics.Process.GetProcessById(Id))
            process.Kill();
        _reap();
    }

    public void Dispose() => _link.Dispose();

    private int Call(PuppetOperation operation, ReadOnlySpan<ulong> arguments, ReadOnlySpan<byte> data = default) =>
        checked((int)_link.Request(operation, arguments, data).Result);

    private static long PolledEvents(PuppetLink.Reply reply) =>
        reply.Result <= 0 ? reply.Result : BinaryPrimitives.ReadUInt16LittleEndian(reply.Data);

    private static byte[] Text(string path) => Encoding.UTF8.GetBytes(path + '\0');

    private static byte[] Text(string first, string second) => Encoding.UTF8.GetBytes($"{first}\0{second}\0");
}
