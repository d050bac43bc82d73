using System.Runtime.InteropServices;
using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>
/// Everything that came into a domain, from its beginning, in order. Given to a fresh domain by an <see cref="InputPlayer"/>
/// it makes the same domain again. It can be written to a stream, a few bytes for each input, and read back.
/// </summary>
internal sealed class InputLog(DomainLimits limits)
{
    private const uint Magic = 0x676f6c6b; // "klog"

    private readonly List<Input> _inputs = [];

    public DomainLimits Limits { get; } = limits;

    public IReadOnlyList<Input> Inputs => _inputs;

    public void Add(Input input) => _inputs.Add(input);

    public void Save(Stream stream)
    {
        using var to = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true);
        to.Write(Magic);
        foreach (var limit in DomainLimits.Table) to.Write(limit.Get(Limits));
        to.Write(_inputs.Count);
        foreach (var input in _inputs) Write(to, input);
    }

    public static InputLog Load(Stream stream)
    {
        using var from = new BinaryReader(stream, System.Text.Encoding.UTF8, leaveOpen: true);
        if (from.ReadUInt32() != Magic) throw new InvalidDataException("Not a log of inputs.");
        var limits = DomainLimits.Table.Aggregate(new DomainLimits(), (set, limit) => limit.Set(set, from.ReadInt32()));
        var log = new InputLog(limits);
        for (var left = from.ReadInt32(); left > 0; left--) log.Add(Read(from));
        return log;
    }

    private static void Write(BinaryWriter to, Input input)
    {
        switch (input)
        {
            case Input.Open open:
                Begin(to, 'o', open.Handle);
                Number(to, open.Inode);
                Write(to, open.Caller);
                break;
            case Input.Close close:
                Begin(to, 'c', close.Handle);
                Write(to, close.Now);
                break;
            case Input.Undo undo:
                Begin(to, 'u', undo.Handle);
                Write(to, undo.Now);
                break;
            case Input.Execute execute:
                Begin(to, 'x', execute.Handle);
                Write(to, execute);
                break;
            case Input.Commit commit:
                Begin(to, 'm', commit.Request);
                Write(to, commit.Now);
                to.Write7BitEncodedInt((int)commit.Copied);
                break;
            case Input.HandedOut handed:
                Begin(to, 'h', handed.Request);
                to.Write(handed.Done);
                break;
            case Input.Interrupt interrupt:
                Begin(to, 'i', interrupt.Request);
                break;
            case Input.Cancel cancel:
                Begin(to, 'n', cancel.Request);
                break;
            case Input.Advance advance:
                Begin(to, 'a', 0);
                Write(to, advance.Now);
                break;
            case Input.Mask mask:
                Begin(to, 'k', (ulong)mask.Kinds);
                break;
            case Input.Exhaust exhaust:
                Begin(to, 'e', exhaust.Handle);
                to.Write(exhaust.IsExhausted);
                break;
            case Input.Scribble scribble:
                Begin(to, 's', scribble.Handle);
                to.Write(scribble.Value);
                break;
        }
    }

    private static Input Read(BinaryReader from)
    {
        var kind = (char)from.ReadByte();
        var number = Number(from);
        return kind switch
        {
            'o' => new Input.Open(number, Number(from), ReadCaller(from)),
            'c' => new Input.Close(number, ReadInstant(from)),
            'u' => new Input.Undo(number, ReadInstant(from)),
            'x' => ReadExecute(from, number),
            'm' => new Input.Commit(number, ReadInstant(from), (Errno)from.Read7BitEncodedInt()),
            'h' => new Input.HandedOut(number, from.ReadBoolean()),
            'i' => new Input.Interrupt(number),
            'n' => new Input.Cancel(number),
            'a' => new Input.Advance(ReadInstant(from)),
            'k' => new Input.Mask((AttachFlags)number),
            'e' => new Input.Exhaust(number, from.ReadBoolean()),
            's' => new Input.Scribble(number, from.ReadByte()),
            _ => throw new InvalidDataException($"No input begins with '{kind}'."),
        };
    }

    private static void Write(BinaryWriter to, Input.Execute execute)
    {
        Number(to, execute.Request);
        to.Write(execute.Ioctl);
        Write(to, execute.Caller);
        Write(to, execute.Now);
        Write(to, execute.Frame);
        Write(to, execute.Message);
        to.Write7BitEncodedInt((int)execute.Place);
        Write(to, execute.Payload);
        to.Write7BitEncodedInt((int)execute.CancelDescriptor);
        to.Write7BitEncodedInt(execute.Files.Length);
        foreach (var file in execute.Files) Write(to, file);
        Number(to, execute.Pidfd);
        to.Write(execute.TakesDescriptors);
        to.WriteRecord(execute.Process);
        to.WriteView(execute.View);
        to.WriteNamed(execute.Named);
        to.Write7BitEncodedInt(execute.PoolSize);
        to.Write(execute.IsPoolWritable);
        to.Write(execute.IsPoolExhausted);
        Number(to, execute.Random);
    }

    private static Input.Execute ReadExecute(BinaryReader from, ulong handle) =>
        new(handle, Number(from), from.ReadUInt32(), ReadCaller(from), ReadInstant(from), ReadBytes(from))
        {
            Message = ReadBytes(from),
            Place = (PayloadPlace)from.Read7BitEncodedInt(),
            Payload = ReadBytes(from),
            CancelDescriptor = (Errno)from.Read7BitEncodedInt(),
            Files = ReadFiles(from),
            Pidfd = Number(from),
            TakesDescriptors = from.ReadBoolean(),
            Process = from.ReadRecord(),
            View = from.ReadView(),
            Named = from.ReadNamed(),
            PoolSize = from.Read7BitEncodedInt(),
            IsPoolWritable = from.ReadBoolean(),
            IsPoolExhausted = from.ReadBoolean(),
            Random = Number(from),
        };

    private static void Write(BinaryWriter to, in SentFile file)
    {
        to.Write7BitEncodedInt((int)file.Found);
        Number(to, file.File);
        to.Write7BitEncodedInt((int)file.Kind);
        to.Write7BitEncodedInt(file.Seals);
        Number(to, file.Size);
    }

    private static SentFile[] ReadFiles(BinaryReader from)
    {
        var files = new SentFile[from.Read7BitEncodedInt()];
        for (var i = 0; i < files.Length; i++)
        {
            files[i] = new SentFile((Errno)from.Read7BitEncodedInt(), Number(from))
            {
                Kind = (SentFileKind)from.Read7BitEncodedInt(), Seals = from.Read7BitEncodedInt(), Size = Number(from),
            };
        }

        return files;
    }

    private static void Write(BinaryWriter to, in Caller caller)
    {
        Number(to, caller.Uid);
        Number(to, caller.Euid);
        Number(to, caller.Gid);
        Number(to, caller.Egid);
        to.Write(caller.CapIpcOwner);
        to.Write7BitEncodedInt(caller.Pid);
        Write(to, MemoryMarshal.AsBytes(caller.Groups.Span));
        to.WriteMaps(caller.Maps);
    }

    private static Caller ReadCaller(BinaryReader from) =>
        new((uint)Number(from), (uint)Number(from), (uint)Number(from), (uint)Number(from), from.ReadBoolean(), from.Read7BitEncodedInt())
        {
            Groups = MemoryMarshal.Cast<byte, uint>(ReadBytes(from)).ToArray(),
            Maps = from.ReadMaps(),
        };

    private static void Write(BinaryWriter to, Instant now)
    {
        Number(to, now.Monotonic);
        Number(to, now.Realtime);
    }

    private static Instant ReadInstant(BinaryReader from) => new(Number(from), Number(from));

    private static void Write(BinaryWriter to, ReadOnlySpan<byte> bytes)
    {
        to.Write7BitEncodedInt(bytes.Length);
        to.Write(bytes);
    }

    private static byte[] ReadBytes(BinaryReader from) => from.ReadBytes(from.Read7BitEncodedInt());

    private static void Begin(BinaryWriter to, char kind, ulong number)
    {
        to.Write((byte)kind);
        Number(to, number);
    }

    private static void Number(BinaryWriter to, ulong number) => to.Write7BitEncodedInt64((long)number);

    private static ulong Number(BinaryReader from) => (ulong)from.Read7BitEncodedInt64();
}
