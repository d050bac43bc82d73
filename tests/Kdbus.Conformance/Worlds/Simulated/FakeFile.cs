using Kdbus.Fuse.Wire;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>
/// An open file description: shared by the descriptors that were dup'ed or inherited, and kept by calls under way. With its last user RELEASE is
/// queued, which the daemon reads before anything that is asked afterwards.
/// </summary>
internal sealed class FakeFile(FakeKernel kernel, ulong node, FuseOpenOut opened, int openFlags, BackingFile? backing)
{
    private static long s_pollHandles;

    private readonly Lock _lock = new();
    private int _users = 1;

    /// <summary>The node.</summary>
    public ulong Node { get; } = node;

    /// <summary>The daemon's number for it.</summary>
    public ulong Handle { get; } = opened.Fh;

    /// <summary>How the daemon wants it treated.</summary>
    public FuseOpenFlags Treatment { get; } = opened.OpenFlags;

    /// <summary>Flags of open(2).</summary>
    public int OpenFlags { get; } = openFlags;

    /// <summary>May it be written to?</summary>
    public bool IsWritable => (OpenFlags & 3) != Worlds.OpenFlags.ReadOnly;

    /// <summary>The kernel's number for it in poll.</summary>
    public ulong PollHandle { get; } = (ulong)Interlocked.Increment(ref s_pollHandles);

    /// <summary>How often the daemon has said that polling would tell something new. Guarded by the kernel.</summary>
    public long News { get; set; }

    /// <summary>Where the next read(2) begins.</summary>
    public ulong Position { get; set; }

    /// <summary>What a mapping of it shows.</summary>
    public IMappedFile Contents { get; } = (IMappedFile?)backing ?? new EmptyFile();

    /// <summary>One more user.</summary>
    public FakeFile Use()
    {
        lock (_lock)
            _users++;
        return this;
    }

    /// <summary>One user less.</summary>
    public void Drop()
    {
        lock (_lock)
        {
            if (--_users > 0)
                return;
        }
        kernel.Post(FuseOpcode.Release, Node, null, FakeKernel.Bytes(new FuseReleaseIn { Fh = Handle, Flags = (uint)OpenFlags }));
        kernel.Forget(Node, 1);
    }
}
