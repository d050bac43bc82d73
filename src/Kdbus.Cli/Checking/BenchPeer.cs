using System.Globalization;
using Kdbus.Client;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>The other side of a measurement: a connection and a socket that answer, in this process or in one of their own.</summary>
internal sealed class BenchPeer : IAsyncDisposable
{
    /// <summary>Tells a copy of this program to be one; its value is the endpoint.</summary>
    public const string Option = "--answer-on";

    private const int SocketDescriptor = 3;

    private readonly CancellationTokenSource _ending = new();
    private readonly List<Task> _serving = [];
    private BusConnection? _connection;
    private BenchSocket? _far;
    private int _pid, _input = -1;

    private BenchPeer(BenchSocket socket) => Socket = socket;

    /// <summary>Its connection.</summary>
    public ulong Id { get; private set; }

    /// <summary>A socket to it.</summary>
    public BenchSocket Socket { get; }

    /// <summary>One in this process.</summary>
    public static async Task<BenchPeer> StartHereAsync(string endpoint)
    {
        (int near, int far) = Pair();
        BenchPeer peer = new(new BenchSocket(near)) { _far = new BenchSocket(far) };
        try
        {
            peer._connection = await BusConnection.ConnectAsync(endpoint, new BusConnectionOptions { Description = "kdbusctl-bench" }).ConfigureAwait(false);
            peer.Id = peer._connection.Id;
            peer._serving.Add(BenchBus.ServeAsync(peer._connection, peer._ending.Token));
            peer._serving.Add(Task.Factory.StartNew(() => peer._far.Serve(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
            return peer;
        }
        catch
        {
            await peer.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>One in another process.</summary>
    public static async Task<BenchPeer> StartElsewhereAsync(string endpoint)
    {
        (int near, int far) = Pair();
        BenchPeer peer = new(new BenchSocket(near));
        _ = FileDescriptor.Pipe(out int input, out peer._input);
        _ = FileDescriptor.Pipe(out int output, out int outputThere);
        peer._pid = ChildProcess.Spawn(
            Environment.ProcessPath ?? "/proc/self/exe", ["kdbusctl", "bench", Option, endpoint], environment: null,
            [new PassedDescriptor(input, 0), new PassedDescriptor(outputThere, 1), new PassedDescriptor(2, 2), new PassedDescriptor(far, SocketDescriptor)]);
        foreach (int theirs in (int[])[far, input, outputThere])
            _ = FileDescriptor.Close(theirs);
        using FileStream said = new(new Microsoft.Win32.SafeHandles.SafeFileHandle(output, ownsHandle: true), FileAccess.Read, bufferSize: 0);
        using StreamReader reader = new(said);
        string? line = peer._pid > 0 ? await reader.ReadLineAsync().ConfigureAwait(false) : null;
        if (ulong.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id))
        {
            peer.Id = id;
            return peer;
        }
        await peer.DisposeAsync().ConfigureAwait(false);
        throw new CommandException(ExitCode.Refused, "the second process of the measurement did not start");
    }

    /// <summary>What the other process does, until its standard input ends.</summary>
    public static async Task<int> AnswerAsync(Invocation invocation, string endpoint)
    {
        // The first one is ended by Ctrl-C as well, and closes what this one waits for.
        using BenchSocket socket = new(SocketDescriptor);
        BusConnection connection = await BusConnection.ConnectAsync(endpoint, new BusConnectionOptions { Description = "kdbusctl-bench" }).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            Task serving = BenchBus.ServeAsync(connection, CancellationToken.None);
            _ = Task.Factory.StartNew(() => socket.Serve(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            invocation.Output.Line(connection.Id.ToString(CultureInfo.InvariantCulture));
            await Task.Run(static () =>
            {
                Span<byte> nothing = stackalloc byte[1];
                while (FileDescriptor.Read(0, nothing) is > 0 or -SystemError.EINTR)
                {
                }
            }).ConfigureAwait(false);
            await connection.DisposeAsync().ConfigureAwait(false);
            await serving.ConfigureAwait(false);
        }
        return ExitCode.Success;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        if (_input >= 0)
            _ = FileDescriptor.Close(_input);
        Socket.Dispose(); // its end is what the other side ends by
        if (_connection is not null)
            await _connection.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_serving).ConfigureAwait(false);
        _far?.Dispose();
        if (_pid > 0)
            _ = await Task.Run(() => ChildProcess.Wait(_pid)).ConfigureAwait(false);
        _ending.Dispose();
    }

    private static (int Near, int Far) Pair()
    {
        int error = DescriptorSocket.CreatePair(out int near, out int far);
        return error == 0 ? (near, far) : throw new CommandException(ExitCode.Refused, $"cannot make a pair of sockets: {SystemError.Describe(error)}");
    }
}
