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
    private readonly Subscription<NameChange> _changes;
    private readonly Lock _lock = new();
    private TaskCompletionSource _owned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isOwner;
    private int _isDisposed;

    internal OwnedName(BusConnection connection, string name, Subscription<NameChange> changes)
    {
        _connection = connection;
        _changes = changes;
        Name = name;
    }

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
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _changes.DisposeAsync().ConfigureAwait(false);
        _connection.ReleaseName(Name);
    }

    /// <summary>Begins, with what the bus answered, and follows what becomes of it.</summary>
    internal void Begin(bool isOwner)
    {
        Become(isOwner);
        _ = FollowAsync();
    }

    private async Task FollowAsync()
    {
        try
        {
            await foreach (NameChange change in _changes.ReadAllAsync().ConfigureAwait(false))
            {
                bool isOwner = change.NewOwner == _connection.Id;
                if (!Become(isOwner))
                    continue;
                if (isOwner)
                    Acquired?.Invoke(this, EventArgs.Empty);
                else
                    Lost?.Invoke(this, EventArgs.Empty);
            }
        }
        catch (BusBrokenException)
        {
            if (Become(false))
                Lost?.Invoke(this, EventArgs.Empty);
        }
    }

    private bool Become(bool isOwner)
    {
        lock (_lock)
        {
            if (_isOwner == isOwner)
                return false;
            _isOwner = isOwner;
            if (isOwner)
                _owned.SetResult();
            else
                _owned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return true;
        }
    }
}
