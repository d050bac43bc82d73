using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Client.Internal;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Testing.InMemory;

/// <summary>
/// An open file of a domain in memory. Disposed, it is to the bus as if its process had been killed: calls under way are interrupted, and with the last of
/// them it is closed.
/// </summary>
internal sealed unsafe class InMemoryEndpointFile : IEndpointFile
{
    /// <summary>The kernel's own number for a call that a signal may have repeated; no program ever sees it.</summary>
    private const int RestartSys = -512;

    private readonly InMemoryDomain _domain;
    private readonly ulong _node;
    private readonly ulong _handle;
    private readonly int _pool;
    private readonly ulong _poller;
    private readonly object _gate = new();
    private readonly HashSet<InProcessRequest> _calls = [];
    private int _users = 1;
    private long _news;
    private bool _isWoken;
    private bool _isDisposed;

    /// <param name="domain">Where it is open.</param>
    /// <param name="node">Its node, of which it has one lookup.</param>
    /// <param name="handle">The daemon's number for it.</param>
    /// <param name="pool">A descriptor of its pool, which belongs to it; -1 if it has none.</param>
    public InMemoryEndpointFile(InMemoryDomain domain, ulong node, ulong handle, int pool)
    {
        (_domain, _node, _handle, _pool) = (domain, node, handle, pool);
        _poller = domain.Channel.AddPoller(HasNews);
    }

    /// <inheritdoc/>
    public long Now => (long)_domain.Clock.Now.Monotonic;

    /// <summary>The fixed struct of the command is copied in and out, as far as the bits of its number say so; all else the daemon fetches for itself.</summary>
    public int Ioctl(uint command, void* argument)
    {
        int size = (int)(command >> 16 & 0x3fff);
        byte[] input = new byte[(command >> 30 & 1) != 0 ? size : 0];
        int room = (command >> 31) != 0 ? size : 0;
        if (input.Length > 0 && _domain.Memory.Read((ulong)argument, input) != input.Length)
            return -SystemError.EFAULT;
        FuseIoctlIn head = new() { Fh = _handle, Cmd = command, Arg = (ulong)argument, InSize = (uint)input.Length, OutSize = (uint)room };
        int result = Call(InProcessRequest.Of(FuseOpcode.Ioctl, _node, in head, input), out ReadOnlySpan<byte> answer);
        if (result == 0)
        {
            ReadOnlySpan<byte> output = answer[Unsafe.SizeOf<FuseIoctlOut>()..];
            result = output.IsEmpty || _domain.Memory.Write((ulong)argument, output) == output.Length
                ? MemoryMarshal.Read<FuseIoctlOut>(answer).Result
                : -SystemError.EFAULT;
        }
        return result == RestartSys ? -SystemError.EINTR : result;
    }

    /// <inheritdoc/>
    public int Wait(int timeoutMilliseconds)
    {
        bool isOver = timeoutMilliseconds == 0;
        using ITimer? timer = timeoutMilliseconds > 0 ? StartTimer(timeoutMilliseconds, () => isOver = true) : null;
        while (true)
        {
            long seen;
            lock (_gate)
            {
                if (_isDisposed)
                    return -SystemError.EBADF;
                if (_isWoken)
                {
                    _isWoken = false;
                    return 1;
                }
                seen = _news;
            }
            int events = Poll(timeoutMilliseconds != 0);
            if (events < 0)
                return events;
            if ((events & (PollEvents.In | PollEvents.Error | PollEvents.HangUp)) != 0)
                return 1;
            lock (_gate)
            {
                while (_news == seen && !_isWoken && !_isDisposed && !isOver)
                    Monitor.Wait(_gate);
                if (isOver && _news == seen && !_isWoken && !_isDisposed)
                    return 0;
            }
        }
    }

    /// <inheritdoc/>
    public void Wake()
    {
        lock (_gate)
        {
            _isWoken = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <inheritdoc/>
    public nint MapPool(ulong size)
    {
        if (!TryEnter())
            return -SystemError.EBADF;
        nint address = _pool < 0 ? -SystemError.ENODEV : MemFd.Map(_pool, (nuint)size, writable: false);
        Leave();
        return address;
    }

    /// <inheritdoc/>
    public void UnmapPool(nint address, ulong size) => _ = MemFd.Unmap(address, (nuint)size);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            foreach (InProcessRequest call in _calls)
                _domain.Channel.Interrupt(call);
            Monitor.PulseAll(_gate);
        }
        Leave();
    }

    private int Poll(bool wantsNotification)
    {
        FusePollIn arguments = new()
        {
            Fh = _handle,
            Kh = _poller,
            Flags = wantsNotification ? FusePollFlags.ScheduleNotify : FusePollFlags.None,
            Events = (uint)(PollEvents.In | PollEvents.Error | PollEvents.HangUp),
        };
        int result = Call(InProcessRequest.Of(FuseOpcode.Poll, _node, in arguments), out ReadOnlySpan<byte> answer);
        return result < 0 ? result : (int)MemoryMarshal.Read<FusePollOut>(answer).Revents;
    }

    private int Call(InProcessRequest request, out ReadOnlySpan<byte> answer)
    {
        answer = default;
        lock (_gate)
        {
            if (_isDisposed)
                return -SystemError.EBADF;
            _users++;
            _calls.Add(request);
            // Within the lock, so that who interrupts it finds it posted.
            _domain.Channel.Post(request);
        }
        int result = request.Await(out answer);
        lock (_gate)
            _calls.Remove(request);
        Leave();
        return result;
    }

    private bool TryEnter()
    {
        lock (_gate)
        {
            if (!_isDisposed)
                _users++;
            return !_isDisposed;
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_users > 0)
                return;
        }
        _domain.Channel.RemovePoller(_poller);
        _domain.Channel.Post(InProcessRequest.Of(FuseOpcode.Release, _node, new FuseReleaseIn { Fh = _handle }));
        _domain.Forget(_node);
        if (_pool >= 0)
            _ = FileDescriptor.Close(_pool);
    }

    private void HasNews()
    {
        lock (_gate)
        {
            _news++;
            Monitor.PulseAll(_gate);
        }
    }

    // Waiting takes the time of the bus, too.
    private ITimer StartTimer(int milliseconds, Action over) => _domain.Time.CreateTimer(
        _ =>
        {
            lock (_gate)
            {
                over();
                Monitor.PulseAll(_gate);
            }
        },
        null,
        TimeSpan.FromMilliseconds(milliseconds),
        Timeout.InfiniteTimeSpan);
}
