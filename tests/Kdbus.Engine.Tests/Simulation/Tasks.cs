using System.Text;
using Kdbus.Engine.Processes;
using Kdbus.Engine.Tests.Simulation.Model;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>
/// All tasks there are, as they are now, in a few namespaces; and what whoever drives an engine finds out about one of them, which
/// is exactly what he is asked for. The first one owns the bus that is always there.
/// </summary>
internal sealed class Tasks
{
    private const AttachFlags Recordable = (AttachFlags)(0x1fee | (7UL << 32));

    private static readonly UserNamespaceModel[] Users =
    [
        new(1, null, null),
        // The same ids, under each other's names.
        new(2, [new(1000, 1002, 2), new(1002, 1000, 2)], [new(50, 60, 1), new(60, 50, 1), new(1000, 1000, 4)]),
        new(3, [new(0, 1001, 1), new(uint.MaxValue - 2, 1003, 1)], [new(0, 1001, 3), new(uint.MaxValue - 1, 60, 1)]),
        // All ids, and yet it is another one.
        new(4, [new(0, 0, uint.MaxValue)], [new(0, 0, uint.MaxValue)]),
        new(5, [], []),
    ];

    private static readonly RootDirectory[] Roots = [new(1, 8, 2), new(1, 8, 77), new(2, 8, 2)];

    private readonly TaskModel[] _tasks =
    [
        Task(0, [1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000], [], Users[0], Roots[0], new PidModel((1, 4711)), new PidModel((1, 4711))),
        Task(1, new uint[8], [], Users[0], Roots[0], new PidModel((1, 10)), new PidModel((1, 11))),
        Task(2, [1001, 1001, 0, 1001, 1001, 1001, 0, 7], [50], Users[1], Roots[0], new PidModel((1, 200), (2, 1)), new PidModel((1, 201), (2, 2))),
        Task(3, [1002, 1002, 1002, 1002, 1002, 1002, 1002, 1002], [50, 60], Users[2], Roots[1], new PidModel((1, 300), (2, 30), (3, 3)), new PidModel((1, 300), (2, 30), (3, 3))),
        Task(4, [1003, 1001, 1003, 1001, 1003, 1001, 1003, 1001], [60], Users[3], Roots[0], new PidModel((1, 400), (4, 40)), new PidModel((1, 404), (4, 44))),
        Task(5, [1003, 1003, 1003, 1003, 1003, 1003, 1003, 1003], [], Users[4], Roots[2], new PidModel((1, 500)), new PidModel((1, 500))) with { PidNamespace = 9 },
        Task(6, [1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000], [50], Users[1], Roots[1], new PidModel((1, 600), (2, 60)), new PidModel((1, 600), (2, 60))),
    ];

    public int Count => _tasks.Length;

    public TaskModel this[int index] => _tasks[index];

    /// <summary>One of them is another one from now on: other ids, other names, less to tell.</summary>
    public void Change(Chance chance)
    {
        var index = chance.Below(_tasks.Length);
        var task = _tasks[index];
        _tasks[index] = chance.Below(9) switch
        {
            0 => task with { TidComm = Word(chance), PidComm = Word(chance) },
            1 => task with { Kinds = chance.OneIn(2) ? Recordable : Recordable & ~Unavailable(chance) },
            2 => task with { Ids = Ids(chance, task) },
            3 => task with { Groups = [.. new uint[] { 50, 60, 1002, 0, uint.MaxValue - 1 }.Where(_ => chance.OneIn(2))] },
            4 => task with { Exe = "/" + Word(chance), Cmdline = Word(chance), PidfsId = task.PidfsId + 1 },
            5 => task with { Root = chance.Of(Roots), Cgroup = "/" + Word(chance) },
            6 => task with { Users = chance.Of(Users), Caps = new CapabilitySets(40, Bits(chance), Bits(chance), Bits(chance), Bits(chance)) },
            7 => task with { Seclabel = Word(chance), AuditSession = (uint)chance.Below(9), LoginUid = chance.Of(uint.MaxValue, 0u, 1000u, 1002u, 1003u, 77u) },
            _ => task with { Parent = chance.Of<PidModel?>(null, new PidModel((1, 1)), _tasks[chance.Below(_tasks.Length)].Process), PidNamespace = chance.Of(1UL, 1UL, 2UL, 3UL, 4UL, 9UL) },
        };
    }

    /// <summary>The process or thread of this number where a task is; null if there is none.</summary>
    public PidModel? Find(TaskModel asking, ulong number) =>
        number is 0 or > uint.MaxValue ? null
            : _tasks.SelectMany(task => new[] { task.Process!, task.Thread! }).FirstOrDefault(pid => pid.In(asking.PidNamespace) == number);

    public static Caller Identify(TaskModel task, CallerFacts facts)
    {
        if (!facts.HasFlag(CallerFacts.Ids)) return default;
        return task.Caller with
        {
            Groups = facts.HasFlag(CallerFacts.Groups) ? task.Groups : default,
            Maps = facts.HasFlag(CallerFacts.Maps) ? task.Users.Maps : null,
        };
    }

    public static ProcessRecord? Describe(TaskModel task, AttachFlags asked)
    {
        var kinds = asked & task.Kinds;
        if (asked == 0) return null;
        const AttachFlags plain = AttachFlags.Creds | AttachFlags.Pids | (AttachFlags)(7UL << 32);
        var record = new ProcessRecord
        {
            Kinds = kinds,
            PidfsId = kinds.HasFlag(AttachFlags.PidfsId) ? task.PidfsId : 0,
            StartTime = kinds.HasFlag(AttachFlags.StartTime) ? task.StartTime : 0,
            Creds = kinds.HasFlag(AttachFlags.Creds) ? Creds(task.Ids) : default,
            Process = kinds.HasFlag(AttachFlags.Pids) ? task.Process?.Told : null,
            Thread = kinds.HasFlag(AttachFlags.Pids) ? task.Thread?.Told : null,
            Parent = kinds.HasFlag(AttachFlags.Pids) ? task.Parent?.Told : null,
            Details = (kinds & ~plain) == 0 ? null : Details(task, kinds),
        };
        return record;
    }

    public static ReaderView ViewOf(TaskModel task, CallerFacts facts) => new()
    {
        UserNamespace = facts.HasFlag(CallerFacts.UserNamespace) ? task.Users.Number : 0,
        Maps = facts.HasFlag(CallerFacts.UserNamespace) ? task.Users.Maps : null,
        PidNamespace = facts.HasFlag(CallerFacts.PidNamespace) ? task.PidNamespace : 0,
        Root = facts.HasFlag(CallerFacts.Root) ? task.Root : default,
    };

    /// <summary>Whom a task means by these numbers.</summary>
    public NamedProcesses Name(TaskModel asking, ulong[] pids)
    {
        var found = pids.Select(number => Find(asking, number)).ToArray();
        var all = pids.Zip(found).All(each => each.First == 0 || each.Second != null);
        return new NamedProcesses(all, found[0]?.Told, found[1]?.Told, found[2]?.Told);
    }

    private static ProcessDetails Details(TaskModel task, AttachFlags kinds) => new()
    {
        AuxGroups = kinds.HasFlag(AttachFlags.AuxGroups) ? task.Groups : default,
        TidComm = Text(kinds, AttachFlags.TidComm, task.TidComm),
        PidComm = Text(kinds, AttachFlags.PidComm, task.PidComm),
        Exe = Text(kinds, AttachFlags.Exe, task.Exe),
        Root = kinds.HasFlag(AttachFlags.Exe) ? task.Root : default,
        Cmdline = Text(kinds, AttachFlags.Cmdline, task.Cmdline),
        Cgroup = Text(kinds, AttachFlags.Cgroup, task.Cgroup),
        Caps = kinds.HasFlag(AttachFlags.Caps) ? task.Caps : default,
        UserNamespace = kinds.HasFlag(AttachFlags.Caps) ? task.Users.Number : 0,
        Seclabel = Text(kinds, AttachFlags.Seclabel, task.Seclabel),
        AuditSession = kinds.HasFlag(AttachFlags.Audit) ? task.AuditSession : 0,
        LoginUid = kinds.HasFlag(AttachFlags.Audit) ? task.LoginUid : 0,
    };

    private static TaskModel Task(int index, uint[] ids, uint[] groups, UserNamespaceModel users, RootDirectory root, PidModel process, PidModel thread) => new()
    {
        Index = index,
        Kinds = Recordable,
        Ids = ids,
        Groups = groups,
        Users = users,
        PidNamespace = process.Numbers[^1].Namespace,
        Process = process,
        Thread = thread,
        Parent = index == 0 ? null : new PidModel((1, 1)),
        TidComm = $"thread-{index}",
        PidComm = $"task-{index}",
        Exe = $"/bin/task-{index}",
        Root = root,
        Cmdline = new string('x', index),
        Cgroup = "/",
        Caps = new CapabilitySets(40, 1, 0x1_0000_0002, 3, 0x1ff_ffff_ffff),
        Seclabel = "unconfined",
        AuditSession = (uint)index,
        LoginUid = ids[0],
        PidfsId = 0x1_0000_0000 + (ulong)index,
        StartTime = 1_000_000_000UL * (ulong)index,
    };

    private static AttachFlags Unavailable(Chance chance) => (AttachFlags)((uint)chance.Below(1 << 14) | ((ulong)chance.Below(8) << 32));

    /// <summary>The owner of the bus remains who he is.</summary>
    private static uint[] Ids(Chance chance, TaskModel task)
    {
        var ids = new uint[8];
        for (var i = 0; i < ids.Length; i++) ids[i] = chance.Of(1000u, 1001u, 1002u, 1003u, 1003u, 0u);
        if (task.Index is 0 or 1 or 6) ids[0] = ids[1] = task.Ids[0];
        else if (!chance.OneIn(3)) ids[1] = ids[0];
        if (task.Index > 1 && ids[1] == 0) ids[1] = 1002;
        return ids;
    }

    private static ulong Bits(Chance chance) => (ulong)chance.Below(int.MaxValue) << chance.Below(10);

    private static string Word(Chance chance) => "a longer name of it"[..chance.Below(16)];

    private static ReadOnlyMemory<byte> Text(AttachFlags kinds, AttachFlags kind, string text) =>
        kinds.HasFlag(kind) ? Encoding.ASCII.GetBytes(text) : default(ReadOnlyMemory<byte>);

    private static TaskCreds Creds(uint[] ids) => new(ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6], ids[7]);
}
