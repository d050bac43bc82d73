using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;
using Kdbus.Client.Internal;

namespace Kdbus.Client;

public sealed partial class BusConnection
{
    private readonly OwnedNames _names;

    /// <summary>Acquires a well-known name, or queues for it.</summary>
    /// <param name="name">The name.</param>
    /// <param name="request">How.</param>
    /// <exception cref="BusRefusedException">EEXIST: somebody has it. EPERM: policy. EALREADY: this connection has it.</exception>
    public ValueTask<OwnedName> AcquireNameAsync(string name, NameRequest request = NameRequest.None)
    {
        ThrowIfEnded();
        var owned = new OwnedName(this, Names.Check(name));
        if (!_names.TryAdd(owned))
            throw Failures.Refused($"acquire the name {name}", -(int)Errno.EALREADY);
        int result = OnName(Command.NameAcquire, name, (ulong)request, out ulong returned);
        if (result < 0)
        {
            _names.Remove(name);
            throw Failures.Refused($"acquire the name {name}", result);
        }
        owned.Become(((NameFlags)returned & NameFlags.InQueue) == 0, isNews: false);
        return ValueTask.FromResult(owned);
    }

    /// <summary>Who owns a name now.</summary>
    public NameOwner GetOwner(string name)
    {
        _ = Names.Check(name);
        return FindPeer(name, AttachFlags.None) is { } owner ? new NameOwner(name, owner.Id, (owner.Flags & HelloFlags.Activator) != 0) : new NameOwner(name, 0, false);
    }

    /// <summary>What the bus knows about the owner of a name; null if nobody has it.</summary>
    public PeerInfo? FindPeer(string name, AttachFlags metadata = AttachFlags.All)
    {
        int result = Ask(Command.ConnInfo, 0, name, metadata, out PeerInfo? info);
        return (Errno)(-result) == Errno.ESRCH ? null : result < 0 ? throw Failures.Refused($"ask about the owner of {name}", result) : info;
    }

    /// <summary>What the bus knows about a connection; null if there is none of this id.</summary>
    public PeerInfo? FindPeer(ulong id, AttachFlags metadata = AttachFlags.All)
    {
        int result = Ask(Command.ConnInfo, id, null, metadata, out PeerInfo? info);
        return (Errno)(-result) == Errno.ENXIO ? null : result < 0 ? throw Failures.Refused($"ask about connection {id}", result) : info;
    }

    /// <summary>What is known about who made the bus; <see cref="PeerInfo.Id"/> is the id of the bus.</summary>
    public PeerInfo GetBusCreator(AttachFlags metadata = AttachFlags.All)
    {
        Failures.Check(Ask(Command.BusCreatorInfo, 0, null, metadata, out PeerInfo? info), "ask about the creator of the bus");
        return info!;
    }

    /// <summary>Connections and names: one record for each connection, and for each name with its owner, as asked for.</summary>
    public IReadOnlyList<PeerInfo> List(ListFlags what = ListFlags.Unique)
    {
        using PoolUse use = UsePool();
        var list = new KdbusCmdList { Size = (ulong)Unsafe.SizeOf<KdbusCmdList>(), Flags = (ulong)what };
        Failures.Check(Wire.Issue(Command.List, ref list), "list the bus");
        ReadOnlySpan<byte> records = _pool.At(list.Offset, list.ListSize);
        List<PeerInfo> peers = [];
        while (!records.IsEmpty)
        {
            KdbusInfo info = MemoryMarshal.Read<KdbusInfo>(records);
            peers.Add(new PeerInfo(info, records[Unsafe.SizeOf<KdbusInfo>()..(int)info.Size]));
            records = records[Math.Min(Item.Align8((int)info.Size), records.Length)..];
        }
        FreeAnswer(list.Offset);
        return peers;
    }

    internal void ReleaseName(string name)
    {
        _names.Remove(name);
        if (!IsEnding)
            _ = OnName(Command.NameRelease, name, 0, out _);
    }

    private unsafe int OnName(Command command, string name, ulong flags, out ulong returned)
    {
        byte[] bytes = new byte[sizeof(KdbusCmd) + Item.SizeInChain(name.Length + 1)];
        var items = new ItemWriter(bytes.AsSpan(sizeof(KdbusCmd)));
        items.WriteString(ItemType.Name, Encoding.ASCII.GetBytes(name));
        MemoryMarshal.Write(bytes, new KdbusCmd { Size = (ulong)(sizeof(KdbusCmd) + items.Length), Flags = flags });
        int result = Wire.Issue(command, bytes);
        returned = MemoryMarshal.Read<KdbusCmd>(bytes).ReturnFlags;
        return result;
    }

    private unsafe int Ask(Command command, ulong id, string? name, AttachFlags metadata, out PeerInfo? peer)
    {
        using PoolUse use = UsePool();
        peer = null;
        byte[] bytes = new byte[sizeof(KdbusCmdInfo) + (name is null ? 0 : Item.SizeInChain(name.Length + 1))];
        var items = new ItemWriter(bytes.AsSpan(sizeof(KdbusCmdInfo)));
        if (name is not null)
            items.WriteString(ItemType.Name, Encoding.ASCII.GetBytes(Names.Check(name)));
        MemoryMarshal.Write(bytes, new KdbusCmdInfo { Size = (ulong)bytes.Length, Id = id, AttachFlags = (ulong)metadata });
        int result = Wire.Issue(command, bytes);
        if (result < 0)
            return result;
        KdbusCmdInfo answer = MemoryMarshal.Read<KdbusCmdInfo>(bytes);
        ReadOnlySpan<byte> record = _pool.At(answer.Offset, answer.InfoSize);
        KdbusInfo info = MemoryMarshal.Read<KdbusInfo>(record);
        peer = new PeerInfo(info, record[sizeof(KdbusInfo)..(int)info.Size], ((InfoReturnFlags)answer.ReturnFlags & InfoReturnFlags.Faked) != 0);
        FreeAnswer(answer.Offset);
        return 0;
    }

    private void FreeAnswer(ulong offset)
    {
        _pool.Use();
        FreeSlice(offset);
    }

    // Whoever looks at an answer in the pool keeps it mapped, whatever others do with the connection meanwhile.
    private PoolUse UsePool()
    {
        ThrowIfEnded();
        ObjectDisposedException.ThrowIf(!_pool.TryUse(), this);
        return new PoolUse(_pool);
    }

    private readonly ref struct PoolUse(Pool pool)
    {
        public void Dispose() => pool.Release();
    }
}
