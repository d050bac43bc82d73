using Kdbus.Abi;

namespace Kdbus.Client;

/// <summary>What the bus knows about a connection, or about who made the bus.</summary>
public sealed class PeerInfo
{
    private readonly byte[] _items;

    internal PeerInfo(in KdbusInfo info, ReadOnlySpan<byte> items, bool isFaked = false)
    {
        Id = info.Id;
        Flags = (HelloFlags)info.Flags;
        IsFaked = isFaked;
        _items = items.ToArray();
    }

    /// <summary>The id of the connection, or of the bus.</summary>
    public ulong Id { get; }

    /// <summary>What kind of connection it is.</summary>
    public HelloFlags Flags { get; }

    /// <summary>A privileged process said these credentials; the bus did not see them.</summary>
    public bool IsFaked { get; }

    /// <summary>Names that it owns, or in a list of waiting ones waits for.</summary>
    public IReadOnlyList<string> Names => Metadata.Names;

    /// <summary>What is told about it.</summary>
    public Metadata Metadata => new(new ItemReader(_items), null);
}
