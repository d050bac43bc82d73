using System.Numerics;
using System.Runtime.InteropServices;
using Kdbus.Engine;
using Kdbus.Engine.Processes;
using Kdbus.Fuzz.Grammar;
using Kdbus.Fuzz.Naive;
using Kdbus.Fuzz.Serving;

namespace Kdbus.Fuzz.Targets;

/// <summary>
/// What is told about processes, beside another reading of it: who somebody says at HELLO that he is, and any record of a process in
/// the words of any reader.
/// </summary>
internal sealed class MetadataTarget : IFuzzTarget
{
    private static readonly OverflowIds Overflow = new(65534, 65533);

    private readonly Domain _domain;
    private ulong _lastHandle = 1;

    public MetadataTarget()
    {
        _domain = new Domain(new NoEffects());
        _domain.Open(1, null, Owner);
        var frame = Frame.Of(
            new KdbusCmd(),
            Frame.Item(ItemType.MakeName, "1000-bus"),
            Frame.Item(ItemType.BloomParameter, new KdbusBloomParameter { Size = BusWords.BloomSize, NHash = 1 }));
        var call = new Invocation { Handle = 1, Request = 1, Ioctl = (uint)Command.BusMake, Caller = Owner, Now = default, Frame = frame };
        Require(Errno.OK, _domain.Execute(ref call).Result, "making a bus");
    }

    public string Name => "metadata";

    private static Caller Owner => new(1000, 1000, 1000, 1000, CapIpcOwner: false, Pid: 1);

    public void Run(Dice dice, List<byte[]> inputs)
    {
        for (var i = 0; i < 40; i++)
        {
            Fake(dice, inputs);
            Translate(dice);
        }
    }

    private void Fake(Dice dice, List<byte[]> inputs)
    {
        var creds = dice.OneIn(3) ? null : Enumerable.Range(0, 8).Select(_ => dice.OneIn(60) ? dice.Wild() : GivenId(dice)).ToArray();
        var label = dice.OneIn(2) ? null : new string('l', dice.Below(20));
        NamedProcesses? named = dice.OneIn(2) ? null : new NamedProcesses(!dice.OneIn(4), Numbers(dice), Numbers(dice), Numbers(dice));
        List<byte[]> items = [];
        if (creds != null) items.Add(Frame.Item(ItemType.Creds, MemoryMarshal.AsBytes(creds.AsSpan())));
        if (named != null) items.Add(Frame.Item(ItemType.Pids, default(KdbusPids)));
        if (label != null) items.Add(Frame.Item(ItemType.Seclabel, label));
        var maps = dice.OneIn(2) ? null : new IdMaps(IdGrammar.Ranges(dice), IdGrammar.Ranges(dice));
        var frame = Frame.Of(new KdbusCmdHello { PoolSize = 4096 }, [.. items]);
        inputs.Add(frame);

        var handle = ++_lastHandle;
        _domain.Open(handle, _domain.FindBus("1000-bus")!.DefaultEndpoint, Owner);
        var real = Record(dice);
        var call = new Invocation
        {
            Handle = handle, Request = handle, Ioctl = (uint)Command.Hello, Caller = Owner with { Maps = maps }, Now = default, Frame = frame, Pool = new ArrayPool(4096),
            Process = real, Named = named ?? default,
        };
        var result = _domain.Execute(ref call).Result;
        var meant = creds == null ? default(TaskCreds) : NaiveMetadata.ReadCreds(creds, maps);
        var isGood = meant != null && named is not { Found: false };
        Require(isGood ? Errno.OK : Errno.EINVAL, result, "who somebody says that he is");
        if (isGood) Compare(_domain.FindConnection(handle)!, real, creds == null ? null : meant, named, label);
        _domain.Close(handle, default);
    }

    private static void Compare(Connection connection, ProcessRecord real, TaskCreds? creds, NamedProcesses? named, string? label)
    {
        var record = connection.Process!;
        Require(creds != null || named != null || label != null, connection.IsFaked, "faked");
        Require(!connection.IsFaked, ReferenceEquals(record, real), "the caller's own record");
        if (!connection.IsFaked) return;
        var kinds = (creds != null ? AttachFlags.Creds : 0) | (named != null ? AttachFlags.Pids : 0) | (label != null ? AttachFlags.Seclabel : 0);
        Require(kinds, record.Kinds, "kinds");
        Require(creds ?? default, record.Creds, "ids");
        Require(named == null ? default : (named.Value.Process, named.Value.Thread, named.Value.Parent), (record.Process, record.Thread, record.Parent), "processes");
        if (label != null) Require(label.Length, record.Details!.Seclabel.Span.Count((byte)'l'), "label");
    }

    private static void Translate(Dice dice)
    {
        var record = Record(dice);
        var kinds = (AttachFlags)dice.Next() & record.Kinds;
        var view = new ReaderView
        {
            UserNamespace = (ulong)dice.Below(3),
            Maps = dice.OneIn(2) ? null : new IdMaps(IdGrammar.Ranges(dice), IdGrammar.Ranges(dice)),
            PidNamespace = (ulong)dice.Below(4),
            Root = Root(dice),
        };
        var size = ProcessItems.Size(record, kinds) + ProcessItems.ExtensionSize(kinds);
        var room = new byte[size];
        var items = new ItemWriter(room);
        ProcessItems.Write(ref items, record, kinds, view, Overflow);
        ProcessItems.WriteExtensions(ref items, record, kinds);

        var expected = NaiveMetadata.Read(record, kinds, view, Overflow);
        byte[] chain = [.. expected.SelectMany(item => Frame.Item(item.Type, item.Payload))];
        Require(Convert.ToHexString(chain), Convert.ToHexString(room.AsSpan(0, items.Length)), $"what {view} is told");
        if (expected.Count == BitOperations.PopCount((ulong)kinds)) Require(size, items.Length, "size, with nothing kept back");
    }

    private static ProcessRecord Record(Dice dice) => new()
    {
        Kinds = dice.OneIn(2) ? AttachMask.Process : (AttachFlags)dice.Next() & AttachMask.Process,
        Creds = new TaskCreds(IdGrammar.Id(dice), IdGrammar.Id(dice), IdGrammar.Id(dice), IdGrammar.Id(dice), IdGrammar.Id(dice), IdGrammar.Id(dice), IdGrammar.Id(dice), IdGrammar.Id(dice)),
        Process = Numbers(dice),
        Thread = Numbers(dice),
        Parent = Numbers(dice),
        PidfsId = dice.Wild(),
        StartTime = dice.Wild(),
        Details = new ProcessDetails
        {
            AuxGroups = Enumerable.Range(0, dice.Below(5)).Select(_ => IdGrammar.Id(dice)).ToArray(),
            TidComm = Text(dice),
            PidComm = Text(dice),
            Exe = Text(dice),
            Root = Root(dice),
            Cmdline = Text(dice),
            Cgroup = Text(dice),
            Caps = new CapabilitySets((uint)dice.Below(64), dice.Next(), dice.Wild(), dice.Next(), dice.Wild()),
            UserNamespace = 1 + (ulong)dice.Below(2),
            Seclabel = Text(dice),
            AuditSession = (uint)dice.Wild(),
            LoginUid = IdGrammar.Id(dice),
        },
    };

    private static ulong GivenId(Dice dice) => IdGrammar.Id(dice) | (dice.OneIn(8) ? dice.Next() << 32 : 0);

    private static RootDirectory Root(Dice dice) => dice.OneIn(3) ? default : new RootDirectory((ulong)dice.Below(2), 1, (ulong)dice.Below(2));

    private static byte[] Text(Dice dice)
    {
        var text = dice.Bytes(dice.Below(dice.OneIn(9) ? 300 : 20));
        text.AsSpan().Replace((byte)0, (byte)'0');
        return text;
    }

    private static PidNumbers? Numbers(Dice dice)
    {
        if (dice.OneIn(5)) return null;
        var depth = 1 + dice.Below(3);
        return new PidNumbers([.. Enumerable.Range(1, depth).Select(level => (ulong)level)], [.. Enumerable.Range(1, depth).Select(_ => (uint)dice.Wild())]);
    }

    private static void Require<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual)) throw new FuzzFailure($"{what}: {actual} instead of {expected}");
    }
}
