namespace Kdbus.Client;

/// <summary>How to acquire a name.</summary>
[Flags]
public enum NameRequest
{
    /// <summary>Own it, or fail if somebody has it.</summary>
    None = 0,

    /// <summary>Take it from an owner who allows that.</summary>
    ReplaceExisting = 1,

    /// <summary>Allow others to take it.</summary>
    AllowReplacement = 2,

    /// <summary>Wait for it if somebody has it; and, if somebody takes it, wait to have it back.</summary>
    Queue = 4,
}

/// <summary>A well-known name that this connection owns or waits for, until this is disposed.</summary>
public sealed class OwnedName : IAsyncDisposable
{
    private readonly BusConnection _connection;
    private readonly Lock _lock = new();
    private TaskCompletionSource _owned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isOwner;
    private bool _hasNews;
    private int _isDisposed;

    internal OwnedName(BusConnection connection, string name) => (_connection, Name) = (connection, name);

    /// <summary>The name has come to this connection. Raised on the receiving thread, not for what <see cref="BusConnection.AcquireNameAsync"/> returned as owned.</summary>
    public event EventHandler? Acquired;

    /// <summary>The name has gone to somebody else. Raised on the receiving thread.</summary>
    public event EventHandler? Lost;

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>Whether this connection has it now.</summary>
    public bool IsOwner
    {
        get
        {
            lock (_lock)
                return _isOwner;
        }
    }

    /// <summary>Waits until this connection has the name.</summary>
    public async ValueTask WaitUntilOwnedAsync(CancellationToken cancellation = default)
    {
        Task owned;
        lock (_lock)
            owned = _owned.Task;
        await owned.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Releases the name, or ends the waiting for it.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            _connection.ReleaseName(Name);
        return ValueTask.CompletedTask;
    }

    /// <summary>This connection has it now, or has it no longer.</summary>
    /// <param name="isOwner">Which.</param>
    /// <param name="isNews">Whether those are told who want to know.</param>
    internal void Become(bool isOwner, bool isNews = true)
    {
        lock (_lock)
        {
            // What the bus answered is older than any news that came meanwhile.
            if (_isOwner == isOwner || (_hasNews && !isNews))
                return;
            _hasNews |= isNews;
            _isOwner = isOwner;
            if (isOwner)
                _owned.SetResult();
            else
                _owned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        if (isNews)
            (isOwner ? Acquired : Lost)?.Invoke(this, EventArgs.Empty);
    }
}
