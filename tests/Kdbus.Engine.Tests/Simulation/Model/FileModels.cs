using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>A descriptor that a message names once, and what its sender has there.</summary>
internal sealed class DescriptorModel(int number)
{
    public int Number { get; } = number;

    public Errno Found { get; init; }

    public SentFileKind Kind { get; init; }

    /// <summary>Negative if it cannot be sealed.</summary>
    public int Seals { get; init; } = -1;

    public ulong Size { get; init; }

    /// <summary>The file, from when it was looked at; 0 if there is none.</summary>
    public ulong File { get; set; }
}

/// <summary>A FDS item, before the piece of payload of this index.</summary>
internal sealed record FdsModel(int At, IReadOnlyList<DescriptorModel> Descriptors)
{
    /// <summary>Its payload is longer than that by so many bytes.</summary>
    public int Surplus { get; init; }
}

/// <summary>What somebody gets beside a message and does not have yet.</summary>
internal sealed class HandoutModel(ConnectionModel owner, EntryModel entry, bool sends)
{
    public ConnectionModel Owner { get; } = owner;

    public EntryModel Entry { get; } = entry;

    /// <summary>Where the message lies.</summary>
    public SliceModel Slice { get; } = entry.Slice;

    /// <summary>Files are sent; else what is in memfds is copied into the pool.</summary>
    public bool Sends { get; } = sends;

    /// <summary>The files sent.</summary>
    public IReadOnlyList<ulong> Files { get; } = sends ? [.. entry.SentFiles] : [];

    /// <summary>What is copied: file, start, size, and where in the pool.</summary>
    public IReadOnlyList<(ulong File, ulong Start, ulong Size, ulong At)> Contents { get; } = sends ? [] : [.. entry.Contents];
}
