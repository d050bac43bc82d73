using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Words;

/// <summary>
/// What CONN_INFO or BUS_CREATOR_INFO has put into the pool: one record that fills what the command says it fills, the name of the bus if it is
/// about the creator, and metadata.
/// </summary>
public sealed class Info
{
    /// <param name="run">The command, which must have succeeded.</param>
    /// <param name="record">The bytes that it names.</param>
    public Info(CommandRun run, byte[] record)
    {
        KdbusCmdInfo command = run.As<KdbusCmdInfo>();
        KdbusInfo head = MemoryMarshal.Read<KdbusInfo>(record);
        Assert.Equal(command.InfoSize, head.Size);
        IReadOnlyList<ReceivedItem> items = ReceivedItem.Chain(record.AsSpan(24));
        bool named = items is [{ Type: ItemType.MakeName }, ..];
        (Id, Flags, Size, Offset) = (head.Id, head.Flags, head.Size, command.Offset);
        ReturnFlags = (InfoReturnFlags)command.ReturnFlags;
        BusName = named ? items[0].Text : null;
        Metadata = Metadata.Of(named ? items.Skip(1) : items);
    }

    /// <summary>Of the connection or bus.</summary>
    public ulong Id { get; }

    /// <summary>Of HELLO or BUS_MAKE.</summary>
    public ulong Flags { get; }

    /// <summary>Bytes of the record.</summary>
    public ulong Size { get; }

    /// <summary>Where it was in the pool.</summary>
    public ulong Offset { get; }

    /// <summary>What the command returned beside it.</summary>
    public InfoReturnFlags ReturnFlags { get; }

    /// <summary>The name of the bus, if that is told.</summary>
    public string? BusName { get; }

    /// <summary>The rest.</summary>
    public Metadata Metadata { get; }
}
