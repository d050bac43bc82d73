using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Client.Internal;
using Kdbus.Daemon.Serving;
using Kdbus.Fuse;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kdbus.Testing.InMemory;

/// <summary>
/// A domain in this process: the whole daemon from the FUSE session down, without a mount, /dev/fuse or privileges. Its callers are the threads of this
/// process, with the ids that they have. Permissions of files, which the kernel checks, are not checked.
/// </summary>
internal sealed class InMemoryDomain : IDisposable
{
    private const ulong OfferedFlags = (ulong)(FuseInitFlags.InitExt | FuseInitFlags.AbortError | FuseInitFlags.MaxPages | FuseInitFlags.Passthrough);

    private readonly InProcessCallers _callers;
    private readonly KdbusFileSystem _daemon;
    private readonly Thread _serving;
    private readonly Lock _opening = new();
    private Exception? _bug;
    private bool _isDisposed;

    /// <param name="options">What a mount would be told.</param>
    /// <param name="time">The time of the domain; null: the kernel's.</param>
    public InMemoryDomain(ServerOptions? options = null, TimeProvider? time = null)
    {
        // The clock of the system is the kernel's, which need not be asked by way of a provider.
        Clock = time is null || time == TimeProvider.System ? DomainClock.Kernel : new DomainClock(time);
        Time = time ?? TimeProvider.System;
        Memory = new OwnMemory();
        _callers = new InProcessCallers(Memory);
        FuseSessionOptions session = new() { Bug = bug => Interlocked.CompareExchange(ref _bug, bug, null) };
        _daemon = new KdbusFileSystem(Channel, _callers, options ?? new ServerOptions(), session, NullLogger.Instance, Time, Clock);
        _serving = new Thread(() => _daemon.Session.Run()) { IsBackground = true, Name = "kdbus domain" };
        _serving.Start();
        int result = Call(FuseOpcode.Init, 0, Offer(), out _);
        if (result == 0)
            return;
        Dispose();
        throw new InvalidOperationException($"The domain could not be started: {_daemon.Session.EndDescription ?? SystemError.Describe(result)}.");
    }

    /// <summary>What goes between this and the daemon.</summary>
    public InProcessChannel Channel { get; } = new();

    /// <summary>The memory of this process.</summary>
    public OwnMemory Memory { get; }

    /// <summary>The clocks that the daemon reads.</summary>
    public DomainClock Clock { get; }

    /// <summary>By what waiting is timed.</summary>
    public TimeProvider Time { get; }

    /// <summary>Opens a file: 0 or -errno, as open(2).</summary>
    /// <param name="path">Relative to the root of the domain: <c>control</c>, <c>1000-demo/bus</c>.</param>
    /// <param name="opened">The file, which belongs to the caller.</param>
    public int Open(string path, out IEndpointFile? opened)
    {
        opened = null;
        // Two that look an endpoint up at the same time would find the same node, which can be open once.
        using (_opening.EnterScope())
        {
            int result = Find(path, out ulong node);
            if (result < 0)
                return result;
            result = Call(FuseOpcode.Open, node, new FuseOpenIn(), out ReadOnlySpan<byte> answer);
            if (result < 0)
            {
                Forget(node);
                return result;
            }
            FuseOpenOut open = MemoryMarshal.Read<FuseOpenOut>(answer);
            int pool = open.BackingId == 0 ? -1 : Channel.CopyBacking(open.BackingId);
            InMemoryEndpointFile file = new(this, node, open.Fh, pool);
            if (pool < 0 && open.BackingId != 0)
            {
                file.Dispose();
                return pool;
            }
            opened = file;
            return 0;
        }
    }

    /// <summary>One lookup of a node is no longer used.</summary>
    public void Forget(ulong node)
    {
        if (node != FuseProtocol.RootId)
            Channel.Post(InProcessRequest.Of(FuseOpcode.Forget, node, new FuseForgetIn { NLookup = 1 }));
    }

    /// <summary>Ends the domain and all that is in it.</summary>
    /// <exception cref="InvalidOperationException">The daemon has a bug, which has been noticed while it served.</exception>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Channel.Unmount();
        _serving.Join();
        _daemon.Dispose();
        Channel.Dispose();
        _callers.Dispose();
        Memory.Dispose();
        if (_bug is not null)
            throw new InvalidOperationException("The bus in memory has a bug.", _bug);
    }

    private int Find(string path, out ulong node)
    {
        node = FuseProtocol.RootId;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            int result = Call(InProcessRequest.Of(FuseOpcode.Lookup, node, [.. Encoding.UTF8.GetBytes(name), 0]), out ReadOnlySpan<byte> answer);
            Forget(node);
            if (result < 0)
                return result;
            node = MemoryMarshal.Read<FuseEntryOut>(answer).NodeId;
        }
        return 0;
    }

    private int Call<T>(FuseOpcode opcode, ulong node, in T arguments, out ReadOnlySpan<byte> answer)
        where T : unmanaged =>
        Call(InProcessRequest.Of(opcode, node, in arguments), out answer);

    private int Call(InProcessRequest request, out ReadOnlySpan<byte> answer)
    {
        Channel.Post(request);
        return request.Await(out answer);
    }

    private static FuseInitIn Offer() => new()
    {
        Major = FuseProtocol.Major,
        Minor = FuseProtocol.Minor,
        Flags = unchecked((uint)OfferedFlags),
        Flags2 = (uint)(OfferedFlags >> 32),
    };
}
