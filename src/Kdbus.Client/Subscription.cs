using System.Runtime.CompilerServices;
using Kdbus.Client.Internal;

namespace Kdbus.Client;

/// <summary>
/// A match that is installed until this is disposed, and what it brings, in order. What has not been taken when it is too much is lost and counted, as the bus
/// does itself with who does not read.
/// </summary>
/// <typeparam name="T">What comes.</typeparam>
public sealed class Subscription<T> : IAsyncDisposable, ISubscription
{
    private readonly BusConnection _connection;
    private readonly Inbox<T> _inbox = new(static () => { });
    private readonly Func<Message, (bool Take, T Value)> _read;
    private readonly int _capacity;
    private long _dropped;
    private int _isDisposed;

    internal Subscription(BusConnection connection, MatchRule rule, ulong cookie, int capacity, Func<Message, (bool Take, T Value)> read)
    {
        _connection = connection;
        Rule = rule;
        Cookie = cookie;
        _capacity = capacity;
        _read = read;
    }

    /// <summary>What is wanted.</summary>
    public MatchRule Rule { get; }

    /// <summary>How many were lost because they were not taken in time.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    internal ulong Cookie { get; }

    /// <summary>Takes one if one is there.</summary>
    public bool TryTake(out T? value) => _inbox.TryTake(out value);

    /// <summary>What comes, until the subscription or the connection is disposed. One enumeration at a time.</summary>
    public async IAsyncEnumerable<T> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (await _inbox.WaitAsync(cancellation).ConfigureAwait(false))
        {
            while (_inbox.TryTake(out T? value))
                yield return value!;
        }
    }

    /// <summary>Removes the match.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _connection.Remove(this, Cookie);
            _inbox.End(new ObjectDisposedException(nameof(Subscription<T>)));
            foreach (T left in _inbox.Drain())
                (left as IDisposable)?.Dispose();
        }
        return ValueTask.CompletedTask;
    }

    bool ISubscription.Put(Message message)
    {
        (bool take, T value) = _read(message);
        if (!take)
            return false;
        if (_inbox.Count < _capacity && _inbox.TryPut(value, out bool isAwaited))
            return isAwaited;
        Interlocked.Increment(ref _dropped);
        _connection.CountDropped(1);
        (value as IDisposable)?.Dispose();
        return false;
    }

    void ISubscription.Resume() => _inbox.Resume();

    void ISubscription.End(Exception reason) => _inbox.End(reason);
}

/// <summary>Somebody who wants signals or news.</summary>
internal interface ISubscription
{
    MatchRule Rule { get; }

    /// <summary>Takes the message, and with it the duty to give it back. True if somebody waits for it, until <see cref="Resume"/>.</summary>
    bool Put(Message message);

    /// <summary>Lets him go on.</summary>
    void Resume();

    void End(Exception reason);
}
