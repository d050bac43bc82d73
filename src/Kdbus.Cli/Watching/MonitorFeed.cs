using System.Threading.Channels;
using Kdbus.Abi;
using Kdbus.Client;
using Kdbus.Linux;

namespace Kdbus.Cli.Watching;

/// <summary>
/// A monitor connection and what it receives. Each message is copied and given back where it is received, so whoever looks at them slowly, a terminal or a disk, does
/// not make the bus drop the next ones: they wait here, up to a bound. What is lost all the same is counted.
/// </summary>
internal sealed class MonitorFeed : IAsyncDisposable
{
    private const int PoolSize = 64 << 20;
    private const long MostWaitingBytes = 256 << 20;

    // What a waiting message takes beside its bytes, about.
    private const int Overhead = 400;

    private readonly Channel<WatchedMessage> _waiting = Channel.CreateUnbounded<WatchedMessage>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly CancellationTokenSource _closing = new();
    private readonly long _most;
    private Task _receiving = Task.CompletedTask;
    private long _waitingBytes;
    private long _lostHere;
    private long _lostTold;

    private MonitorFeed(BusConnection connection, long most)
    {
        Connection = connection;
        _most = most;
    }

    /// <summary>The monitor.</summary>
    public BusConnection Connection { get; }

    /// <summary>Messages lost: the bus had no room for them in the pool of this monitor, or they were too many to wait here.</summary>
    public long Lost => Connection.DroppedSignals + Interlocked.Read(ref _lostHere);

    /// <summary>Lost messages that no message has told of: those after the last one.</summary>
    public long LostUntold => Lost - Interlocked.Read(ref _lostTold);

    /// <summary>Connects.</summary>
    /// <param name="invocation">Whose bus.</param>
    /// <param name="most">How much of each payload is copied.</param>
    public static async Task<MonitorFeed> OpenAsync(Invocation invocation, long most)
    {
        BusConnectionOptions options = new()
        {
            Kind = ConnectionKind.Monitor,
            PoolSize = PoolSize,
            Description = "kdbusctl-monitor",
            // These are about the connection: they cost the sender no look at its process.
            ReceiveMetadata = AttachFlags.Timestamp | AttachFlags.Names | AttachFlags.ConnDescription,
        };
        try
        {
            MonitorFeed feed = new(await invocation.ConnectAsync(options).ConfigureAwait(false), most);
            feed._receiving = Task.Run(feed.ReceiveAsync);
            return feed;
        }
        catch (BusRefusedException refused) when (refused.Error == Errno.EPERM)
        {
            throw new CommandException(
                ExitCode.NotPermitted, $"cannot watch {invocation.Bus.Directory}: the bus answered EPERM (not permitted)",
                "a monitor sees everything, so it is for the owner of the bus and for root (CAP_IPC_OWNER): run this as one of them");
        }
        catch (BusRefusedException refused) when (refused.Error == Errno.EOPNOTSUPP)
        {
            throw new CommandException(
                ExitCode.Refused, $"cannot watch {invocation.Bus.Endpoint}: the bus answered EOPNOTSUPP (a custom endpoint has no monitors)", $"watch the whole bus: --bus {invocation.Bus.Directory}");
        }
    }

    /// <summary>Takes the next message if there is one.</summary>
    public bool TryTake(out WatchedMessage? message)
    {
        if (!_waiting.Reader.TryRead(out message))
            return false;
        _ = Interlocked.Add(ref _waitingBytes, -message.Bytes.Length - Overhead);
        return true;
    }

    /// <summary>Waits until there is a message; false: none will come any more.</summary>
    /// <exception cref="BusBrokenException">The bus is gone, and all that came before that has been taken.</exception>
    public ValueTask<bool> WaitAsync(CancellationToken cancellation) => _waiting.Reader.WaitToReadAsync(cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        await Connection.DisposeAsync().ConfigureAwait(false);
        _closing.Dispose();
    }

    // It goes on where a message is received, on the receiving thread, and never waits there for anything but the next one.
    private async Task ReceiveAsync()
    {
        try
        {
            while (true)
            {
                using Message message = await Connection.ReceiveAsync(_closing.Token).ConfigureAwait(false);
                Take(message);
            }
        }
        catch (OperationCanceledException)
        {
            _ = _waiting.Writer.TryComplete();
        }
#pragma warning disable CA1031 // Whoever takes the messages is told, behind the last of them.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _ = _waiting.Writer.TryComplete(exception);
        }
    }

    private void Take(Message message)
    {
        if (Interlocked.Read(ref _waitingBytes) > MostWaitingBytes)
        {
            _ = Interlocked.Increment(ref _lostHere);
            return;
        }
        long lost = LostUntold;
        _ = Interlocked.Add(ref _lostTold, lost);
        WatchedMessage copy = MessageCopy.Of(message, _most, new MessageNotes((ulong)Clock.MonotonicNanoseconds, (ulong)Clock.RealtimeNanoseconds, (ulong)lost));
        _ = Interlocked.Add(ref _waitingBytes, copy.Bytes.Length + Overhead);
        _ = _waiting.Writer.TryWrite(copy);
    }
}
