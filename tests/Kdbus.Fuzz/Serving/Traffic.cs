using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Engine;
using Kdbus.Fuse.Wire;
using Kdbus.Fuzz.Grammar;
using Kdbus.Linux;

namespace Kdbus.Fuzz.Serving;

/// <summary>
/// What a few processes do with a domain, as requests of the kernel: look up, open, issue commands, be interrupted, close,
/// forget. It learns from the answers: ids, offsets, cookies; what is wrong with them the <see cref="Judge"/> says. All of it
/// runs under the gate of <see cref="ScriptedKernel"/>.
/// </summary>
internal sealed class Traffic(ScriptedKernel kernel, Dice dice, int requests, bool chaos)
{
    private const int MessageAt = 12 * FuzzProcess.Page;
    private const int LongestFrame = 9 * FuzzProcess.Page;
    private const int LongestMessage = 3 * FuzzProcess.Page;
    private const int RestartSys = -512;

    private static readonly byte[][] Names =
        [.. new[] { "control", "bus", "0-a", "1000-a", "1000-b", "1001-a", "1000-c", ".", "..", "nothing", ".status", "\u00e9" }.Select(Encoding.UTF8.GetBytes)];

    private static readonly byte[][] StatusNames =
        [.. new[] { "buses", "limits.json", "users", "connections", "matches.json", "names", "policy.json", "queues", "quota.json", "replies" }.Select(Encoding.UTF8.GetBytes)];

    private readonly Dictionary<ulong, Known> _nodes = new() { [FuseProtocol.RootId] = new Known { Kind = Kind.Root } };
    private readonly List<FuzzFile> _files = [];
    private readonly List<ulong> _peers = [];
    private readonly Judge _judge = new(what => kernel.Fault(what), isStrict: !chaos);
    private readonly Dictionary<FuzzFile, List<(ulong Source, ulong Cookie)>> _questions = [];
    private readonly Queue<Sent> _repeat = new();
    private int _left = requests;
    private ulong _lastUnique;

    private enum Kind
    {
        Root,
        Control,
        Bus,
        Endpoint,
        StatusDirectory,
        StatusFile,
    }

    /// <summary>Whose memory commands lie in.</summary>
    public FuzzCallers Callers { get; set; } = null!;

    /// <summary>The connection that a handle has become.</summary>
    public Func<ulong, Connection?> ConnectionOf { get; set; } = _ => null;

    /// <summary>The kinds of metadata that the domain lets through.</summary>
    public AttachFlags LetsThrough { set => _judge.LetsThrough = value; }

    /// <summary>What is wrong inside the daemon, or null.</summary>
    public Func<string?> Inspect { get; set; } = () => null;

    /// <summary>What the daemon does when it has time.</summary>
    public Action Idle { get; init; } = () => { };

    /// <summary>Connections there were.</summary>
    public HashSet<Connection> Connections { get; } = [];

    /// <summary>The next request, or null when there have been enough.</summary>
    public Sent? Next()
    {
        if (_lastUnique == 0) return Initialize();
        while (_left-- > 0)
        {
            if (Make() is not { } made) continue;
            // What was closed or forgotten here must be so there.
            var keeps = made.Opcode is FuseOpcode.Release or FuseOpcode.Forget or FuseOpcode.BatchForget;
            return chaos && !keeps && dice.OneIn(3) ? new ChaosGrammar(dice).Build(made, NextUnique()) : made;
        }

        return null;
    }

    /// <summary>What comes when everybody goes home: files are closed, nodes forgotten.</summary>
    public Sent? NextOfEnd()
    {
        if (_files.Count > 0) return Release(_files[^1]);
        _nodes.Remove(FuseProtocol.RootId);
        if (_nodes.Count == 0) return null;
        var (node, known) = _nodes.First();
        _nodes.Remove(node);
        return Simple(FuseOpcode.Forget, node, Struct(new FuseForgetIn { NLookup = known.Lookups }));
    }

    /// <summary>A signal for the caller of a request.</summary>
    public Sent Interrupt(ulong target)
    {
        if (kernel.Outstanding.FirstOrDefault(sent => sent.Unique == target) is { } interrupted) interrupted.IsInterrupted = true;
        return new Sent(Message(FuseOpcode.Interrupt, target | FuseProtocol.InterruptBit, 0, null, 0, Struct(new FuseInterruptIn { Unique = target })));
    }

    /// <summary>Takes an answer; false if the one who asked is gone.</summary>
    public bool Answered(Sent sent, int error, ReadOnlySpan<byte> answer)
    {
        if (_left > 0 && sent.Opcode != FuseOpcode.Init && dice.OneIn(400)) return false;
        if (sent.File != null) _judge.Answer(sent, error, error == 0 ? MemoryMarshal.Read<FuseIoctlOut>(answer).Result : 0);
        if (error != 0) return true;
        switch (sent.Opcode)
        {
            case FuseOpcode.Lookup:
                Found(sent, MemoryMarshal.Read<FuseEntryOut>(answer));
                break;
            case FuseOpcode.Open:
                var opened = MemoryMarshal.Read<FuseOpenOut>(answer);
                var node = MemoryMarshal.Read<FuseInHeader>(sent.Bytes).NodeId;
                var kind = _nodes.GetValueOrDefault(node)?.Kind;
                var isWritable = (sent.Arguments<FuseOpenIn>().Flags & 3) != 0;
                _files.Add(new FuzzFile(opened.Fh, node, kind is Kind.Control or Kind.StatusFile, kernel.BackingOf(opened.BackingId), isWritable)
                {
                    IsStatus = kind == Kind.StatusFile,
                });
                break;
            case FuseOpcode.Ioctl when sent.File != null:
                var result = MemoryMarshal.Read<FuseIoctlOut>(answer).Result;
                // What the answer carries, the kernel puts where the command is, or fails the call.
                if (sent.Process!.Write(sent.Argument, answer[16..]) < answer.Length - 16) break;
                if (result == RestartSys) _repeat.Enqueue(sent);
                if (result == -(int)Errno.ECONNRESET && (Command)sent.Command != Command.Send) sent.File.IsDead = true;
                if (result == 0) Done(sent, sent.File);
                break;
        }

        return true;
    }

    private static byte[] Struct<T>(in T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();

    private static byte[] Message(FuseOpcode opcode, ulong unique, ulong node, FuzzProcess? caller, int thread, ReadOnlySpan<byte> arguments)
    {
        var header = new FuseInHeader
        {
            Len = (uint)(FuseProtocol.InHeaderSize + arguments.Length),
            Opcode = opcode,
            Unique = unique,
            NodeId = node,
            Uid = caller?.Uid ?? 0,
            Gid = caller?.Uid ?? 0,
            Pid = (uint)(caller == null ? 0 : FuzzCallers.ThreadId(caller, thread)),
        };
        return [.. Struct(header), .. arguments];
    }

    private ulong NextUnique() => _lastUnique += 2;

    private Sent Initialize()
    {
        const FuseInitFlags offered = FuseInitFlags.InitExt | FuseInitFlags.BigWrites | FuseInitFlags.DoReadDirPlus | FuseInitFlags.ParallelDirOps
            | FuseInitFlags.AbortError | FuseInitFlags.MaxPages | FuseInitFlags.Passthrough | FuseInitFlags.HasResend;
        return Simple(FuseOpcode.Init, 0, Struct(new FuseInitIn
        {
            Major = FuseProtocol.Major, Minor = FuseProtocol.Minor, Flags = unchecked((uint)offered), Flags2 = (uint)((ulong)offered >> 32),
        }));
    }

    private Sent Simple(FuseOpcode opcode, ulong node, ReadOnlySpan<byte> arguments)
    {
        var caller = dice.Of(Callers.Processes);
        return new Sent(Message(opcode, NextUnique(), node, caller, FuzzProcess.Threads, arguments));
    }

    private Sent? Make()
    {
        if (_repeat.Count > 0 && dice.OneIn(2)) return Repeat(_repeat.Dequeue());
        return dice.Below(42) switch
        {
            40 => Scribble(),
            41 => Look(),
            < 4 => Lookup(),
            < 8 => Open(),
            < 27 => Ioctl(),
            < 31 => Poll(),
            < 33 => _files.Count > 12 || dice.OneIn(4) ? Close() : null,
            33 => Forget(),
            < 36 => kernel.Outstanding.Count > 0 ? Interrupt(dice.Of(kernel.Outstanding.Select(sent => sent.Unique).ToList())) : null,
            36 => Simple(FuseOpcode.GetAttr, dice.Of(_nodes.Keys.ToList()), Struct(new FuseGetAttrIn())),
            37 => Directory(),
            38 => _files.Count > 0 ? Read(dice.Of(_files)) : null,
            _ => Pause(),
        };
    }

    private Sent Lookup()
    {
        var intoStatus = dice.OneIn(10);
        var directories = _nodes.Where(node => node.Value.Kind is Kind.Root or Kind.Bus || (intoStatus && node.Value.Kind == Kind.StatusDirectory))
            .Select(node => node.Key).ToList();
        var directory = dice.Of(directories);
        var name = directory == FuseProtocol.RootId ? dice.Of(Names) : dice.OneIn(3) ? dice.Of(Names) : "bus"u8.ToArray();
        if (_nodes[directory].Kind == Kind.StatusDirectory) name = dice.Of(dice.OneIn(3) ? Names : StatusNames);
        return Simple(FuseOpcode.Lookup, directory, [.. name, 0]);
    }

    private Sent? Open()
    {
        if (_files.Count > 14) return null;
        var statuses = _nodes.Where(node => node.Value.Kind == Kind.StatusFile).Select(node => node.Key).ToList();
        if (statuses.Count > 0 && dice.OneIn(6) && !_files.Exists(file => file.IsStatus))
        {
            return Simple(FuseOpcode.Open, dice.Of(statuses), Struct(new FuseOpenIn()));
        }

        var files = _nodes.Where(node => node.Value.Kind is Kind.Control or Kind.Endpoint).Select(node => node.Key).ToList();
        return files.Count == 0 ? Lookup() : Simple(FuseOpcode.Open, dice.Of(files), Struct(new FuseOpenIn { Flags = dice.OneIn(2) ? 2u : 0u }));
    }

    private Sent? Poll()
    {
        if (_files.Count == 0) return null;
        var file = dice.Of(_files);
        return Simple(FuseOpcode.Poll, file.Node, Struct(new FusePollIn
        {
            Fh = file.Handle, Kh = file.Handle, Flags = dice.OneIn(2) ? FusePollFlags.ScheduleNotify : FusePollFlags.None, Events = 5,
        }));
    }

    private Sent? Close()
    {
        var idle = _files.Where(file => file.Calls == 0).ToList();
        var dead = idle.Where(file => file.IsDead).ToList();
        if (dead.Count > 0) return Release(dice.Of(dead));
        // A bus is kept for a while, or nothing would ever happen on it.
        var chosen = idle.Count == 0 ? null : dice.Of(idle);
        return chosen == null || (chosen.Role == Command.BusMake && !dice.OneIn(40)) ? null : Release(chosen);
    }

    private Sent Release(FuzzFile file)
    {
        _files.Remove(file);
        if (dice.OneIn(2)) _peers.Remove(file.Id);
        _questions.Remove(file);
        return new Sent(Message(FuseOpcode.Release, NextUnique(), file.Node, null, 0, Struct(new FuseReleaseIn { Fh = file.Handle })));
    }

    private Sent? Forget()
    {
        // What is being opened is not forgotten meanwhile.
        var opening = kernel.Outstanding.Where(sent => sent.Opcode == FuseOpcode.Open).Select(sent => MemoryMarshal.Read<FuseInHeader>(sent.Bytes).NodeId).ToHashSet();
        var unused = _nodes.Where(node => node.Value.Kind != Kind.Root && !opening.Contains(node.Key) && _files.TrueForAll(file => file.Node != node.Key)).ToList();
        if (unused.Count == 0) return null;
        var (node, known) = dice.Of(unused);
        var count = 1 + (ulong)dice.Below((int)known.Lookups);
        known.Lookups -= count;
        if (known.Lookups == 0) _nodes.Remove(node);
        return dice.OneIn(2)
            ? Simple(FuseOpcode.Forget, node, Struct(new FuseForgetIn { NLookup = count }))
            : Simple(FuseOpcode.BatchForget, 0, [.. Struct(new FuseBatchForgetIn { Count = 1 }), .. Struct(new FuseForgetOne { NodeId = node, NLookup = count })]);
    }

    private Sent Directory()
    {
        var directory = dice.Of(_nodes.Where(node => node.Value.Kind is Kind.Root or Kind.Bus or Kind.StatusDirectory).Select(node => node.Key).ToList());
        return dice.Below(4) switch
        {
            0 => Simple(FuseOpcode.OpenDir, directory, Struct(new FuseOpenIn())),
            1 => Simple(FuseOpcode.StatFs, directory, []),
            _ => Simple(
                dice.Of(FuseOpcode.ReadDir, FuseOpcode.ReadDirPlus),
                directory,
                Struct(new FuseReadIn { Size = (uint)dice.Below(5000), Offset = dice.OneIn(3) ? dice.Wild() : (ulong)dice.Below(8) })),
        };
    }

    private Sent Read(FuzzFile file) => Simple(
        FuseOpcode.Read,
        file.Node,
        Struct(new FuseReadIn { Fh = file.Handle, Size = (uint)dice.Below(70_000), Offset = dice.OneIn(3) ? dice.Wild() : (ulong)dice.Below(70_000) }));

    private Sent? Pause()
    {
        if (dice.OneIn(4)) Thread.Sleep(1); // deadlines pass
        if (dice.OneIn(4)) Idle();
        if (dice.OneIn(4)) Callers.Switch();
        return null;
    }

    /// <summary>
    /// The owner of a pool that he may write to does so, wherever he likes: mostly an activator, from whose pool messages move on.
    /// </summary>
    private Sent? Scribble()
    {
        var writable = _files.Where(file => file is { IsWritable: true, Backing: >= 0, PoolSize: > 0 }).ToList();
        var activators = writable.FindAll(file => file.Kind.HasFlag(HelloFlags.Activator));
        if (writable.Count == 0 || (activators.Count == 0 && !dice.OneIn(20))) return null;
        var file = dice.Of(activators.Count > 0 ? activators : writable);
        file.IsScribbled = true;
        var junk = new byte[Math.Min(file.PoolSize, 65536)];
        Array.Fill(junk, (byte)dice.Wild());
        FileDescriptor.Pwrite(file.Backing, junk, 0);
        return null;
    }

    private Sent? Look()
    {
        if (dice.OneIn(4) && Inspect() is { } wrong) kernel.Fault(wrong);
        return null;
    }

    private Sent? Ioctl()
    {
        if (_files.Count == 0) return Open();
        var living = _files.Where(each => each is { Role: Command.Hello, IsDead: false } or { Role: 0, IsControl: false }).ToList();
        var file = living.Count > 0 && !dice.OneIn(8) ? dice.Of(living) : dice.Of(_files);
        var process = dice.Of(Callers.Processes);
        if (file.IsControl && !dice.OneIn(4)) process = Callers.Processes[1];
        var thread = FreeThread(process);
        if (thread < 0) return null;

        process.Clear(thread);
        var command = CommandGrammar.Choose(dice, file);
        var frame = CommandGrammar.Build(dice, command, file, process, _peers);
        var broken = dice.OneIn(6);
        List<ulong> frees = [];
        var messages = CommandLayout.IsExchange(command) ? Carry(file, process, ref frame, broken, frees) : LayOutMessage(file, process, thread, frame, command, broken);
        var isDamaged = (broken && dice.OneIn(2)) || frame.Length > LongestFrame;
        if (isDamaged) frame = Damage.Do(dice, frame);
        if (frame.Length > LongestFrame) frame = frame[..LongestFrame];

        var offset = dice.OneIn(4) ? FuzzProcess.Page - (8 * dice.Below(20)) : 8 * dice.Below(64);
        var argument = FuzzProcess.PieceOf(thread) + (ulong)offset + (ulong)(dice.OneIn(60) ? dice.Below(8) : 0);
        process.Write(argument, frame);
        process.Protect(thread, dice.OneIn(12) ? dice.Below(FuzzProcess.PieceSize / FuzzProcess.Page) : -1);
        return Issue(file, process, thread, command, argument, messages, isDamaged ? [] : frees, frame, isDamaged);
    }

    /// <summary>The kernel copies what the command's number says, and fails the call itself where it cannot.</summary>
    private Sent? Issue(
        FuzzFile file, FuzzProcess process, int thread, uint command, ulong argument, List<SentMessage> messages, List<ulong> frees, byte[]? frame, bool isDamaged)
    {
        var size = (int)((command >> 16) & 0x3fff);
        var input = new byte[(command & 0x4000_0000) != 0 ? size : 0];
        if (process.Read(argument, input) < input.Length) return null;

        var declared = new byte[16]; // size and flags
        process.Read(argument, declared);
        var arguments = new FuseIoctlIn
        {
            Fh = file.Handle, Cmd = command, Arg = argument, InSize = (uint)input.Length, OutSize = (command & 0x8000_0000) != 0 ? (uint)size : 0,
        };
        var sent = new Sent(Message(FuseOpcode.Ioctl, NextUnique(), file.Node, process, thread, [.. Struct(arguments), .. input]))
        {
            Process = process,
            Thread = thread,
            File = file,
            Command = command,
            Argument = argument,
            Negotiates = (BitConverter.ToUInt64(declared, 8) & Constants.FlagNegotiate) != 0,
            CommandSize = (int)Math.Min(BitConverter.ToUInt64(declared), Limits.CmdMaxSize),
            Messages = messages,
            Frees = frees,
        };
        _judge.Issue(sent, frame, isDamaged);
        return sent;
    }

    /// <summary>The call is made again, by the same thread, with what lies there.</summary>
    private Sent? Repeat(Sent sent)
    {
        if (!_files.Contains(sent.File!) || kernel.Outstanding.Any(other => other.Process == sent.Process && other.Thread == sent.Thread)) return null;
        return Issue(sent.File!, sent.Process!, sent.Thread, sent.Command, sent.Argument, messages: [], frees: [.. sent.Frees], frame: null, isDamaged: false);
    }

    private List<SentMessage> LayOutMessage(FuzzFile file, FuzzProcess process, int thread, byte[] frame, uint command, bool broken)
    {
        if ((Command)command != Command.Send || frame.Length < 56) return [];
        ref var send = ref Frame.As<KdbusCmdSend>(frame);
        var synchronous = dice.OneIn(3);
        if (synchronous) send.Flags |= (ulong)SendFlags.SyncReply;

        var message = NewMessage(file, process, synchronous, broken, out var bytes);
        var address = FuzzProcess.PieceOf(thread) + MessageAt + (ulong)(8 * dice.Below(64));
        process.Write(address, bytes);
        send.MsgAddress = dice.OneIn(60) ? dice.Wild() : address;
        return [message];
    }

    /// <summary>Puts messages behind an EXCHANGE, and says what it gives back.</summary>
    private List<SentMessage> Carry(FuzzFile file, FuzzProcess process, ref byte[] frame, bool broken, List<ulong> frees)
    {
        List<SentMessage> carried = [];
        List<byte> all = [.. frame];
        var flags = (ExchangeFlags)Frame.As<KdbusCmdExchange>(frame).Flags;
        // Damage could make messages of others that nobody knows.
        var synchronous = flags == ExchangeFlags.None && !broken && dice.OneIn(3);
        var count = synchronous ? 1 : broken || dice.OneIn(3) ? 0 : 1 + dice.Below(4);
        var items = new ItemReader(frame.AsSpan(80));
        while (items.TryRead(out var item))
        {
            if (item.Type == ItemType.Free) frees.AddRange(MemoryMarshal.Cast<byte, ulong>(item.Payload));
        }

        for (var i = 0; i < count; i++)
        {
            carried.Add(NewMessage(file, process, synchronous, broken, out var bytes));
            while (all.Count % 8 != 0) all.Add(0);
            all.AddRange(bytes);
        }

        var size = frame.Length;
        frame = [.. all];
        ref var exchange = ref Frame.As<KdbusCmdExchange>(frame);
        if (synchronous) exchange.Flags |= (ulong)ExchangeFlags.SyncReply;
        exchange.MsgsSize = (ulong)(frame.Length - size);
        if (carried.Count > 0) exchange.MsgsSize -= (ulong)(Item.Align8(size) - size);
        if (dice.OneIn(40)) exchange.MsgsSize = dice.Wild();
        return carried;
    }

    private SentMessage NewMessage(FuzzFile file, FuzzProcess process, bool synchronous, bool broken, out byte[] message)
    {
        var receivers = _files.Where(each => each is { Role: Command.Hello, IsDead: false, Kind: HelloFlags.None or HelloFlags.AcceptFd }).Select(each => each.Id).ToList();
        var setting = new MessageSetting(
            dice.OneIn(5) ? _peers : receivers, [], (ulong)Clock.MonotonicNanoseconds, FuzzProcess.PayloadStart, FuzzProcess.PayloadSize, process.PayloadAt);
        if (_questions.TryGetValue(file, out var questions) && questions.Count > 0 && dice.OneIn(2))
        {
            var question = dice.Of(questions);
            setting = setting with { Peers = [question.Source], Cookies = [question.Cookie] };
        }

        var cookie = dice.Next() | 1; // far from all others, so that damage cannot make one of another
        message = MessageGrammar.Build(dice, setting, cookie, synchronous, out var payload);
        if (broken) message = Damage.Do(dice, message);
        if (message.Length > LongestMessage) message = message[..LongestMessage];
        return new SentMessage(file, process, message, payload, broken);
    }

    private int FreeThread(FuzzProcess process)
    {
        for (var thread = 0; thread < FuzzProcess.Threads; thread++)
        {
            var number = thread;
            if (!kernel.Outstanding.Any(sent => sent.Process == process && sent.Thread == number)
                && !_repeat.Any(sent => sent.Process == process && sent.Thread == number))
            {
                return thread;
            }
        }

        return -1;
    }

    private void Found(Sent sent, in FuseEntryOut entry)
    {
        if (!_nodes.TryGetValue(entry.NodeId, out var known))
        {
            var parent = _nodes.GetValueOrDefault(MemoryMarshal.Read<FuseInHeader>(sent.Bytes).NodeId)?.Kind;
            var isDirectory = (entry.Attr.Mode & 0xf000) == 0x4000;
            var isStatus = entry.Attr.Ino > uint.MaxValue;
            var kind = isStatus ? isDirectory ? Kind.StatusDirectory : Kind.StatusFile
                : isDirectory ? Kind.Bus
                : parent == Kind.Root ? Kind.Control
                : Kind.Endpoint;
            _nodes[entry.NodeId] = known = new Known { Kind = kind };
        }

        known.Lookups++;
    }

    private void Done(Sent sent, FuzzFile file)
    {
        var frame = new byte[96];
        var fixedSize = CommandLayout.Of(sent.Command)?.FixedSize ?? 0;
        if (sent.Process!.Read(sent.Argument, frame.AsSpan(0, fixedSize)) < fixedSize) return;
        if (sent.Negotiates) return;
        switch (CommandLayout.Of(sent.Command)?.Command)
        {
            case Command.Exchange:
                Exchanged(sent, file, Frame.As<KdbusCmdExchange>(frame));
                break;
            case Command.Hello when ConnectionOf(file.Handle) is { } connection:
                var hello = Frame.As<KdbusCmdHello>(frame);
                (file.Role, file.Kind, file.Id, file.PoolSize) = (Command.Hello, (HelloFlags)hello.Flags, hello.Id, hello.PoolSize);
                file.Slices.Add(hello.Offset);
                _peers.Add(hello.Id);
                if (_peers.Count > 16) _peers.RemoveAt(0);
                Connections.Add(connection);
                break;
            case Command.BusMake or Command.EndpointMake:
                file.Role = (Command)sent.Command;
                break;
            case Command.Free:
                file.Slices.Remove(Frame.As<KdbusCmdFree>(frame).Offset);
                break;
            case Command.List:
                Told(file, Frame.As<KdbusCmdList>(frame).Offset);
                break;
            case Command.ConnInfo or Command.BusCreatorInfo:
                var info = Frame.As<KdbusCmdInfo>(frame);
                Told(file, info.Offset);
                Answered(file, (Command)sent.Command, info);
                break;
            case Command.Recv:
                var recv = Frame.As<KdbusCmdRecv>(frame);
                var flags = (RecvFlags)recv.Flags;
                Received(file, recv.Msg, sent, isFinal: !flags.HasFlag(RecvFlags.Peek), isFirst: flags == RecvFlags.None);
                break;
            case Command.Send:
                Received(file, Frame.As<KdbusCmdSend>(frame).Reply, sent, isFinal: true, isFirst: false);
                break;
        }
    }

    private void Exchanged(Sent sent, FuzzFile file, in KdbusCmdExchange exchange)
    {
        foreach (var freed in sent.Frees) file.Slices.Remove(freed);
        if (chaos) return;
        var records = new byte[Math.Min(exchange.MsgsSize, 16384)];
        if (sent.Process!.Read(sent.Argument + 80, records) < records.Length) return;
        var at = 0;
        for (var i = 0; i < exchange.Received; i++)
        {
            if (records.Length - at < Marshal.SizeOf<KdbusMsgInfo>())
            {
                kernel.Fault($"{exchange.Received} messages received in {exchange.MsgsSize} bytes.");
                return;
            }

            var info = MemoryMarshal.Read<KdbusMsgInfo>(records.AsSpan(at));
            at += Marshal.SizeOf<KdbusMsgInfo>();
            if (info.Offset != Constants.OffsetInline)
            {
                if (exchange.Received != 1) kernel.Fault("A message that stayed in the pool was not alone.");
                Received(file, info, sent, isFinal: true, isFirst: false);
            }
            else if (info.MsgSize > (ulong)(records.Length - at))
            {
                kernel.Fault($"A message of {info.MsgSize} bytes in {records.Length - at} bytes.");
                return;
            }
            else
            {
                if (!file.IsScribbled) Read(file, records.AsSpan(at, (int)info.MsgSize), sent, isFinal: true, isFirst: false);
                at += (int)info.MsgSize;
            }
        }

        if ((ulong)at != exchange.MsgsSize) kernel.Fault($"{exchange.MsgsSize} bytes of records, of which {at} are used.");
    }

    private void Told(FuzzFile file, ulong offset)
    {
        if (offset < file.PoolSize) file.Slices.Add(offset);
    }

    private void Answered(FuzzFile file, Command command, in KdbusCmdInfo info)
    {
        if (file.Backing < 0 || file.IsScribbled || chaos) return;
        var record = new byte[Math.Min(info.InfoSize, file.PoolSize)];
        if (info.InfoSize > file.PoolSize - info.Offset || FileDescriptor.Pread(file.Backing, record, (long)info.Offset) != record.Length)
        {
            kernel.Fault($"An answer at {info.Offset}, {info.InfoSize} bytes, is not in the pool of {file.PoolSize}.");
            return;
        }

        var asked = info.AttachFlags == ulong.MaxValue ? AttachFlags.All : (AttachFlags)info.AttachFlags;
        _judge.Told(asked, aboutBus: command == Command.BusCreatorInfo, record);
    }

    /// <summary>A message lies in the pool: who knows it can answer it.</summary>
    private void Received(FuzzFile file, KdbusMsgInfo info, Sent by, bool isFinal, bool isFirst)
    {
        if (info.MsgSize == 0 || info.Offset >= file.PoolSize) return;
        // One that was seen by PEEK may have been freed by another thread, while this one was stuck.
        var seen = file.Slices.Contains(info.Offset);
        if (!seen) file.Slices.Add(info.Offset);
        if (seen || file.Backing < 0 || file.IsScribbled) return;

        var slice = new byte[Math.Min(info.MsgSize, file.PoolSize)];
        if (info.MsgSize > file.PoolSize - info.Offset || FileDescriptor.Pread(file.Backing, slice, (long)info.Offset) != slice.Length)
        {
            kernel.Fault($"A message at {info.Offset}, {info.MsgSize} bytes, is not in the pool of {file.PoolSize}.");
            return;
        }

        Read(file, slice, by, isFinal, isFirst);
    }

    private void Read(FuzzFile file, ReadOnlySpan<byte> slice, Sent by, bool isFinal, bool isFirst)
    {
        var header = MemoryMarshal.Read<KdbusMsg>(slice);
        if (header.SrcId != 0 && (header.Flags & (ulong)MessageFlags.ExpectReply) != 0)
        {
            if (!_questions.TryGetValue(file, out var questions)) _questions[file] = questions = [];
            questions.Add((header.SrcId, header.Cookie));
        }

        _judge.Receive(file, slice, by, isFinal, isFirst);
    }

    private sealed class Known
    {
        public Kind Kind { get; init; }

        public ulong Lookups { get; set; }
    }
}
