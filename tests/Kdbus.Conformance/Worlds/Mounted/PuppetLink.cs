using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;

namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>
/// The test's end of a puppet's control socket: requests out, replies in, matched by id. A reply may come at any time and in any order,
/// for a puppet's threads block independently. When the puppet ends, all that is still awaited ends too, with <see cref="Ended"/>.
/// </summary>
internal sealed class PuppetLink : IDisposable
{
    /// <summary>The result of whatever was under way when the puppet ended.</summary>
    public static readonly Reply Ended = new(-3, []);

    private const int RequestHead = 80;
    private const int ReplyHead = 24;
    private const uint InThread = 1;
    private const uint KindStarted = 1;
    private const int SocketLevel = 1; // SOL_SOCKET
    private const int PeerCredentials = 17; // SO_PEERCRED: pid, uid, gid

    private readonly Socket _socket;
    private readonly ConcurrentDictionary<uint, Waiting> _waiting = new();
    private readonly Lock _sending = new();
    private uint _lastId;
    private volatile bool _ended;

    private PuppetLink(Socket socket) => _socket = socket;

    /// <summary>Takes over a connection, if there is a puppet at the other end that shows its ticket.</summary>
    public static bool TryOpen(Socket socket, [NotNullWhen(true)] out PuppetLink? link)
    {
        link = new PuppetLink(socket);
        Span<byte> greeting = stackalloc byte[ReplyHead];
        if (!link.Receive(greeting))
        {
            link.Dispose();
            link = null;
            return false;
        }
        link.Ticket = BinaryPrimitives.ReadUInt64LittleEndian(greeting[16..]);
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        link.ProcessId = BinaryPrimitives.ReadInt32LittleEndian(credentials);
        new Thread(link.ReadReplies) { IsBackground = true, Name = $"puppet {link.ProcessId}" }.Start();
        return true;
    }

    /// <summary>The puppet's process id, as we number processes.</summary>
    public int ProcessId { get; private set; }

    /// <summary>What the puppet was given on its way.</summary>
    public ulong Ticket { get; private set; }

    /// <summary>A request carried out by the puppet's main thread.</summary>
    public Reply Request(PuppetOperation operation, ReadOnlySpan<ulong> arguments, ReadOnlySpan<byte> data = default) =>
        Pending.Await(Send(operation, 0, arguments, data).Done.Task, $"{operation} by process {ProcessId}");

    /// <summary>A request carried out by a thread of its own, which has started when this returns.</summary>
    public Pending RequestInThread(PuppetOperation operation, Func<Reply, long> outcome, ReadOnlySpan<ulong> arguments, ReadOnlySpan<byte> data = default)
    {
        Waiting waiting = Send(operation, InThread, arguments, data);
        string call = $"{operation} by a thread of process {ProcessId}";
        int thread = Pending.Await(waiting.Started.Task, "the start of " + call);
        return new Pending(thread, call, Outcome());

        async Task<long> Outcome() => outcome(await waiting.Done.Task.ConfigureAwait(false));
    }

    public void Dispose()
    {
        _socket.Dispose();
    }

    private Waiting Send(PuppetOperation operation, uint flags, ReadOnlySpan<ulong> arguments, ReadOnlySpan<byte> data)
    {
        Waiting waiting = new();
        lock (_sending)
        {
            uint id = ++_lastId;
            _waiting[id] = waiting;
            byte[] frame = new byte[RequestHead + data.Length];
            BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)(frame.Length - 4));
            BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(4), id);
            BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(8), (uint)operation);
            BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(12), flags);
            for (int i = 0; i < arguments.Length; i++)
                BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(16 + 8 * i), arguments[i]);
            data.CopyTo(frame.AsSpan(RequestHead));
            try
            {
                for (int sent = 0; sent < frame.Length;)
                    sent += _socket.Send(frame.AsSpan(sent));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                _ended = true;
            }
        }
        if (_ended)
            EndAll();
        return waiting;
    }

    private void ReadReplies()
    {
        byte[] head = new byte[ReplyHead];
        while (Receive(head))
        {
            int length = checked((int)BinaryPrimitives.ReadUInt32LittleEndian(head)) + 4 - ReplyHead;
            byte[] data = new byte[length];
            if (!Receive(data))
                break;
            uint id = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(4));
            long result = BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(16));
            if (BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(8)) == KindStarted)
                _waiting[id].Started.TrySetResult((int)result);
            else if (_waiting.TryRemove(id, out Waiting? waiting))
                waiting.Done.TrySetResult(new Reply(result, data));
        }
        _ended = true;
        EndAll();
    }

    private bool Receive(Span<byte> data)
    {
        try
        {
            while (!data.IsEmpty)
            {
                int n = _socket.Receive(data);
                if (n == 0)
                    return false;
                data = data[n..];
            }
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private void EndAll()
    {
        foreach (uint id in _waiting.Keys)
        {
            if (!_waiting.TryRemove(id, out Waiting? waiting))
                continue;
            waiting.Started.TrySetResult(0);
            waiting.Done.TrySetResult(Ended);
        }
    }

    /// <summary>What a request came to: a value or a negative errno, and the bytes some requests return.</summary>
    internal readonly record struct Reply(long Result, byte[] Data);

    private sealed class Waiting
    {
        public TaskCompletionSource<int> Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<Reply> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>What a puppet can be asked: the numbers are those of puppet.h.</summary>
internal enum PuppetOperation : uint
{
    Open = 1, Close, Duplicate, Ioctl, Poll, Map, Unmap, Protect,
    Poke, Peek, Stat, ReadDirectory, Access, Unlink, MakeDirectory, Rename,
    Read, Write, ThreadId, SetIds, Fork, Handle, SignalThread, Clock,
    Exit, EventFd, FileSystemType, WaitPid, RemoveDirectory, Link, Symlink, ChangeMode,
    Truncate, Handled, Seek, StatDescriptor, ChangeOwner, Pipe, MemoryFile, PollSet,
    KeepCapability, Change, Who, ProcessControl, SetCapabilities, Execute, ChangeRoot, Unshare,
    SealedFile, FileControl, ReadAt, Socket, SocketPair, ReceiveDescriptors, OpenDescriptors, LimitDescriptors,
}
