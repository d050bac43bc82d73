using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests.Infrastructure;

/// <summary>What the kernel got for a request.</summary>
public sealed record Answer(int Error, byte[] Body)
{
    public T As<T>(int offset = 0)
        where T : unmanaged => MemoryMarshal.Read<T>(Body.AsSpan(offset));
}

/// <summary>A message without a request.</summary>
public sealed record Notification(FuseNotifyCode Code, byte[] Body);

/// <summary>
/// The kernel's side of /dev/fuse, as far as its behaviour can be seen from there: answers are checked as strictly as the kernel checks them, each request
/// takes exactly one, an INTERRUPT answered EAGAIN comes again only while its request is unanswered.
/// </summary>
public sealed class FakeKernel : IFuseChannel
{
    public const int ENOENT = 2;
    public const int EAGAIN = 11;
    public const int EINVAL = 22;
    public const int ENODEV = 19;
    public const int ENOSYS = 38;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly object _gate = new();
    private readonly Queue<byte[]> _pending = new();
    private readonly Queue<byte[]> _interrupts = new();
    private readonly HashSet<ulong> _delivered = [];
    private readonly HashSet<ulong> _interruptWhenDelivered = [];
    private readonly Dictionary<ulong, (int Least, int Most)> _unanswered = [];
    private readonly Dictionary<ulong, Answer> _answers = [];
    private readonly List<Notification> _notifications = [];
    private ulong _next = 2;
    private int _end;
    private int _readers;

    /// <summary>Called for each request just before Read returns it, on the reader's thread.</summary>
    public Action<FuseInHeader>? BeforeDelivery { get; set; }

    /// <summary>Called at the start of each Write.</summary>
    public Action<FuseOutHeader>? BeforeWrite { get; set; }

    /// <summary>What the kernel did not accept, with the reason.</summary>
    public List<string> Refusals { get; } = [];

    public int WakeResult { get; set; }

    /// <summary>More than one thread was in Read at the same time.</summary>
    public bool SawTwoReaders { get; private set; }

    public int Answered
    {
        get
        {
            lock (_gate)
                return _answers.Count;
        }
    }

    public int Unanswered
    {
        get
        {
            lock (_gate)
                return _unanswered.Count;
        }
    }

    public List<Notification> Notifications
    {
        get
        {
            lock (_gate)
                return [.. _notifications];
        }
    }

    public bool HasRequest
    {
        get
        {
            lock (_gate)
                return _interrupts.Count > 0 || _pending.Count > 0;
        }
    }

    public nint Read(Span<byte> buffer)
    {
        byte[] message;
        lock (_gate)
        {
            if (++_readers > 1)
                SawTwoReaders = true;
            Monitor.PulseAll(_gate);
            while (_interrupts.Count == 0 && _pending.Count == 0 && _end == 0)
                Monitor.Wait(_gate);
            _readers--;
            if (_interrupts.Count > 0)
                message = _interrupts.Dequeue();
            else if (_pending.Count > 0)
                message = Deliver();
            else
                return -_end;
        }
        if (buffer.Length < message.Length)
            return -EINVAL;
        message.CopyTo(buffer);
        if (message.Length >= FuseProtocol.InHeaderSize)
            BeforeDelivery?.Invoke(MemoryMarshal.Read<FuseInHeader>(message));
        return message.Length;
    }

    public nint Write(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body)
    {
        byte[] message = [.. header, .. body];
        if (message.Length < FuseProtocol.OutHeaderSize)
            return Refuse("shorter than a header");
        FuseOutHeader answer = MemoryMarshal.Read<FuseOutHeader>(message);
        BeforeWrite?.Invoke(answer);
        byte[] rest = message[FuseProtocol.OutHeaderSize..];
        lock (_gate)
        {
            if (answer.Len != message.Length)
                return Refuse($"{message.Length} bytes that say they are {answer.Len}");
            if (answer.Unique == 0)
            {
                _notifications.Add(new Notification((FuseNotifyCode)answer.Error, rest));
                Monitor.PulseAll(_gate);
                return message.Length;
            }
            if (answer.Error is <= -512 or > 0)
                return Refuse($"error {answer.Error}");
            if ((answer.Unique & FuseProtocol.InterruptBit) != 0 && !_unanswered.ContainsKey(answer.Unique))
                return TakeInterruptAnswer(answer, message.Length);
            if (!_unanswered.TryGetValue(answer.Unique, out (int Least, int Most) size))
                return -ENOENT;
            if (answer.Error != 0 && rest.Length != 0)
                return Refuse("an error with a body");
            if (answer.Error == 0 && (rest.Length < size.Least || rest.Length > size.Most))
                return Refuse($"a body of {rest.Length} bytes, not {size.Least} to {size.Most}");
            _unanswered.Remove(answer.Unique);
            _answers.Add(answer.Unique, new Answer(answer.Error, rest));
            Monitor.PulseAll(_gate);
            return message.Length;
        }
    }

    public int Wake()
    {
        if (WakeResult == 0)
            SubmitRaw(Message(FuseOpcode.NotifyReply, 0, 1, []));
        return WakeResult;
    }

    public int BackingOpen(int fd) => fd;

    public int BackingClose(int backingId) => 0;

    /// <summary>Reads return this error when nothing is pending any more.</summary>
    public void End(int errno = ENODEV)
    {
        lock (_gate)
        {
            _end = errno;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The caller of a request gets a signal. As in the kernel, a request that was not read yet is not interrupted before it is.</summary>
    public void Interrupt(ulong target)
    {
        lock (_gate)
        {
            if (_delivered.Contains(target))
                _interrupts.Enqueue(InterruptMessage(target));
            else
                _interruptWhenDelivered.Add(target);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until a reader waits for a request.</summary>
    public void WaitForReader()
    {
        lock (_gate)
            WaitFor(() => _readers > 0 && _pending.Count == 0 && _interrupts.Count == 0, () => "nobody reads");
    }

    /// <summary>A request that was read by a server that is gone.</summary>
    public ulong Orphan()
    {
        lock (_gate)
        {
            ulong unique = _next;
            _next += 2;
            _unanswered.Add(unique, (0, 0));
            _delivered.Add(unique);
            return unique;
        }
    }

    public ulong Submit(FuseOpcode opcode, ReadOnlySpan<byte> arguments = default, ulong node = 1, uint uid = 1000, uint gid = 100, uint pid = 4711) =>
        SubmitMany([(opcode, arguments.ToArray())], node, uid, gid, pid)[0];

    public ulong Submit<T>(FuseOpcode opcode, in T arguments, ReadOnlySpan<byte> more = default, ulong node = 1)
        where T : unmanaged => Submit(opcode, [.. MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in arguments)), .. more], node);

    /// <summary>Several requests that are all there before the first can be read.</summary>
    public ulong[] SubmitMany(IReadOnlyList<(FuseOpcode Opcode, byte[] Arguments)> requests, ulong node = 1, uint uid = 1000, uint gid = 100, uint pid = 4711)
    {
        var uniques = new ulong[requests.Count];
        lock (_gate)
        {
            for (int i = 0; i < requests.Count; i++)
            {
                (FuseOpcode opcode, byte[] arguments) = requests[i];
                ulong unique = _next;
                _next += 2;
                uniques[i] = unique;
                byte[] message = Message(opcode, unique, node, arguments, uid, gid, pid);
                if (opcode is not (FuseOpcode.Forget or FuseOpcode.BatchForget or FuseOpcode.NotifyReply or FuseOpcode.Interrupt))
                    _unanswered.Add(unique, AnswerSize(opcode, arguments));
                _pending.Enqueue(message);
            }
            Monitor.PulseAll(_gate);
        }
        return uniques;
    }

    /// <summary>Bytes that need not be a request. If they have the number of one that wants an answer, it is awaited.</summary>
    public void SubmitRaw(byte[] message, ulong? awaitAnswerTo = null)
    {
        lock (_gate)
        {
            if (awaitAnswerTo is { } unique)
                _unanswered[unique] = (0, int.MaxValue);
            _pending.Enqueue(message);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>A number for <see cref="SubmitRaw"/>.</summary>
    public ulong NextUnique()
    {
        lock (_gate)
        {
            ulong unique = _next;
            _next += 2;
            return unique;
        }
    }

    public bool IsAnswered(ulong unique)
    {
        lock (_gate)
            return _answers.ContainsKey(unique);
    }

    public Answer Wait(ulong unique)
    {
        lock (_gate)
        {
            Answer? answer;
            WaitFor(() => _answers.ContainsKey(unique), () => $"request {unique} is not answered");
            answer = _answers[unique];
            return answer;
        }
    }

    public Notification WaitNotification(FuseNotifyCode code)
    {
        lock (_gate)
        {
            WaitFor(() => _notifications.Exists(n => n.Code == code), () => $"there is no notification {code}");
            return _notifications.First(n => n.Code == code);
        }
    }

    public static byte[] Message(
        FuseOpcode opcode, ulong unique, ulong node, ReadOnlySpan<byte> arguments, uint uid = 1000, uint gid = 100, uint pid = 4711)
    {
        var header = new FuseInHeader
        {
            Len = (uint)(FuseProtocol.InHeaderSize + arguments.Length),
            Opcode = opcode,
            Unique = unique,
            NodeId = node,
            Uid = uid,
            Gid = gid,
            Pid = pid,
        };
        return [.. MemoryMarshal.AsBytes(new ReadOnlySpan<FuseInHeader>(in header)), .. arguments];
    }

    private static byte[] InterruptMessage(ulong target)
    {
        var body = new FuseInterruptIn { Unique = target };
        return Message(FuseOpcode.Interrupt, target | FuseProtocol.InterruptBit, 0, MemoryMarshal.AsBytes(new ReadOnlySpan<FuseInterruptIn>(in body)), 0, 0, 0);
    }

    /// <summary>Least and most bytes behind the header of a successful answer.</summary>
    private static (int Least, int Most) AnswerSize(FuseOpcode opcode, ReadOnlySpan<byte> arguments)
    {
        switch (opcode)
        {
            case FuseOpcode.Init:
                return (8, 64);
            case FuseOpcode.Lookup or FuseOpcode.MkNod:
                return (Unsafe.SizeOf<FuseEntryOut>(), Unsafe.SizeOf<FuseEntryOut>());
            case FuseOpcode.GetAttr or FuseOpcode.SetAttr:
                return (Unsafe.SizeOf<FuseAttrOut>(), Unsafe.SizeOf<FuseAttrOut>());
            case FuseOpcode.StatFs:
                return (Unsafe.SizeOf<FuseKStatFs>(), Unsafe.SizeOf<FuseKStatFs>());
            case FuseOpcode.Open or FuseOpcode.OpenDir:
                return (Unsafe.SizeOf<FuseOpenOut>(), Unsafe.SizeOf<FuseOpenOut>());
            case FuseOpcode.Read or FuseOpcode.ReadDir or FuseOpcode.ReadDirPlus:
                return (0, MemoryMarshal.TryRead(arguments, out FuseReadIn read) ? (int)read.Size : 0);
            case FuseOpcode.Write:
                return (Unsafe.SizeOf<FuseWriteOut>(), Unsafe.SizeOf<FuseWriteOut>());
            case FuseOpcode.Ioctl:
                return (Unsafe.SizeOf<FuseIoctlOut>(), Unsafe.SizeOf<FuseIoctlOut>()
                    + (MemoryMarshal.TryRead(arguments, out FuseIoctlIn ioctl) ? (int)ioctl.OutSize : 0));
            case FuseOpcode.Poll:
                return (Unsafe.SizeOf<FusePollOut>(), Unsafe.SizeOf<FusePollOut>());
            case FuseOpcode.LSeek:
                return (Unsafe.SizeOf<FuseLSeekOut>(), Unsafe.SizeOf<FuseLSeekOut>());
            default:
                return (0, 0);
        }
    }

    private byte[] Deliver()
    {
        byte[] message = _pending.Dequeue();
        if (MemoryMarshal.TryRead(message, out FuseInHeader header) && _delivered.Add(header.Unique) && _interruptWhenDelivered.Remove(header.Unique))
            _interrupts.Enqueue(InterruptMessage(header.Unique));
        return message;
    }

    private nint TakeInterruptAnswer(FuseOutHeader answer, int length)
    {
        ulong target = answer.Unique & ~FuseProtocol.InterruptBit;
        if (!_unanswered.ContainsKey(target))
            return -ENOENT;
        if (answer.Error == -EAGAIN)
        {
            _interrupts.Enqueue(InterruptMessage(target));
            Monitor.PulseAll(_gate);
        }
        return length;
    }

    private nint Refuse(string why)
    {
        lock (_gate)
            Refusals.Add(why);
        return -EINVAL;
    }

    private void WaitFor(Func<bool> condition, Func<string> complaint)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            TimeSpan left = s_patience - watch.Elapsed;
            if (left <= TimeSpan.Zero || !Monitor.Wait(_gate, left) && !condition())
                throw new TimeoutException($"After {watch.Elapsed.TotalSeconds:F0} s {complaint()}.");
        }
    }
}
