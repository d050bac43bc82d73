using Kdbus.Client;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>A signal to several listeners in this process, on the bus and by sockets: it is over when all have it.</summary>
internal sealed class BenchSignals : IAsyncDisposable
{
    private readonly BusConnection _emitter;
    private readonly BloomBits _bits;
    private readonly List<BusConnection> _listeners = [];
    private readonly List<(BenchSocket Near, BenchSocket Far)> _sockets = [];
    private readonly List<Task> _listening = [];
    private readonly ManualResetEventSlim _all = new(initialState: false, spinCount: 0);
    private int _left;

    private BenchSignals(BusConnection emitter) => (_emitter, _bits) = (emitter, emitter.Bloom.NewBits().AddTopic("kdbusctl.bench"));

    /// <summary>How many listeners there are.</summary>
    public const int Listeners = 8;

    /// <summary>Starts them.</summary>
    public static async Task<BenchSignals> StartAsync(BusConnection emitter, string endpoint)
    {
        BenchSignals signals = new(emitter);
        try
        {
            for (int i = 0; i < Listeners; i++)
            {
                BusConnection listener = await BusConnection.ConnectAsync(endpoint, new BusConnectionOptions { Description = "kdbusctl-bench" }).ConfigureAwait(false);
                signals._listeners.Add(listener);
                signals._listening.Add(signals.ListenAsync(listener.Subscribe(MatchRule.Signals(signals._bits))));
                int error = DescriptorSocket.CreatePair(out int near, out int far);
                if (error < 0)
                    throw new CommandException(ExitCode.Refused, $"cannot make a pair of sockets: {SystemError.Describe(error)}");
                BenchSocket socket = new(far);
                signals._sockets.Add((new BenchSocket(near), socket));
                signals._listening.Add(Task.Factory.StartNew(() => socket.Serve(signals.Take), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
            }
            return signals;
        }
        catch
        {
            await signals.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Sends one on the bus, and waits until all have it.</summary>
    public void Emit(ReadOnlySpan<byte> payload, CancellationToken ending)
    {
        Expect();
        _emitter.Emit(_bits, payload);
        _all.Wait(ending);
    }

    /// <summary>Writes it to each socket, and waits until all have it.</summary>
    public void Write(ReadOnlySpan<byte> payload, CancellationToken ending)
    {
        Expect();
        foreach ((BenchSocket near, _) in _sockets)
            near.Send(payload);
        _all.Wait(ending);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (BusConnection listener in _listeners)
            await listener.DisposeAsync().ConfigureAwait(false);
        foreach ((BenchSocket near, _) in _sockets)
            near.Dispose();
        await Task.WhenAll(_listening).ConfigureAwait(false);
        foreach ((_, BenchSocket far) in _sockets)
            far.Dispose();
        _all.Dispose();
    }

    private void Expect()
    {
        _all.Reset();
        Volatile.Write(ref _left, Listeners);
    }

    private void Take()
    {
        if (Interlocked.Decrement(ref _left) == 0)
            _all.Set();
    }

    private async Task ListenAsync(Subscription<Message> subscription)
    {
        try
        {
            await foreach (Message message in subscription.ReadAllAsync().ConfigureAwait(false))
            {
                message.Dispose();
                Take();
            }
        }
        catch (Exception exception) when (exception is BusBrokenException or ObjectDisposedException)
        {
            // It is over.
        }
    }
}
