using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse;

// Requests about nodes and names, already checked: every name here is 1 to 4095 bytes, has no NUL and no slash. The spans point into the reader's
// buffer and are good until the handler returns.

/// <summary>LOOKUP: which node has this name in the directory <see cref="RequestContext.NodeId"/>? Answer with <see cref="FuseReply.Entry"/>; each
/// entry counts as one lookup, to be taken back by <see cref="IFuseFileSystem.Forget"/>.</summary>
public readonly ref struct LookupRequest
{
    public required RequestContext Context { get; init; }
    public required ReadOnlySpan<byte> Name { get; init; }
}

/// <summary>GETATTR: answer with <see cref="FuseReply.Attr"/>.</summary>
public readonly ref struct GetAttrRequest
{
    public required RequestContext Context { get; init; }
    /// <summary>The open file fstat(2) was called on; null when only the node is known.</summary>
    public required ulong? Handle { get; init; }
}

/// <summary>SETATTR (chmod, chown, truncate, utimes, open with O_TRUNC): answer with <see cref="FuseReply.Attr"/>, the attributes afterwards.</summary>
public readonly ref struct SetAttrRequest
{
    public required RequestContext Context { get; init; }
    /// <summary>The new values.</summary>
    public required FuseSetAttrIn Arguments { get; init; }

    /// <summary>Which of the <see cref="Arguments"/> are meant.</summary>
    public FuseSetAttrFields Fields => Arguments.Valid;
}

/// <summary>ACCESS: may the caller? Does not come when the mount has default_permissions. Answer with <see cref="FuseReply.Ok"/> or EACCES.</summary>
public readonly ref struct AccessRequest
{
    public required RequestContext Context { get; init; }
    /// <summary>R_OK, W_OK, X_OK of access(2).</summary>
    public required uint Mask { get; init; }
}

/// <summary>STATFS: answer with <see cref="FuseReply.StatFs"/>.</summary>
public readonly ref struct StatFsRequest
{
    public required RequestContext Context { get; init; }
}

/// <summary>MKNOD, which is also what bind(2) of a unix socket asks for (mode S_IFSOCK): answer with <see cref="FuseReply.Entry"/>.</summary>
public readonly ref struct MkNodRequest
{
    public required RequestContext Context { get; init; }
    public required ReadOnlySpan<byte> Name { get; init; }
    /// <summary>File type and permissions, the umask already applied.</summary>
    public required uint Mode { get; init; }
    /// <summary>Device number, for device nodes.</summary>
    public required uint Device { get; init; }
    public required uint Umask { get; init; }
}

/// <summary>INTERRUPT: a signal arrived at the caller of the request <see cref="Target"/>.</summary>
public readonly ref struct InterruptRequest
{
    /// <summary>The interrupt's own; its caller fields are the target's where the kernel fills them, and mostly 0.</summary>
    public required RequestContext Context { get; init; }
    /// <summary>The number of the interrupted request.</summary>
    public required ulong Target { get; init; }
}
