using System.Text;
using CsCheck;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Tests.Processes;

/// <summary>What is recorded of a process, as items: as large as foreseen, in their order, in the words of the reader.</summary>
public sealed class ProcessItemsTests
{
    private static readonly OverflowIds Overflow = new(65534, 65533);

    private static readonly ReaderView Everywhere = new() { UserNamespace = 1, PidNamespace = 1, Root = new RootDirectory(1, 2, 3) };

    private static readonly ItemType[] InOrder =
    [
        ItemType.Creds, ItemType.Pids, ItemType.AuxGroups, ItemType.TidComm, ItemType.PidComm, ItemType.Exe, ItemType.Cmdline, ItemType.Cgroup,
        ItemType.Caps, ItemType.Seclabel, ItemType.Audit, ItemType.PidfsId, ItemType.StartTime, ItemType.Pidfd,
    ];

    public static TheoryData<AttachFlags> Kinds => [.. InOrder.Select(KindOf)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void One_kind_is_one_item_of_the_size_foreseen(AttachFlags kind)
    {
        var record = Record(AttachMask.Process);
        var written = Write(record, kind, Everywhere);
        Assert.Equal(ProcessItems.Size(record, kind) + ProcessItems.ExtensionSize(kind), written.Length);
        Assert.Equal([kind], Types(written).Select(KindOf));
    }

    [Fact]
    public void All_kinds_come_in_their_order() => Assert.Equal(InOrder, Types(Write(Record(AttachMask.Process), AttachMask.Process, Everywhere)));

    [Fact]
    public void Any_set_of_kinds_has_the_size_foreseen() => Gen.Select(Gen.Int[0, 1 << 14], Gen.Int[0, 7], Gen.Int[0, 40], Gen.Int[0, 9]).Sample((low, high, length, groups) =>
    {
        var kinds = (AttachFlags)((uint)low | ((ulong)high << 32)) & AttachMask.Process;
        var record = Record(AttachMask.Process, new string('x', length), new uint[groups]);
        var written = Write(record, kinds, Everywhere);
        Assert.Equal(ProcessItems.Size(record, kinds) + ProcessItems.ExtensionSize(kinds), written.Length);
        Assert.Equal(InOrder.Where(type => kinds.HasFlag(KindOf(type))), Types(written));
    });

    [Fact]
    public void Who_was_not_looked_at_is_told_nothing_that_hangs_on_him()
    {
        var types = Types(Write(Record(AttachMask.Process), AttachMask.Process, default));
        Assert.Equal(InOrder.Except([ItemType.Creds, ItemType.Pids, ItemType.AuxGroups, ItemType.Exe, ItemType.Caps, ItemType.Audit]), types);
    }

    [Fact]
    public void Elsewhere_the_executable_and_the_capabilities_are_not_told()
    {
        var elsewhere = Everywhere with { UserNamespace = 2, Root = new RootDirectory(1, 2, 4) };
        Assert.Equal(InOrder.Except([ItemType.Exe, ItemType.Caps]), Types(Write(Record(AttachMask.Process), AttachMask.Process, elsewhere)));
    }

    [Fact]
    public void Ids_are_named_as_the_reader_names_them()
    {
        var maps = new IdMaps(new IdRange[] { new(0, 1000, 1), new(7, uint.MaxValue - 1, 1) }, new IdRange[] { new(3, 1000, 1) });
        var record = new ProcessRecord
        {
            Kinds = AttachFlags.Creds | AttachFlags.AuxGroups | AttachFlags.Audit,
            Creds = new TaskCreds(1000, 1001, uint.MaxValue - 1, uint.MaxValue, 1000, 1001, 999, uint.MaxValue),
            Details = new ProcessDetails { AuxGroups = new uint[] { 1000, 0 }, AuditSession = 9, LoginUid = 1001 },
        };
        var items = Write(record, record.Kinds, Everywhere with { Maps = maps });
        Assert.Equal([0, 65534, 7, uint.MaxValue, 3, 65533, 65533, uint.MaxValue], Numbers(items.AsSpan(16, 64)));
        Assert.Equal([3, 65533], Numbers(items.AsSpan(96, 16)));
        Assert.Equal((9u, uint.MaxValue), (BitConverter.ToUInt32(items, 128), BitConverter.ToUInt32(items, 132)));
    }

    [Fact]
    public void Processes_have_the_numbers_of_the_readers_pid_namespace_each_by_itself()
    {
        var record = new ProcessRecord
        {
            Kinds = AttachFlags.Pids, Process = new PidNumbers([1, 2], [100, 10]), Thread = new PidNumbers([1], [101]), Parent = null,
        };
        Assert.Equal([100, 101, 0], Numbers(Write(record, AttachFlags.Pids, Everywhere).AsSpan(16)));
        Assert.Equal([10, 0, 0], Numbers(Write(record, AttachFlags.Pids, Everywhere with { PidNamespace = 2 }).AsSpan(16)));
        Assert.Equal([0, 0, 0], Numbers(Write(record, AttachFlags.Pids, Everywhere with { PidNamespace = 3 }).AsSpan(16)));
    }

    private static byte[] Write(ProcessRecord record, AttachFlags kinds, in ReaderView view)
    {
        var room = new byte[4096];
        var items = new ItemWriter(room);
        ProcessItems.Write(ref items, record, kinds, view, Overflow);
        ProcessItems.WriteExtensions(ref items, record, kinds);
        return room[..items.Length];
    }

    private static List<ItemType> Types(byte[] items)
    {
        var types = new List<ItemType>();
        var reader = new ItemReader(items);
        while (reader.TryRead(out var item)) types.Add(item.Type);
        Assert.Equal(Errno.OK, reader.Error);
        return types;
    }

    private static ulong[] Numbers(ReadOnlySpan<byte> bytes) => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(bytes).ToArray();

    private static AttachFlags KindOf(ItemType type) => (AttachFlags)(1UL << ((int)type - (int)ItemType.Timestamp));

    private static ProcessRecord Record(AttachFlags kinds, string text = "some text", uint[]? groups = null)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        return new ProcessRecord
        {
            Kinds = kinds,
            Process = new PidNumbers([1], [7]),
            Details = new ProcessDetails
            {
                AuxGroups = groups ?? [1, 2, 3], TidComm = bytes, PidComm = bytes, Exe = bytes, Root = Everywhere.Root, Cmdline = bytes, Cgroup = bytes,
                UserNamespace = Everywhere.UserNamespace, Seclabel = bytes,
            },
        };
    }
}
