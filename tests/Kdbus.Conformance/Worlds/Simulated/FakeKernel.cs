using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Fuse;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;
using Errno = Kdbus.Abi.Errno;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>
/// The kernel's end of a FUSE connection: the queue the daemon reads from, the requests it has not answered, and what it says unasked. It
/// checks each answer as the kernel does and keeps what it finds wrong, for the end of the test. Nothing is cached, so the daemon
/// is asked about everything each time.
/// </summary>
internal sealed class FakeKernel : IFuseChannel, IDisposable
{
    private const ulong OfferedFlags = (ulong)(
        FuseInitFlags.InitExt | FuseInitFlags.BigWrites | FuseInitFlags.HasIoctlDir | FuseInitFlags.DoReadDirPlus | FuseInitFlags.ReadDirPlusAuto
        | FuseInitFlags.ParallelDirOps | FuseInitFlags.AbortError | FuseInitFlags.MaxPages | FuseInitFlags.ExplicitInvalData
        | FuseInitFlags.HasExpireOnly | FuseInitFlags.Passthrough | FuseInitFlags.NoExportSupport | FuseInitFlags.HasResend);

    private readonly object _gate = new();
    private readonly LinkedList<FakeRequest> _pending = [];
    private readonly LinkedList<FakeRequest> _interrupts = [];
    private readonly Queue<(ulong Node, ulong Lookups)> _forgets = [];
    private readonly Dictionary<ulong, FakeRequest> _sent = [];
    private readonly Dictionary<ulong, WeakReference<FakeFile>> _polled = [];
    private readonly Dictionary<int, BackingFile> _backings = [];
    private readonly ConcurrentBag<BackingFile> _everyBacking = [];
    private readonly List<string> _faults = [];
    private ulong _lastUnique;
    private int _lastBacking;
    private bool _unmounted;
    private bool _woken;

    /// <summary>Whether its processes send and receive by EXCHANGE.</summary>
    public bool ByExchange { get; init; }

    /// <summary>What the daemon did that the kernel would not have taken from it.</summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (_gate)
                return [.. _faults];
        }
    }

    /// <summary>INIT, which the kernel sends with the mount.</summary>
    public FakeRequest Mount()
    {
        FuseInitIn offer = new()
        {
            Major = FuseProtocol.Major,
            Minor = FuseProtocol.Minor,
            MaxReadahead = 128 * 1024,
            Flags = unchecked((uint)OfferedFlags),
            Flags2 = (uint)(OfferedFlags >> 32),
        };
        return Post(FuseOpcode.Init, 0, null, Bytes(offer));
    }

    /// <summary>The last unmount: what is queued is still read, then the daemon is told.</summary>
    public void Unmount()
    {
        lock (_gate)
        {
            _unmounted = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>A request whose caller waits for the answer, and is interrupted by signals meanwhile.</summary>
    public FakeRequest Call(FakeTask caller, FuseOpcode opcode, ulong node, ReadOnlySpan<byte> arguments)
    {
        FakeRequest request = Post(opcode, node, caller, arguments);
        Await(request);
        return request;
    }

    /// <summary>A request that nobody waits for.</summary>
    public FakeRequest Post(FuseOpcode opcode, ulong node, FakeTask? caller, ReadOnlySpan<byte> arguments)
    {
        lock (_gate)
        {
            FakeRequest request = new(_lastUnique += 2, opcode, node, caller, arguments);
            if (_unmounted)
                request.Finish(-107, []);
            else
                _pending.AddLast(request);
            Monitor.PulseAll(_gate);
            return request;
        }
    }

    /// <summary>The kernel has no use for a node any more.</summary>
    public void Forget(ulong node, ulong lookups)
    {
        if (node == FuseProtocol.RootId || lookups == 0)
            return;
        lock (_gate)
        {
            _forgets.Enqueue((node, lookups));
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>A thread of a process gets a signal: whatever it waits for is interrupted.</summary>
    public void Signal(FakeTask task)
    {
        lock (_gate)
        {
            task.SignalPending = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The thread is about to return to its program: a signal that waits for it is handled now.</summary>
    public bool TakeSignal(FakeTask task)
    {
        lock (_gate)
        {
            bool pending = task.SignalPending;
            task.SignalPending = false;
            return pending;
        }
    }

    /// <summary>Waits for an answer. There is none later than the patience of a test.</summary>
    public void Await(FakeRequest request)
    {
        lock (_gate)
        {
            long start = Stopwatch.GetTimestamp();
            while (!request.IsOver)
            {
                if (request.Caller is { SignalPending: true } && !request.IsInterrupted)
                {
                    request.IsInterrupted = true;
                    if (request.IsSent)
                        QueueInterrupt(request);
                }
                TimeSpan left = Pending.Patience - Stopwatch.GetElapsedTime(start);
                if (left < TimeSpan.Zero)
                    throw new TimeoutException($"{request.Opcode} has not been answered within {Pending.Patience.TotalSeconds} s.");
                Monitor.Wait(_gate, left);
            }
        }
    }

    /// <summary>Waits until something is said about an open file, a signal arrives or the time is up.</summary>
    public void AwaitNews(FakeFile file, long seen, FakeTask task, TimeSpan time)
    {
        lock (_gate)
        {
            long start = Stopwatch.GetTimestamp();
            while (file.News == seen && !task.SignalPending)
            {
                TimeSpan waited = Stopwatch.GetElapsedTime(start);
                if (waited > Pending.Patience)
                    throw new TimeoutException($"Thread {task.Id} has not been woken from poll within {Pending.Patience.TotalSeconds} s.");
                TimeSpan left = (time < Pending.Patience ? time : Pending.Patience + TimeSpan.FromSeconds(1)) - waited;
                if (left <= TimeSpan.Zero)
                    return;
                Monitor.Wait(_gate, left);
            }
        }
    }

    /// <summary>The file will be named in a POLL.</summary>
    public void Remember(FakeFile file)
    {
        lock (_gate)
            _polled[file.PollHandle] = new WeakReference<FakeFile>(file);
    }

    /// <summary>The backing file of an OPEN answer.</summary>
    public BackingFile? Backing(int id)
    {
        lock (_gate)
        {
            if (_backings.TryGetValue(id, out BackingFile? file))
                return file;
            _faults.Add($"OPEN was answered with the backing id {id}, which is not registered.");
            return null;
        }
    }

    /// <inheritdoc/>
    public bool HasRequest
    {
        get
        {
            lock (_gate)
                return _interrupts.First != null || _pending.First != null || _forgets.Count > 0;
        }
    }

    public nint Read(Span<byte> buffer)
    {
        lock (_gate)
        {
            for (; ; )
            {
                if (_woken)
                {
                    _woken = false;
                    return -(int)Errno.EINTR;
                }
                if (_interrupts.First is { } interrupt)
                {
                    _interrupts.RemoveFirst();
                    return ReadInterrupt(interrupt.Value, buffer);
                }
                if (_pending.First is { } next)
                {
                    _pending.RemoveFirst();
                    return ReadRequest(next.Value, buffer);
                }
                if (_forgets.Count > 0)
                    return ReadForgets(buffer);
                if (_unmounted)
                    return -(int)Errno.ENODEV;
                Monitor.Wait(_gate);
            }
        }
    }

    /// <inheritdoc/>
    public nint Write(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body)
    {
        byte[] message = [.. header, .. body];
        lock (_gate)
        {
            if (message.Length < FuseProtocol.OutHeaderSize || MemoryMarshal.Read<FuseOutHeader>(message) is var head && head.Len != message.Length)
                return Fault($"A message of {message.Length} bytes has not the length it says.");
            byte[] answer = message[FuseProtocol.OutHeaderSize..];
            if (head.Unique == 0)
                return Notified((FuseNotifyCode)head.Error, answer) is var result && result < 0 ? result : message.Length;
            if (head.Error is <= -512 or > 0)
                return Fault($"The answer to {head.Unique} has the error {head.Error}.");
            if ((head.Unique & FuseProtocol.InterruptBit) != 0)
                return InterruptAnswered(head);
            if (!_sent.Remove(head.Unique, out FakeRequest? request))
                return -(int)Errno.ENOENT;
            bool fits = head.Error == 0 ? request.AcceptsLength(answer.Length) : answer.Length == 0;
            if (fits)
                request.Finish(head.Error, answer);
            else
                request.Finish(-(int)Errno.EIO, []);
            Monitor.PulseAll(_gate);
            return fits ? message.Length : Fault($"{request.Opcode} was answered {head.Error} with {answer.Length} bytes.");
        }
    }

    /// <inheritdoc/>
    public int Wake()
    {
        lock (_gate)
        {
            _woken = true;
            Monitor.PulseAll(_gate);
            return 0;
        }
    }

    /// <inheritdoc/>
    public int BackingOpen(int fd)
    {
        int own = FileDescriptor.Duplicate(fd);
        if (own < 0)
            return own;
        lock (_gate)
        {
            BackingFile file = new(own);
            _everyBacking.Add(file);
            _backings.Add(++_lastBacking, file);
            return _lastBacking;
        }
    }

    /// <inheritdoc/>
    public int BackingClose(int backingId)
    {
        lock (_gate)
            return _backings.Remove(backingId) ? 0 : -(int)Errno.ENOENT;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (BackingFile file in _everyBacking)
            file.Dispose();
    }

    /// <summary>A struct as bytes.</summary>
    public static byte[] Bytes<T>(in T value) where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();

    private int ReadRequest(FakeRequest request, Span<byte> buffer)
    {
        if (request.Bytes.Length > buffer.Length)
            return Fault($"{request.Opcode} of {request.Bytes.Length} bytes was read into {buffer.Length}.");
        request.Bytes.CopyTo(buffer);
        request.IsSent = true;
        _sent.Add(request.Unique, request);
        if (request.IsInterrupted)
            QueueInterrupt(request);
        return request.Bytes.Length;
    }

    private int ReadInterrupt(FakeRequest target, Span<byte> buffer)
    {
        FakeRequest interrupt = new(target.Unique | FuseProtocol.InterruptBit, FuseOpcode.Interrupt, 0, null, Bytes(new FuseInterruptIn { Unique = target.Unique }));
        interrupt.Bytes.CopyTo(buffer);
        return interrupt.Bytes.Length;
    }

    private int ReadForgets(Span<byte> buffer)
    {
        FakeRequest request;
        if (_forgets.Count == 1)
        {
            (ulong node, ulong lookups) = _forgets.Dequeue();
            request = new(_lastUnique += 2, FuseOpcode.Forget, node, null, Bytes(new FuseForgetIn { NLookup = lookups }));
        }
        else
        {
            int count = Math.Min(_forgets.Count, 64);
            byte[] batch = new byte[Unsafe.SizeOf<FuseBatchForgetIn>() + count * Unsafe.SizeOf<FuseForgetOne>()];
            MemoryMarshal.Write(batch, new FuseBatchForgetIn { Count = (uint)count });
            Span<FuseForgetOne> each = MemoryMarshal.Cast<byte, FuseForgetOne>(batch.AsSpan(Unsafe.SizeOf<FuseBatchForgetIn>()));
            for (int i = 0; i < count; i++)
            {
                (ulong node, ulong lookups) = _forgets.Dequeue();
                each[i] = new FuseForgetOne { NodeId = node, NLookup = lookups };
            }
            request = new(_lastUnique += 2, FuseOpcode.BatchForget, 0, null, batch);
        }
        request.Bytes.CopyTo(buffer);
        return request.Bytes.Length;
    }

    private int InterruptAnswered(FuseOutHeader head)
    {
        if (!_sent.TryGetValue(head.Unique & ~FuseProtocol.InterruptBit, out FakeRequest? request))
            return -(int)Errno.ENOENT;
        if (head.Error == -(int)Errno.EAGAIN)
            QueueInterrupt(request);
        return FuseProtocol.OutHeaderSize;
    }

    private int Notified(FuseNotifyCode code, byte[] body)
    {
        switch (code)
        {
            case FuseNotifyCode.Poll when body.Length == Unsafe.SizeOf<FuseNotifyPollOut>():
                ulong handle = MemoryMarshal.Read<FuseNotifyPollOut>(body).Kh;
                if (_polled.TryGetValue(handle, out WeakReference<FakeFile>? known) && known.TryGetTarget(out FakeFile? file))
                {
                    file.News++;
                    Monitor.PulseAll(_gate);
                }
                return 0;
            case FuseNotifyCode.InvalEntry or FuseNotifyCode.InvalInode or FuseNotifyCode.Delete:
                // Nothing is cached here, so there is nothing to drop.
                return 0;
            default:
                return Fault($"A notification {code} of {body.Length} bytes.");
        }
    }

    private void QueueInterrupt(FakeRequest request)
    {
        if (!_interrupts.Contains(request))
            _interrupts.AddLast(request);
        Monitor.PulseAll(_gate);
    }

    private int Fault(string text)
    {
        _faults.Add(text);
        return -(int)Errno.EINVAL;
    }
}
