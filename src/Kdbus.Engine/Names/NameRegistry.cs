using Kdbus.Abi;
using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Names;

/// <summary>
/// The well-known names of a bus: each is owned by one connection at a time. Whoever changes an owner here tells those
/// who watch the name, after messages that go with the name have moved.
/// </summary>
internal sealed class NameRegistry(Domain domain, Bus bus)
{
    private readonly Dictionary<byte[], NameEntry> _names = new(NameBytes.Comparer);
    private ulong _lastId;

    /// <summary>All names owned, in no order.</summary>
    public IReadOnlyCollection<NameEntry> Entries => _names.Values;

    /// <summary>The entry of a name without NUL, or null if nobody owns it.</summary>
    public NameEntry? Find(ReadOnlySpan<byte> name) =>
        _names.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var entry) ? entry : null;

    /// <summary>
    /// An ordinary connection that may own the name wants it: EALREADY, EEXIST, or OK and perhaps
    /// <see cref="NameFlags.InQueue"/>.
    /// </summary>
    public Errno Acquire(Connection connection, ReadOnlySpan<byte> name, NameFlags flags, Instant now, out NameFlags returned)
    {
        returned = NameFlags.None;
        if (Find(name) is not { } entry)
        {
            Add(name).Give(connection, flags);
            Notifications.NameAdded(domain, bus, connection.Names[^1], now);
            return Errno.OK;
        }

        if (entry.Owner == connection) return Errno.EALREADY;
        if (entry.IsHeldByActivator)
        {
            Change(entry, connection, flags, now);
            return Errno.OK;
        }

        if (flags.HasFlag(NameFlags.ReplaceExisting) && entry.Flags.HasFlag(NameFlags.AllowReplacement))
        {
            StopWaiting(connection, entry);
            if (entry.Flags.HasFlag(NameFlags.Queue)) Wait(entry, entry.Owner, entry.Flags);
            Change(entry, connection, flags, now);
            return Errno.OK;
        }

        if (!flags.HasFlag(NameFlags.Queue)) return Errno.EEXIST;
        if (!connection.WaitsFor.Contains(entry)) Wait(entry, connection, flags);
        returned = NameFlags.InQueue;
        return Errno.OK;
    }

    /// <summary>Whether another activator could stand in for the name.</summary>
    public bool HasActivator(ReadOnlySpan<byte> name) => Find(name) is { Activator: not null };

    /// <summary>A new activator stands in for the name, which has none; it owns it at once if nobody does.</summary>
    public void Attach(Connection activator, ReadOnlySpan<byte> name, Instant now)
    {
        var entry = Find(name);
        activator.ActivatorOf = entry ?? Add(name);
        activator.ActivatorOf.Activator = activator;
        if (entry != null) return;
        activator.ActivatorOf.Give(activator, NameFlags.Activator);
        Notifications.NameAdded(domain, bus, activator.ActivatorOf, now);
    }

    /// <summary>ESRCH if nobody owns the name, EADDRINUSE if the connection neither owns it nor waits for it.</summary>
    public Errno Release(Connection connection, ReadOnlySpan<byte> name, Instant now)
    {
        if (Find(name) is not { } entry) return Errno.ESRCH;
        if (entry.Owner == connection)
        {
            GiveUp(entry, now);
            return Errno.OK;
        }

        return StopWaiting(connection, entry) ? Errno.OK : Errno.EADDRINUSE;
    }

    /// <summary>A connection ends: it stands in for nothing, waits for nothing and owns nothing any more.</summary>
    public void Leave(Connection connection, Instant now)
    {
        if (connection.ActivatorOf is { } standsIn)
        {
            standsIn.Activator = null;
            connection.ActivatorOf = null;
        }

        while (connection.WaitsFor.Count > 0) StopWaiting(connection, connection.WaitsFor[^1]);
        while (connection.Names.Count > 0) GiveUp(connection.Names[0], now);
    }

    private NameEntry Add(ReadOnlySpan<byte> name)
    {
        var entry = new NameEntry(++_lastId, name.ToArray());
        _names.Add(entry.Name, entry);
        return entry;
    }

    /// <summary>The owner lets go: who waits comes before the activator.</summary>
    private void GiveUp(NameEntry entry, Instant now)
    {
        var old = entry.Owner;
        if (entry.Waiters.First is { } first)
        {
            var next = first.Value;
            StopWaiting(next.Connection, entry);
            Change(entry, next.Connection, next.Flags, now);
        }
        else if (entry.Activator is { } activator && activator != old)
        {
            Change(entry, activator, NameFlags.Activator, now);
        }
        else
        {
            _names.Remove(entry.Name);
            old.Lose(entry);
            Notifications.NameRemoved(domain, bus, entry, now);
        }
    }

    private void Change(NameEntry entry, Connection owner, NameFlags flags, Instant now)
    {
        var (oldOwner, oldFlags) = (entry.Owner, entry.Flags);
        entry.Give(owner, flags);
        // Only between an activator and those it stands in for do messages go with the name.
        if (entry.Activator == oldOwner || entry.Activator == owner) HandOver.Move(domain, oldOwner, owner, entry);
        Notifications.NameChanged(domain, bus, entry, oldOwner.Id, oldFlags, now);
    }

    private static void Wait(NameEntry entry, Connection connection, NameFlags flags)
    {
        entry.Waiters.AddLast(new Waiter(connection, flags));
        connection.WaitsFor.Add(entry);
    }

    private static bool StopWaiting(Connection connection, NameEntry entry)
    {
        if (!connection.WaitsFor.Remove(entry)) return false;
        for (var node = entry.Waiters.First; node != null; node = node.Next)
        {
            if (node.Value.Connection != connection) continue;
            entry.Waiters.Remove(node);
            break;
        }

        return true;
    }
}
