using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse;

/// <summary>
/// Who asks and about what: the part every request has. Everything in it was written by the kernel and is to be trusted. The caller cannot
/// go away, nor its pid be used again, while the request is unanswered.
/// </summary>
/// <param name="Unique">Number of the request, as the kernel gave it, with the bit that marks a resent one.</param>
/// <param name="NodeId">The node the request is about; for a name, the directory.</param>
/// <param name="Uid">File system uid of the caller (normally its effective uid), in the user namespace of the mount.</param>
/// <param name="Gid">File system gid.</param>
/// <param name="Pid">The calling thread in the server's pid namespace; 0 when it is not visible there. RELEASE and the forgets have no caller.</param>
public readonly record struct RequestContext(ulong Unique, ulong NodeId, uint Uid, uint Gid, int Pid)
{
    /// <summary>The kernel delivered this request before, to somebody who did not answer it.</summary>
    public bool IsResent => (Unique & FuseProtocol.ResentBit) != 0;

    internal static RequestContext From(in FuseInHeader header) =>
        new(header.Unique, header.NodeId, header.Uid, header.Gid, unchecked((int)header.Pid));
}
