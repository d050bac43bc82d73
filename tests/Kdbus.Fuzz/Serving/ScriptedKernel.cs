using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Kdbus.Fuse;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;
using Errno = Kdbus.Abi.Errno;

namespace Kdbus.Fuzz.Serving;

/// <summary>
/// The kernel's end of /dev/fuse. It has no threads: whoever of the daemon reads gets the next request of the traffic made
/// up on the spot, so a case runs as fast as the daemon does. It notes what a kernel would not have put up with, and at the
/// end it interrupts whoever still waits, closes what is open, forgets what was looked up, and unmounts.
/// </summary>
internal sealed class ScriptedKernel : IFuseChannel, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly object _gate = new();
    private readonly Dictionary<ulong, Sent> _outstanding = [];
    private readonly Dictionary<int, int> _backings = [];
    private readonly List<int> _descriptors = [];
    private readonly HashSet<ulong> _interrupts = [];
    private readonly ConcurrentDictionary<int, Sent> _calls = [];
    private readonly ConcurrentDictionary<int, Sent[]> _interruptedCalls = []; // of each thread the last few
    private readonly List<string> _faults = [];
    private readonly List<byte[]> _inputs;
    private readonly bool _passthrough;
    private int _lastBacking;
    private long _draining;
    private ulong _interruptedUpTo;

    public ScriptedKernel(List<byte[]> inputs, bool passthrough)
    {
        _inputs = inputs;
        _passthrough = passthrough;
    }

    /// <summary>Makes up the requests; INIT comes first whatever it says.</summary>
    public required Func<ScriptedKernel, Traffic> MakeTraffic { private get; init; }

    public Traffic Traffic => field ??= MakeTraffic(this);

    /// <summary>What the daemon did wrong.</summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (_gate) return [.. _faults];
        }
    }

    /// <summary>Registrations not given back.</summary>
    public int Backings => _backings.Count;

    /// <summary>Requests being waited for; only from <see cref="Serving.Traffic"/>.</summary>
    public IReadOnlyCollection<Sent> Outstanding => _outstanding.Values;

    /// <inheritdoc/>
    public bool HasRequest => false;

    public nint Read(Span<byte> buffer)
    {
        lock (_gate)
        {
            while (true)
            {
                if (Next() is { } sent)
                {
                    _inputs.Add(sent.Bytes);
                    if (sent.Opcode == FuseOpcode.Interrupt) _interrupts.Add(sent.Unique);
                    if (sent.WantsAnswer) _outstanding.Add(sent.Unique, sent);
                    if (sent is { WantsAnswer: true, Process: not null }) _calls[FuzzCallers.ThreadId(sent.Process, sent.Thread)] = sent;
                    if (sent.File != null) sent.File.Calls++;
                    sent.Bytes.CopyTo(buffer);
                    return sent.Bytes.Length;
                }

                if (_outstanding.Count == 0) return -(int)Errno.ENODEV;
                if (Stopwatch.GetElapsedTime(_draining) > Patience)
                {
                    Fault($"Never answered: {string.Join(", ", _outstanding.Values.Select(late => $"{late.Opcode} {late.Unique} {(Command)late.Command}"))}");
                    return -(int)Errno.ENODEV;
                }

                Monitor.Wait(_gate, 1);
                _interruptedUpTo = 0;
            }
        }
    }

    /// <inheritdoc/>
    public nint Write(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body)
    {
        byte[] message = [.. header, .. body];
        lock (_gate)
        {
            if (message.Length < FuseProtocol.OutHeaderSize) return Fault($"A message of {message.Length} bytes.");
            var head = MemoryMarshal.Read<FuseOutHeader>(message);
            var answer = message.AsSpan(FuseProtocol.OutHeaderSize);
            if (head.Len != message.Length) return Fault($"A message of {message.Length} bytes says it has {head.Len}.");
            if (head.Unique == 0) return Notified((FuseNotifyCode)head.Error, answer.Length) ? message.Length : -(int)Errno.ENOENT;
            if (head.Error is <= -512 or > 0) return Fault($"The answer to {head.Unique} has the error {head.Error}.");
            if (_interrupts.Contains(head.Unique))
            {
                // "Ask again" is taken up by the next interrupt, if there still is somebody to interrupt.
                return _outstanding.ContainsKey(head.Unique & ~FuseProtocol.InterruptBit) ? message.Length : -(int)Errno.ENOENT;
            }

            if (!_outstanding.Remove(head.Unique, out var sent)) return Fault($"{head.Unique} was answered twice, or never asked.");
            Monitor.PulseAll(_gate);
            if (sent.File != null) sent.File.Calls--;
            if (sent.Process != null)
            {
                var thread = FuzzCallers.ThreadId(sent.Process, sent.Thread);
                if (sent.IsInterrupted) _interruptedCalls[thread] = [sent, .. _interruptedCalls.GetValueOrDefault(thread, []).Take(2)];
                _calls.TryRemove(thread, out _);
            }

            if (!sent.Accepts(head.Error, answer.Length))
            {
                return Fault($"{sent.Opcode} {sent.Unique} was answered {head.Error} with {answer.Length} bytes.");
            }

            return Traffic.Answered(sent, head.Error, answer) ? message.Length : -(int)Errno.ENOENT;
        }
    }

    /// <inheritdoc/>
    public int Wake() => 0;

    /// <inheritdoc/>
    public int BackingOpen(int fd)
    {
        if (!_passthrough) return -(int)Errno.EPERM;
        lock (_gate)
        {
            var own = FileDescriptor.Duplicate(fd);
            if (own < 0) return own;
            _descriptors.Add(own);
            _backings.Add(++_lastBacking, own);
            return _lastBacking;
        }
    }

    /// <inheritdoc/>
    public int BackingClose(int backingId)
    {
        lock (_gate)
        {
            if (_backings.Remove(backingId)) return 0;
            Fault($"The backing id {backingId} was given back and is not registered.");
            return -(int)Errno.ENOENT;
        }
    }

    /// <summary>The file behind a registration; -1 if there is none.</summary>
    public int BackingOf(int backingId) => _backings.GetValueOrDefault(backingId, -1);

    /// <summary>
    /// The daemon is about to write into a caller's memory: is it the caller's command that is written to? False if the
    /// caller is in no call. It takes no lock: waiting for one would be time for the call to end in.
    /// </summary>
    public bool CheckStore(int thread, RemoteIoVec piece)
    {
        if (!_calls.TryGetValue(thread, out var sent)) return false;
        if (IsInside(sent, piece)) return true;
        if (_interruptedCalls.TryGetValue(thread, out var ended) && ended.Any(call => IsInside(call, piece))) return false; // that of a call before
        Fault($"{piece.Length} bytes are stored at {piece.Address:x}, outside of {(Command)sent.Command} at {sent.Argument:x}, {sent.CommandSize} bytes.");
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var descriptor in _descriptors) FileDescriptor.Close(descriptor);
    }

    /// <summary>Notes what must not happen; an answer it is about is refused.</summary>
    public int Fault(string what)
    {
        lock (_gate)
        {
            if (_faults.Count < 20) _faults.Add(what);
        }

        return -(int)Errno.EINVAL;
    }

    private Sent? Next()
    {
        if (_draining == 0 && Traffic.Next() is { } sent) return sent;
        if (_draining == 0) _draining = Stopwatch.GetTimestamp();
        if (_outstanding.Count > 0)
        {
            // Each once, then again after a pause: a signal that comes too early for the daemon is asked for again.
            var late = _outstanding.Values.Where(each => each.Unique > _interruptedUpTo).MinBy(each => each.Unique);
            if (late == null) return null;
            _interruptedUpTo = late.Unique;
            return Traffic.Interrupt(late.Unique);
        }

        return Traffic.NextOfEnd();
    }

    private static bool IsInside(Sent command, RemoteIoVec piece)
    {
        var offset = piece.Address - command.Argument;
        return offset <= (ulong)command.CommandSize && piece.Length <= (ulong)command.CommandSize - offset;
    }

    private bool Notified(FuseNotifyCode code, int length)
    {
        switch (code)
        {
            case FuseNotifyCode.Poll when length == 8:
                return true;
            case FuseNotifyCode.Store when length > 24 && !_passthrough:
                return true;
            case FuseNotifyCode.InvalInode when length == 24 && !_passthrough:
                return true;
            default:
                Fault($"A notification {code} of {length} bytes.");
                return false;
        }
    }
}
