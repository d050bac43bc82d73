using Kdbus.Engine.Processes;
using Kdbus.Linux;
using TaskStatus = Kdbus.Linux.TaskStatus;

namespace Kdbus.Daemon.Serving.Processes;

/// <summary>
/// The pid namespaces from the daemon's own inwards, by numbers that mean one namespace for ever where the kernel has such
/// (Linux 6.18), else by inode. All numbers are of the same kind, so they can be compared.
/// </summary>
internal sealed class PidNamespaces
{
    private const int MostLevels = 33; // the initial one and MAX_PID_NS_LEVEL below it

    private readonly bool _haveUniqueIds;

    public PidNamespaces()
        : this(mayHaveUniqueIds: true)
    {
    }

    /// <param name="mayHaveUniqueIds">Whether to ask the kernel for them.</param>
    internal PidNamespaces(bool mayHaveUniqueIds)
    {
        if (ProcDirectory.OpenSelf(out var self) < 0) return;
        using (self)
        {
            // Between the namespace that /proc shows and the one that it is read from there is a number for each: more than
            // one for ourselves, and it shows another namespace than ours.
            var status = new TaskStatus();
            if (status.Read(self) < 0 || status.NamespacePids.Length > 1) return;
            IsSeen = true;
            var file = OpenIn(self);
            if (file < 0)
            {
                // A kernel that knows no pid namespaces has one, and any number means it.
                Own = status.NamespacePids.IsEmpty ? 1UL : 0;
                return;
            }

            _haveUniqueIds = mayHaveUniqueIds && NamespaceFile.UniqueId(file, out _) >= 0;
            Own = IdOf(file);
            FileDescriptor.Close(file);
        }
    }

    /// <summary>Whether /proc shows our own namespace. If not, its numbers are not those that callers have for us.</summary>
    public bool IsSeen { get; }

    /// <summary>The daemon's own, which is the domain's; 0 if it cannot be found out.</summary>
    public ulong Own { get; }

    /// <summary>The numbers of a thread and of its process; null if they cannot be found out.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="status">Its status, just read.</param>
    public ThreadNumbers? NumbersOf(int thread, TaskStatus status)
    {
        if (Own == 0) return null;
        Span<ulong> spaces = stackalloc ulong[MostLevels];
        var depth = Math.Max(status.NamespacePids.Length, 1);
        var found = Levels(depth > 1 ? NamespaceFile.Open(thread, NamespaceKind.Pid) : -1, depth, spaces);
        // A process and its threads are always in the same namespace.
        var own = Numbers(status.NamespacePids, status.Pid, spaces[..found]);
        var process = status.Pid == status.Tgid ? own : Numbers(status.NamespaceTgids, status.Tgid, spaces[..found]);
        return new ThreadNumbers(own, process, found == depth ? spaces[found - 1] : 0);
    }

    /// <summary>All numbers of whoever has this one in our namespace now: of one process or thread, also if it is just ending.
    /// Null if there is nobody.</summary>
    /// <param name="number">The number.</param>
    /// <param name="room">Is overwritten.</param>
    public PidNumbers? NumbersOfWhoHas(int number, TaskStatus room)
    {
        if (Own == 0 || ProcDirectory.Open(number, out var directory) < 0) return null;
        using (directory)
        {
            if (room.Read(directory) < 0) return null;
            Span<ulong> spaces = stackalloc ulong[MostLevels];
            var depth = Math.Max(room.NamespacePids.Length, 1);
            var found = Levels(depth > 1 ? OpenIn(directory) : -1, depth, spaces);
            return Numbers(room.NamespacePids, room.Pid, spaces[..found]);
        }
    }

    private static int OpenIn(in ProcDirectory directory) => directory.OpenFile("ns/pid\0"u8, OpenFlags.ReadOnly);

    private static PidNumbers Numbers(ReadOnlySpan<int> all, int outermost, ReadOnlySpan<ulong> spaces)
    {
        Span<uint> numbers = stackalloc uint[MostLevels];
        numbers[0] = (uint)outermost;
        for (var i = 1; i < spaces.Length; i++) numbers[i] = (uint)all[i];
        return new PidNumbers(spaces, numbers[..spaces.Length]);
    }

    /// <summary>
    /// The namespaces from our own to the one that is open, of which there are so many. Closes the descriptor. Returns how many
    /// it has found: all, or only our own, in which everybody that we see is.
    /// </summary>
    private int Levels(int file, int depth, Span<ulong> spaces)
    {
        spaces[0] = Own;
        if (depth > spaces.Length && file >= 0)
        {
            FileDescriptor.Close(file);
            return 1;
        }

        for (var level = depth - 1; level > 0; level--)
        {
            if (file < 0) return 1;
            spaces[level] = IdOf(file);
            var around = level > 1 ? NamespaceFile.OpenParent(file) : -1;
            FileDescriptor.Close(file);
            if (spaces[level] == 0)
            {
                if (around >= 0) FileDescriptor.Close(around);
                return 1;
            }

            file = around;
        }

        return depth;
    }

    private ulong IdOf(int file)
    {
        if (_haveUniqueIds) return NamespaceFile.UniqueId(file, out var id) < 0 ? 0 : id;
        return FileStatus.Of(file, out var status) < 0 ? 0 : status.Inode;
    }
}
