using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Client.Internal;
using Kdbus.Linux;

namespace Kdbus.Client;

/// <summary>
/// A connection to a bus. All members may be used by several threads at once. What arrives is received by a thread of the connection's own, the receiving thread, as
/// soon as there is somebody to receive it; code behind an <c>await</c> of this library goes on there, without a change of threads, unless there is a synchronization context.
/// Code that keeps that thread for more than some milliseconds delays what is behind it, and then another thread takes over: blocking costs time, but stops nothing.
/// </summary>
public sealed partial class BusConnection : IAsyncDisposable
{
    private readonly IEndpointFile _file;
    private readonly Pool _pool;
    private readonly Lock _endLock = new();
    private readonly CancellationTokenSource _ended = new();
    private Exception? _end;
    private ulong _lastCookie;
    private long _dropped;

    private unsafe BusConnection(IEndpointFile file, string address, BusConnectionOptions options, in KdbusCmdHello hello)
    {
        _file = file;
        Address = address;
        Options = options;
        Id = hello.Id;
        BusId = new Guid(MemoryMarshal.AsBytes(new ReadOnlySpan<Id128>(in hello.Id128)), bigEndian: true);
        nint pool = file.MapPool(hello.PoolSize);
        if (pool is < 0 and > -4096)
            throw Failures.Refused($"map the pool of a connection to {address}", (int)pool);
        _pool = new Pool(file, pool, hello.PoolSize);
        Bloom = ReadBloom(_pool.At(hello.Offset, hello.ItemsSize));
        HasExtensions = ExchangeWire.IsKnown(file);

        // What waits inside of an EXCHANGE is waked by BYEBYE, which only ordinary connections can say: a monitor waits outside.
        UsesExchange = HasExtensions && !options.ClassicOnly && (options.Kind is ConnectionKind.Ordinary or ConnectionKind.Monitor);
        Wire = UsesExchange
            ? new ExchangeWire(this, file, _pool, options.AcceptDescriptors, waitsOutside: options.Kind != ConnectionKind.Ordinary)
            : new ClassicWire(this, file, _pool, hasSockets: HasExtensions && options.AcceptDescriptors);
        Receiver = new Receiver(this, Wire);
        Calls = new PendingCalls(this, options.MaxPendingCalls);
        _names = new OwnedNames(this);
        _inbox = new Inbox<Message>(Receiver.Pulse);
        _pool.Use();
        FreeSlice(hello.Offset);
    }

    /// <summary>Where it is connected to.</summary>
    public string Address { get; }

    /// <summary>How it was connected.</summary>
    public BusConnectionOptions Options { get; }

    /// <summary>The id of this connection, unique in the domain and never used again.</summary>
    public ulong Id { get; }

    /// <summary>The random id of the bus.</summary>
    public Guid BusId { get; }

    /// <summary>What bloom filters have to look like on this bus.</summary>
    public BloomParameters Bloom { get; }

    /// <summary>Whether the domain knows what goes beyond the interface of 2015, such as calls that take one system call.</summary>
    public bool HasExtensions { get; }

    /// <summary>Cancelled when the connection is at its end, whatever ended it.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Signals that were lost because nobody took them in time, by the bus and by subscriptions.</summary>
    public long DroppedSignals => Interlocked.Read(ref _dropped);

    /// <summary>Whether it is used.</summary>
    internal bool UsesExchange { get; }

    internal Wire Wire { get; }

    internal Receiver Receiver { get; }

    internal PendingCalls Calls { get; }

    internal Requests Requests { get; } = new();

    internal RoomStack Rooms { get; } = new();

    internal bool IsEnding => Volatile.Read(ref _end) is not null;

    internal IEndpointFile File => _file;

    /// <summary>Connects.</summary>
    /// <param name="address">Path of an endpoint, <c>/run/kdbus/1000-demo/bus</c>, or a D-Bus address: <c>kernel:path=…</c>, several with ; between them are tried in turn.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Ends the waiting for an endpoint (<see cref="BusConnectionOptions.WaitForEndpoint"/>); connecting itself does not wait.</param>
    /// <exception cref="BusRefusedException">There is no such endpoint, it may not be opened, or the bus does not want this connection.</exception>
    public static async ValueTask<BusConnection> ConnectAsync(string address, BusConnectionOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new BusConnectionOptions();
        IReadOnlyList<string> paths = BusAddress.Parse(address);
        long deadline = Environment.TickCount64 + (long)options.WaitForEndpoint.TotalMilliseconds;
        while (true)
        {
            BusRefusedException? refusal = null;
            foreach (string path in paths)
            {
                int result = EndpointFile.Open(path, out EndpointFile? file);
                if (result == 0)
                    return Connect(file!, path, options);
                refusal = (BusRefusedException)Failures.Refused($"connect to {path}", result);
            }
            if (refusal!.Error != Errno.ENOENT || Environment.TickCount64 >= deadline)
                throw refusal;
            await Task.Delay(20, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Says HELLO on an open endpoint, which belongs to the connection from now on.</summary>
    internal static unsafe BusConnection Connect(IEndpointFile file, string address, BusConnectionOptions? options)
    {
        options ??= new BusConnectionOptions();
        try
        {
            Hello.Check(options);
            byte[] command = Hello.Write(options);
            fixed (byte* argument = command)
            {
                int result;
                do
                {
                    result = file.Ioctl((uint)Command.Hello, argument);
                }
                while (result == -SystemError.EINTR);
                Failures.Check(result, $"connect to {address}");
                return new BusConnection(file, address, options, in *(KdbusCmdHello*)argument);
            }
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Leaves the bus. Names are given up, who waits for an answer of this connection is told so, and calls of this one fail. Messages that were received stay good until they are given
    /// back.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        if (!End(new ObjectDisposedException(nameof(BusConnection), "The connection has been closed.")))
            return ValueTask.CompletedTask;
        Leave();
        Receiver.Join();
        Close();
        return ValueTask.CompletedTask;
    }

    /// <summary>As if the process had died: the file is closed, without a word.</summary>
    internal void Abort()
    {
        if (!End(new ObjectDisposedException(nameof(BusConnection), "The connection has been aborted.")))
            return;
        Leave();
        Receiver.Join();
        Close();
    }

    /// <summary>What receiving ended with.</summary>
    internal void End(int result) => End(Failures.Broken("receive", result));

    internal ulong NextCookie() => Interlocked.Increment(ref _lastCookie);

    internal void CountDropped(ulong count) => Interlocked.Add(ref _dropped, (long)count);

    internal void ThrowIfEnded()
    {
        if (Volatile.Read(ref _end) is { } end)
            throw end is ObjectDisposedException ? new ObjectDisposedException(nameof(BusConnection)) : new BusBrokenException(end.Message, end);
    }

    private bool End(Exception reason)
    {
        lock (_endLock)
        {
            if (_end is not null)
                return false;
            Volatile.Write(ref _end, reason);
        }
        // Seen at once; what is registered there runs elsewhere, and whatever it does does not keep the others from being told.
        _ = _ended.CancelAsync();
        Calls.End(reason);
        foreach (IMessageRoute route in _routes)
            route.End(reason);
        EndSubscriptions(reason);
        _inbox.End(reason);
        return true;
    }

    // Ends the waiting of the receiving thread, by BYEBYE or by a wake. The bus does not let go who has something unread: that is taken off the queue.
    private unsafe void Leave()
    {
        _file.Wake();
        while (true)
        {
            var byebye = new KdbusCmd { Size = (ulong)sizeof(KdbusCmd) };
            if (Wire.Issue(Command.Byebye, ref byebye) != -(int)Errno.EBUSY)
                return;
            var drop = new KdbusCmdRecv { Size = (ulong)sizeof(KdbusCmdRecv), Flags = (ulong)RecvFlags.Drop };
            _ = Wire.Issue(Command.Recv, ref drop);
        }
    }

    private void Close()
    {
        foreach (Message left in _inbox.Drain())
            left.Dispose();
        Receiver.Dispose();
        _file.Dispose();
        _pool.Release();
    }

    private static BloomParameters ReadBloom(ReadOnlySpan<byte> items)
    {
        foreach (Item item in new ItemChain(items))
        {
            if (item.Type == ItemType.BloomParameter)
            {
                KdbusBloomParameter parameter = item.As<KdbusBloomParameter>();
                return new BloomParameters((int)parameter.Size, (int)parameter.NHash);
            }
        }
        return new BloomParameters(8, 1);
    }
}
