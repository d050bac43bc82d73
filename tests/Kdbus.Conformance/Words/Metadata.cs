using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Kdbus.Engine.Processes;

namespace Kdbus.Conformance.Words;

/// <summary>
/// What is told about somebody. Reading it asserts what holds for all metadata: the items are in their order, and each kind is there once but for
/// names, of which there is one item each. To ask for what is not told fails the test; <see cref="Kinds"/> says what is.
/// </summary>
public sealed class Metadata
{
    /// <summary>The order of the items.</summary>
    private static readonly ItemType[] s_order =
    [
        ItemType.Creds, ItemType.Pids, ItemType.AuxGroups, ItemType.TidComm, ItemType.PidComm, ItemType.Exe, ItemType.Cmdline, ItemType.Cgroup,
        ItemType.Caps, ItemType.Seclabel, ItemType.Audit, ItemType.OwnedName, ItemType.ConnDescription, ItemType.Timestamp,
        ItemType.PidfsId, ItemType.StartTime, ItemType.Pidfd,
    ];

    private Metadata(IReadOnlyList<ReceivedItem> items)
    {
        Items = items;
        int[] places = [.. items.Select(static item => Array.IndexOf(s_order, item.Type))];
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
        ItemType[] types = [.. items.Select(static item => item.Type)];
        Assert.Equal(types.Distinct(), types.Where((type, i) => type != ItemType.OwnedName || i == Array.IndexOf(types, type)));
        foreach (ItemType type in types)
            Kinds |= (AttachFlags)(1UL << (int)(type - ItemType.Timestamp));
    }

    /// <summary>The items.</summary>
    public IReadOnlyList<ReceivedItem> Items { get; }

    /// <summary>What is told.</summary>
    public AttachFlags Kinds { get; }

    /// <summary>CREDS.</summary>
    public TaskCreds Creds
    {
        get
        {
            KdbusCreds c = One(ItemType.Creds).As<KdbusCreds>();
            return new TaskCreds(Id(c.Uid), Id(c.Euid), Id(c.Suid), Id(c.Fsuid), Id(c.Gid), Id(c.Egid), Id(c.Sgid), Id(c.Fsgid));
        }
    }

    /// <summary>PIDS.</summary>
    public TaskNumbers Pids
    {
        get
        {
            KdbusPids pids = One(ItemType.Pids).As<KdbusPids>();
            return new TaskNumbers(pids.Pid, pids.Tid, pids.Ppid);
        }
    }

    /// <summary>AUXGROUPS.</summary>
    public IReadOnlyList<uint> AuxGroups =>
        [.. MemoryMarshal.Cast<byte, ulong>(One(ItemType.AuxGroups).Payload).ToArray().Select(Id)];

    /// <summary>The names with their flags.</summary>
    public IReadOnlyList<(string Name, NameFlags Flags)> OwnedNames =>
        [.. Items.Where(static i => i.Type == ItemType.OwnedName).Select(static i =>
            (ReceivedItem.TextOf(i.Payload.AsSpan(8)), (NameFlags)BinaryPrimitives.ReadUInt64LittleEndian(i.Payload)))];

    /// <summary>TID_COMM.</summary>
    public string TidComm => One(ItemType.TidComm).Text;

    /// <summary>PID_COMM.</summary>
    public string PidComm => One(ItemType.PidComm).Text;

    /// <summary>EXE.</summary>
    public string Exe => One(ItemType.Exe).Text;

    /// <summary>CMDLINE.</summary>
    public string Cmdline => One(ItemType.Cmdline).Text;

    /// <summary>CGROUP.</summary>
    public string Cgroup => One(ItemType.Cgroup).Text;

    /// <summary>CAPS.</summary>
    public CapabilitySets Caps
    {
        get
        {
            ReadOnlySpan<byte> payload = One(ItemType.Caps).Payload;
            Assert.Equal(36, payload.Length);
            ReadOnlySpan<ulong> sets = MemoryMarshal.Cast<byte, ulong>(payload[4..]);
            return new CapabilitySets(BinaryPrimitives.ReadUInt32LittleEndian(payload), sets[0], sets[1], sets[2], sets[3]);
        }
    }

    /// <summary>SECLABEL.</summary>
    public string Seclabel => One(ItemType.Seclabel).Text;

    /// <summary>AUDIT.</summary>
    public AuditIds Audit
    {
        get
        {
            KdbusAudit audit = One(ItemType.Audit).As<KdbusAudit>();
            return new AuditIds(audit.SessionId, audit.LoginUid);
        }
    }

    /// <summary>CONN_DESCRIPTION.</summary>
    public string Description => One(ItemType.ConnDescription).Text;

    /// <summary>TIMESTAMP.</summary>
    public KdbusTimestamp Timestamp => One(ItemType.Timestamp).As<KdbusTimestamp>();

    /// <summary>PIDFS_ID.</summary>
    public ulong PidfsId => One(ItemType.PidfsId).As<ulong>();

    /// <summary>START_TIME.</summary>
    public ulong StartTime => One(ItemType.StartTime).As<ulong>();

    /// <summary>PIDFD.</summary>
    public int Pidfd => One(ItemType.Pidfd).As<int>();

    /// <summary>Reads items that must be metadata.</summary>
    public static Metadata Of(IEnumerable<ReceivedItem> items) => new([.. items]);

    /// <summary>Whatever is told of the process must be what it says of itself.</summary>
    public void IsAbout(Self self)
    {
        if (Tells(AttachFlags.Creds))
            Assert.Equal(self.Creds, Creds);
        if (Tells(AttachFlags.Pids))
            Assert.Equal(self.Numbers, Pids);
        if (Tells(AttachFlags.AuxGroups))
            Assert.Equal(self.Groups, AuxGroups);
        if (Tells(AttachFlags.TidComm))
            Assert.Equal(self.ThreadName, TidComm);
        if (Tells(AttachFlags.PidComm))
            Assert.Equal(self.Name, PidComm);
        if (Tells(AttachFlags.Exe))
            Assert.Equal(self.Exe, Exe);
        if (Tells(AttachFlags.Cmdline))
            Assert.Equal(self.FirstArgument, Cmdline);
        if (Tells(AttachFlags.Cgroup))
            Assert.Equal(self.Cgroup, Cgroup);
        if (Tells(AttachFlags.Caps))
            Assert.Equal(self.Caps, Caps);
        if (Tells(AttachFlags.Seclabel))
            Assert.Equal(self.Seclabel, Seclabel);
        if (Tells(AttachFlags.Audit))
            Assert.Equal(self.Audit, Audit);
    }

    /// <summary>All that can be told of the process must be told, and be what it says of itself.</summary>
    public void IsAllAbout(Self self)
    {
        Assert.Equal(self.Kinds, Kinds & AttachMask.Process & AttachFlags.All);
        IsAbout(self);
    }

    private bool Tells(AttachFlags kind) => Kinds.HasFlag(kind);

    private ReceivedItem One(ItemType type) => Assert.Single(Items, item => item.Type == type);

    private static uint Id(ulong id) => checked((uint)id);
}
