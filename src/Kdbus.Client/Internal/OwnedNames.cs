using System.Collections.Concurrent;

namespace Kdbus.Client.Internal;

/// <summary>The names that a connection owns or waits for, and what becomes of them: one subscription for all, because a connection has few matches.</summary>
internal sealed class OwnedNames(BusConnection connection)
{
    private readonly ConcurrentDictionary<string, OwnedName> _names = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private Subscription<NameChange>? _changes;

    /// <summary>Follows a name from now on. False if that is done already.</summary>
    public bool TryAdd(OwnedName name)
    {
        lock (_lock)
        {
            if (_changes is null)
            {
                _changes = connection.SubscribeToOwnNames();
                _ = FollowAsync(_changes);
            }
        }
        return _names.TryAdd(name.Name, name);
    }

    /// <summary>Follows it no longer.</summary>
    public void Remove(string name) => _names.TryRemove(name, out _);

    private async Task FollowAsync(Subscription<NameChange> changes)
    {
        try
        {
            await foreach (NameChange change in changes.ReadAllAsync().ConfigureAwait(false))
            {
                if (_names.TryGetValue(change.Name, out OwnedName? name))
                    name.Become(change.NewOwner == connection.Id);
            }
        }
        catch (BusBrokenException)
        {
            // All names are lost, which is told below.
        }
        foreach (OwnedName name in _names.Values)
            name.Become(false);
    }
}
