using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// An open file description as the kernel knows it: the handle number both sides use, the pool that an endpoint's handle
/// may come to use, and who waits on it. Guarded by the lock of the engine.
/// </summary>
internal sealed class OpenFile(ulong handle, TreeNode node, PoolFile? pool, uint uid, byte[]? content = null)
{
    public ulong Handle { get; } = handle;

    public TreeNode Node { get; } = node;

    /// <summary>Who opened it.</summary>
    public uint Uid { get; } = uid;

    /// <summary>Null for all files but endpoints.</summary>
    public PoolFile? Pool { get; } = pool;

    /// <summary>What a status file or a parameter shows, as of its opening; null for all other files.</summary>
    public byte[]? Content { get; } = content;

    /// <summary>Passthrough registration to be given back at the first request, when the opener is surely through; 0 if none.</summary>
    public int BackingId { get; set; }

    /// <summary>Where its user sends from. Not guarded by anything: whoever uses it checks it.</summary>
    public SendHabit Habit { get; set; }

    /// <summary>What to name in a poll notification.</summary>
    public ulong PollHandle { get; set; }

    /// <summary>Somebody waits in poll(2) and has to be told of a change, once.</summary>
    public bool PollArmed { get; set; }

    /// <summary>A question of poll(2) whose answer is put off.</summary>
    public HeldReply PutOffPoll { get; set; }
}
