using Kdbus.Abi;
using Kdbus.Engine;
using Kdbus.Engine.Files;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving.Files;

/// <summary>
/// Takes in the files that a message brings: our own copies of what is behind the numbers, made while the sender is stopped, so that it
/// is what he meant. Whatever is wrong with one is left for the engine to find, in its order of checks.
/// </summary>
/// <param name="callers">The processes that call.</param>
/// <param name="closer">Knows of how many files that are not closed yet.</param>
/// <param name="capacity">Copies that may be there at a time: the daemon needs descriptors for other things, too.</param>
internal sealed class FileIntake(ICallers callers, FileCloser closer, long capacity)
{
    /// <summary>Looks behind each number: how many there are, in <paramref name="room"/>. May block: only inside a blocking section.</summary>
    public int Take(int thread, uint uid, DomainLimits limits, ReadOnlySpan<byte> message, FuseReply reply, Span<SentFile> room)
    {
        var count = 0;
        var numbers = DescriptorNumbers.Of(limits, message);
        while (count < room.Length && numbers.MoveNext() && !reply.IsAnswered)
        {
            var sent = TakeOne(thread, uid, numbers.Current, numbers.IsMemfd);
            room[count++] = sent;
            if (sent.Found != Errno.OK) break;
        }

        return count;
    }

    /// <summary>A pidfd of the process of a thread, as the engine takes it; 0 if it cannot be had.</summary>
    public ulong TakeProcess(int thread, uint uid)
    {
        if (closer.Open >= capacity) return 0;
        var pidfd = callers.OpenProcess(thread);
        if (pidfd < 0) return 0;
        closer.Opened();
        return new CarriedFile(pidfd, uid, IsServedByOthers: false).ToNumber();
    }

    private SentFile TakeOne(int thread, uint uid, int number, bool isMemfd)
    {
        if (closer.Open >= capacity) return new SentFile(Errno.EMFILE, 0);
        var found = callers.CopyFile(thread, number, isMemfd, out var copy);
        if (found != Errno.OK) return new SentFile(found, 0);
        closer.Opened();
        var file = new CarriedFile(copy.Descriptor, uid, copy.IsServedByOthers);
        if (copy.IsServedByOthers && closer.IsFull(uid))
        {
            closer.Close([file.ToNumber()], mayWait: false);
            return new SentFile(Errno.EUSERS, 0);
        }

        return new SentFile(Errno.OK, file.ToNumber()) { Kind = copy.Kind, Seals = copy.Seals, Size = copy.Size };
    }
}

/// <summary>Our copy of a caller's descriptor, and what can be said of it without asking whoever serves the file.</summary>
/// <param name="Descriptor">The copy, which belongs to who asked for it.</param>
/// <param name="Kind">What it is.</param>
/// <param name="IsServedByOthers">It lies on a FUSE mount that is not ours.</param>
internal readonly record struct CopiedFile(int Descriptor, SentFileKind Kind, bool IsServedByOthers)
{
    /// <inheritdoc cref="SentFile.Seals"/>
    public int Seals { get; init; } = -1;

    /// <inheritdoc cref="SentFile.Size"/>
    public ulong Size { get; init; }
}
