namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>Who owns a name, who waits for it, and what goes with it.</summary>
internal sealed partial class DomainModel
{
    public AnswerModel Acquire(ConnectionModel connection, in Caller caller, string text, NameFlags flags)
    {
        if (!NameRules.IsValid(text)) return Errno.EINVAL;
        if (connection.Names.Count >= limits.Names) return Errno.E2BIG;
        if (!MayOwn(connection, caller, text)) return Errno.EPERM;

        var name = connection.Bus.Names.Find(each => each.Text == text);
        if (name == null)
        {
            Create(connection, text, flags);
            return Errno.OK;
        }

        if (name.Owner == connection) return Errno.EALREADY;
        if (name.Owner == name.Activator)
        {
            Change(name, connection, flags);
            return Errno.OK;
        }

        if (name.Flags.HasFlag(NameFlags.AllowReplacement) && flags.HasFlag(NameFlags.ReplaceExisting))
        {
            StopWaiting(connection, name);
            if (name.Flags.HasFlag(NameFlags.Queue)) Wait(name.Owner, name, name.Flags);
            Change(name, connection, flags);
            return Errno.OK;
        }

        if (!flags.HasFlag(NameFlags.Queue)) return Errno.EEXIST;
        if (!name.Waiters.Exists(waiter => waiter.Connection == connection)) Wait(connection, name, flags);
        return new AnswerModel(OutcomeKind.Done, Errno.OK, Extra: (ulong)NameFlags.InQueue);
    }

    public AnswerModel Release(ConnectionModel connection, string text)
    {
        var name = connection.Bus.Names.Find(each => each.Text == text);
        if (name == null) return Errno.ESRCH;
        if (name.Owner != connection) return StopWaiting(connection, name) ? Errno.OK : Errno.EADDRINUSE;
        GiveUp(name);
        return Errno.OK;
    }

    private void Attach(ConnectionModel activator, string text)
    {
        if (activator.Bus.Names.Find(each => each.Text == text) is { } name) name.Activator = activator;
        else Create(activator, text, NameFlags.Activator).Activator = activator;
    }

    private void Leave(ConnectionModel connection)
    {
        foreach (var name in connection.Bus.Names)
        {
            if (name.Activator == connection) name.Activator = null;
            name.Waiters.RemoveAll(waiter => waiter.Connection == connection);
        }

        connection.WaitsFor.Clear();
        while (connection.Names is [var oldest, ..]) GiveUp(oldest);
    }

    private NameModel Create(ConnectionModel owner, string text, NameFlags flags)
    {
        var name = new NameModel(text) { Owner = owner, Flags = flags, Since = ++_lastOwnership };
        owner.Bus.Names.Add(name);
        TellAboutName(owner.Bus, ItemType.NameAdd, text, default, new KdbusNotifyIdChange { Id = owner.Id, Flags = (ulong)flags });
        return name;
    }

    private void GiveUp(NameModel name)
    {
        if (name.Waiters is [var first, ..])
        {
            StopWaiting(first.Connection, name);
            Change(name, first.Connection, first.Flags);
        }
        else if (name.Activator is { } activator && activator != name.Owner)
        {
            Change(name, activator, NameFlags.Activator);
        }
        else
        {
            name.Owner.Bus.Names.Remove(name);
            TellAboutName(name.Owner.Bus, ItemType.NameRemove, name.Text, new KdbusNotifyIdChange { Id = name.Owner.Id, Flags = (ulong)name.Flags }, default);
        }
    }

    private void Change(NameModel name, ConnectionModel owner, NameFlags flags)
    {
        var (old, oldFlags) = (name.Owner, name.Flags);
        (name.Owner, name.Flags, name.Since) = (owner, flags, ++_lastOwnership);
        if (old == name.Activator || owner == name.Activator) HandOver(old, owner, name);
        TellAboutName(
            owner.Bus,
            ItemType.NameChange,
            name.Text,
            new KdbusNotifyIdChange { Id = old.Id, Flags = (ulong)oldFlags },
            new KdbusNotifyIdChange { Id = owner.Id, Flags = (ulong)flags });
    }

    /// <summary>
    /// Messages to the name and the permission to answer them change hands. What the new owner itself had asked the name stays
    /// with who was asked.
    /// </summary>
    private void HandOver(ConnectionModel from, ConnectionModel to, NameModel name)
    {
        if (!to.Bus.Alive) return;
        foreach (var tracker in from.Expected.FindAll(each => each.Name == name && each.Requester != to))
        {
            from.Expected.Remove(tracker);
            tracker.Answerer = to;
            to.Expected.Insert(0, tracker);
        }

        foreach (var delivery in _transfers.Values.SelectMany(transfer => transfer.Deliveries))
        {
            if (delivery.Entry.Name != name || delivery.Destination != from) continue;
            delivery.Destination = to;
            Count("went with its name while it was copied");
        }

        foreach (var entry in from.Queue.FindAll(each => each.Name == name))
        {
            from.Queue.Remove(entry);
            if (Rehome(from, to, entry)) to.Queue.Add(entry);
            else LoseMoved(to, entry);
        }
    }

    private void LoseMoved(ConnectionModel to, EntryModel entry)
    {
        if (entry.Request is { } tracker) Unqueued(tracker);
        Lose(to);
    }

    private static void Wait(ConnectionModel connection, NameModel name, NameFlags flags)
    {
        name.Waiters.Add((connection, flags));
        connection.WaitsFor.Add(name);
    }

    private static bool StopWaiting(ConnectionModel connection, NameModel name)
    {
        connection.WaitsFor.Remove(name);
        var first = name.Waiters.FindIndex(waiter => waiter.Connection == connection);
        if (first >= 0) name.Waiters.RemoveAt(first);
        return first >= 0;
    }
}
