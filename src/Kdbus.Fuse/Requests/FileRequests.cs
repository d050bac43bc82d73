using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse;

// Requests about open files and directories. "Handle" is the number the file system gave to the open file in its answer to OPEN or OPENDIR.

/// <summary>OPEN and OPENDIR: answer with <see cref="FuseReply.Open"/>. RELEASE (or RELEASEDIR) follows if and only if that answer arrives.</summary>
public readonly ref struct OpenRequest
{
    public required RequestContext Context { get; init; }
    /// <summary>Flags of open(2), without O_CREAT, O_EXCL, O_NOCTTY.</summary>
    public required uint Flags { get; init; }
}

/// <summary>READ: answer with <see cref="FuseReply.Data"/>, at most <see cref="Size"/> bytes; fewer mean the end of the file.</summary>
public readonly ref struct ReadRequest
{
    public required RequestContext Context { get; init; }
    public required ulong Handle { get; init; }
    public required ulong Offset { get; init; }
    public required uint Size { get; init; }
    /// <summary>Flags of open(2).</summary>
    public required uint Flags { get; init; }
}

/// <summary>WRITE: answer with <see cref="FuseReply.Written"/>.</summary>
public readonly ref struct WriteRequest
{
    public required RequestContext Context { get; init; }
    public required ulong Handle { get; init; }
    public required ulong Offset { get; init; }
    public required FuseWriteFlags WriteFlags { get; init; }
    /// <summary>Flags of open(2).</summary>
    public required uint Flags { get; init; }
    public required ReadOnlySpan<byte> Data { get; init; }
}

/// <summary>FLUSH: a descriptor of this open file was closed, maybe not the last one. The answer is what close(2) returns.</summary>
public readonly ref struct FlushRequest
{
    public required RequestContext Context { get; init; }
    public required ulong Handle { get; init; }
    public required ulong LockOwner { get; init; }
}

/// <summary>RELEASE and RELEASEDIR: the last descriptor is closed and no mapping is left. Nobody waits for the answer, and nobody sees an error in it.</summary>
public readonly ref struct ReleaseRequest
{
    public required RequestContext Context { get; init; }
    public required ulong Handle { get; init; }
    /// <summary>Flags of open(2).</summary>
    public required uint Flags { get; init; }
}

/// <summary>FSYNC and FSYNCDIR: answer with <see cref="FuseReply.Ok"/>.</summary>
public readonly ref struct FSyncRequest
{
    public required RequestContext Context { get; init; }
    public required ulong Handle { get; init; }
    public required bool DataOnly { get; init; }
    public required bool IsDirectory { get; init; }
}

/// <summary>LSEEK with SEEK_DATA or SEEK_HOLE: answer with <see cref="FuseReply.Seek"/>.</summary>
public readonly ref struct LSeekRequest
{
    public required RequestContext Context { get; init; }
    public required ulong Handle { get; init; }
    public required ulong Offset { get; init; }
    public required uint Whence { get; init; }
}

/// <summary>READDIR and READDIRPLUS: fill <see cref="FuseReply.DirectoryBuffer"/> with the entries from <see cref="Offset"/> on and answer with it;
/// an empty one is the end of the directory.</summary>
public readonly ref struct ReadDirRequest
{
    public required RequestContext Context { get; init; }
    public required ulong Handle { get; init; }
    /// <summary>0, or what the last entry read said is next.</summary>
    public required ulong Offset { get; init; }
    /// <summary>Most bytes of the answer.</summary>
    public required uint Size { get; init; }
    /// <summary>READDIRPLUS: entries come with attributes, and each counts as a lookup.</summary>
    public required bool Plus { get; init; }
}

/// <summary>
/// IOCTL: answer with <see cref="FuseReply.Ioctl"/>. The kernel reads <see cref="Input"/> from, and writes the answer's data to, the address <see cref="Argument"/>;
/// how many bytes in which direction is coded in the <see cref="Command"/> (_IOC_SIZE, _IOC_DIR) and taken literally.
/// </summary>
public readonly ref struct IoctlRequest
{
    public required RequestContext Context { get; init; }
    public required ulong Handle { get; init; }
    public required FuseIoctlFlags Flags { get; init; }
    public required uint Command { get; init; }
    /// <summary>The third argument of ioctl(2), as the caller gave it: mostly an address in its memory.</summary>
    public required ulong Argument { get; init; }
    /// <summary>Most bytes of data in the answer, at most 16,383.</summary>
    public required uint OutputSize { get; init; }
    /// <summary>The caller's bytes, at most 16,383.</summary>
    public required ReadOnlySpan<byte> Input { get; init; }
}

/// <summary>POLL: answer with <see cref="FuseReply.Poll"/>, the events that hold now.</summary>
public readonly ref struct PollRequest
{
    public required RequestContext Context { get; init; }
    public required ulong Handle { get; init; }
    /// <summary>What to name in <see cref="FuseNotifier.Poll"/>. The same for the whole life of the open file, for all who wait on it.</summary>
    public required ulong PollHandle { get; init; }
    /// <summary>Bits of poll(2) the caller is interested in.</summary>
    public required uint Events { get; init; }
    /// <summary>Somebody waits: notify when the answer would change.</summary>
    public required bool WantsNotification { get; init; }
}
