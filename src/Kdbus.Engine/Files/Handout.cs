namespace Kdbus.Engine.Files;

/// <summary>How who reads a message gets at descriptors.</summary>
internal enum DescriptorWay
{
    /// <summary>Not at all, and is told nothing of it: it only looks at the message, or has said that it wants none.</summary>
    Declined,
    /// <summary>It wants them, but nobody can put them into its process: memfds come by value where there is room.</summary>
    Missing,
    /// <summary>They are sent to it, and it says which numbers they got.</summary>
    Sent,
}

/// <summary>
/// What comes with a message beside what lies in the pool already, on its way to who gets the message. Whoever drives the engine does it
/// with no lock held and before the caller is told, and then ends it.
/// </summary>
public sealed class Handout
{
    private readonly MessageFiles _held;
    private readonly Connection _receiver;
    private readonly Slice _slice;

    internal Handout(MessageFiles held, Connection receiver, Slice slice)
    {
        _held = held;
        _receiver = receiver;
        _slice = slice;
        Offset = slice.Offset;
        slice.Handout = this;
        held.Hold();
    }

    /// <summary>Where the message starts in the pool.</summary>
    public ulong Offset { get; }

    /// <summary>Files to be sent, in this order; none if none are.</summary>
    public IReadOnlyList<ulong> Files { get; internal init; } = [];

    /// <summary>What is to be copied into the pool; nothing if files are to be sent.</summary>
    public IReadOnlyList<FileContent> Contents { get; internal init; } = [];

    /// <summary>The pool.</summary>
    public IPoolMemory Memory => _receiver.Pool.Memory;

    /// <summary>Where the numbers of the files stand, from the message's first byte on.</summary>
    internal int[] NumberPositions { get; init; } = [];

    /// <summary>An input as the methods of the domain are: it is done, or could not be. What could not be copied nobody is to see.</summary>
    public void End(bool done)
    {
        if (Contents.Count > 0) EndCopy(done);
        else if (!done && _slice.Handout == this) _slice.Handout = null; // else the owner of the pool has given the slice back already
        _held.Release();
    }

    /// <summary>The bus held the slice until now, so that nothing else came to lie there, even if its owner had given it back.</summary>
    private void EndCopy(bool done)
    {
        _slice.Handout = null;
        if (!done && _slice.HeldByOwner) _receiver.Pool.ReleaseByOwner(_slice);
        _receiver.Pool.ReleaseByBus(_slice);
    }
}

/// <summary>A range of a file that is to be copied into a pool.</summary>
/// <param name="File">The file.</param>
/// <param name="Start">Its first byte in the file.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="PoolOffset">Where it goes.</param>
public readonly record struct FileContent(ulong File, ulong Start, ulong Size, ulong PoolOffset);
