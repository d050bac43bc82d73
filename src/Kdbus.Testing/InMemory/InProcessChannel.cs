using System.Runtime.InteropServices;
using Kdbus.Fuse;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Testing.InMemory;

/// <summary>
/// A FUSE connection without a kernel: what the kernel's end of /dev/fuse does, as far as the daemon can tell. Nothing is cached, so the daemon is
/// asked about everything each time.
/// </summary>
internal sealed class InProcessChannel : IFuseChannel, IDisposable
{
    private readonly object _gate = new();
    private readonly Queue<InProcessRequest> _pending = new();
    private readonly Queue<ulong> _interrupts = new();
    private readonly Dictionary<ulong, InProcessRequest> _sent = [];
    private readonly Dictionary<ulong, Action> _pollers = [];
    private readonly Dictionary<int, int> _backings = [];
    private ulong _lastUnique;
    private ulong _lastPoller;
    private int _lastBacking;
    private bool _isWoken;
    private bool _isUnmounted;

    /// <inheritdoc/>
    public bool HasRequest
    {
        get
        {
            lock (_gate)
                return _interrupts.Count > 0 || _pending.Count > 0;
        }
    }

    /// <summary>Puts a request before the daemon, who is asked by the calling thread.</summary>
    public void Post(InProcessRequest request)
    {
        lock (_gate)
        {
            // Odd numbers are those of interrupts.
            request.Number(_lastUnique += 2);
            if (_isUnmounted)
                request.Finish(-SystemError.ENOTCONN, []);
            else
                _pending.Enqueue(request);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The caller of a request no longer wants to wait. The daemon answers it soon.</summary>
    public void Interrupt(InProcessRequest request)
    {
        lock (_gate)
        {
            request.IsInterrupted = true;
            if (request.IsSent)
                QueueInterrupt(request.Unique);
        }
    }

    /// <summary>Has <paramref name="notified"/> called, with no lock of the channel held, when the daemon has news for the poller of this number.</summary>
    public ulong AddPoller(Action notified)
    {
        lock (_gate)
        {
            _pollers.Add(++_lastPoller, notified);
            return _lastPoller;
        }
    }

    /// <summary>It polls no more.</summary>
    public void RemovePoller(ulong poller)
    {
        lock (_gate)
            _pollers.Remove(poller);
    }

    /// <summary>A descriptor of a registered file, which belongs to whoever asked for it, or -errno.</summary>
    public int CopyBacking(int id)
    {
        lock (_gate)
            return _backings.TryGetValue(id, out int descriptor) ? FileDescriptor.Duplicate(descriptor) : -SystemError.ENOENT;
    }

    /// <summary>What is queued is still read; then the daemon is told that this was all.</summary>
    public void Unmount()
    {
        lock (_gate)
        {
            _isUnmounted = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <inheritdoc/>
    public nint Read(Span<byte> buffer)
    {
        lock (_gate)
        {
            while (true)
            {
                if (_isWoken)
                {
                    _isWoken = false;
                    return -SystemError.EINTR;
                }
                if (_interrupts.TryDequeue(out ulong target))
                    return ReadInterrupt(target, buffer);
                if (_pending.TryDequeue(out InProcessRequest? request))
                    return ReadRequest(request, buffer);
                if (_isUnmounted)
                    return -SystemError.ENODEV;
                Monitor.Wait(_gate);
            }
        }
    }

    /// <inheritdoc/>
    public nint Write(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body)
    {
        byte[] message = [.. header, .. body];
        if (message.Length < FuseProtocol.OutHeaderSize)
            return -SystemError.EINVAL;
        FuseOutHeader head = MemoryMarshal.Read<FuseOutHeader>(message);
        byte[] answer = message[FuseProtocol.OutHeaderSize..];
        if (head.Unique == 0)
            return Notify((FuseNotifyCode)head.Error, answer) is var result && result < 0 ? result : message.Length;
        InProcessRequest? request;
        lock (_gate)
        {
            if ((head.Unique & FuseProtocol.InterruptBit) != 0)
            {
                // EAGAIN: the daemon does not know the request yet. It is told again as long as nobody has answered that.
                ulong target = head.Unique & ~FuseProtocol.InterruptBit;
                if (head.Error == -SystemError.EAGAIN && _sent.ContainsKey(target))
                    QueueInterrupt(target);
                return message.Length;
            }
            if (!_sent.Remove(head.Unique, out request))
                return -SystemError.ENOENT;
        }
        request.Finish(head.Error, answer);
        return message.Length;
    }

    /// <inheritdoc/>
    public int Wake()
    {
        lock (_gate)
        {
            _isWoken = true;
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
            _backings.Add(++_lastBacking, own);
            return _lastBacking;
        }
    }

    /// <inheritdoc/>
    public int BackingClose(int backingId)
    {
        int own;
        lock (_gate)
        {
            if (!_backings.Remove(backingId, out own))
                return -SystemError.ENOENT;
        }
        return FileDescriptor.Close(own);
    }

    /// <summary>The daemon has ended: who still waits for an answer gets none.</summary>
    public void Dispose()
    {
        InProcessRequest[] left;
        int[] backings;
        lock (_gate)
        {
            _isUnmounted = true;
            left = [.. _pending, .. _sent.Values];
            backings = [.. _backings.Values];
            _pending.Clear();
            _sent.Clear();
            _backings.Clear();
        }
        foreach (InProcessRequest request in left)
            request.Finish(-SystemError.ENOTCONN, []);
        foreach (int descriptor in backings)
            _ = FileDescriptor.Close(descriptor);
    }

    private int ReadRequest(InProcessRequest request, Span<byte> buffer)
    {
        request.Bytes.CopyTo(buffer);
        request.IsSent = true;
        // FORGET is the one that has no answer.
        if (request.Opcode != FuseOpcode.Forget)
            _sent.Add(request.Unique, request);
        if (request.IsInterrupted)
            QueueInterrupt(request.Unique);
        return request.Bytes.Length;
    }

    private static int ReadInterrupt(ulong target, Span<byte> buffer)
    {
        InProcessRequest interrupt = InProcessRequest.Of(FuseOpcode.Interrupt, 0, new FuseInterruptIn { Unique = target });
        interrupt.Number(target | FuseProtocol.InterruptBit);
        interrupt.Bytes.CopyTo(buffer);
        return interrupt.Bytes.Length;
    }

    private void QueueInterrupt(ulong target)
    {
        _interrupts.Enqueue(target);
        Monitor.PulseAll(_gate);
    }

    /// <summary>Of what the daemon says unasked only POLL matters here: all else is about caches.</summary>
    private int Notify(FuseNotifyCode code, ReadOnlySpan<byte> body)
    {
        if (code != FuseNotifyCode.Poll)
            return 0;
        Action? notified;
        lock (_gate)
            notified = _pollers.GetValueOrDefault(MemoryMarshal.Read<FuseNotifyPollOut>(body).Kh);
        notified?.Invoke();
        return 0;
    }
}
