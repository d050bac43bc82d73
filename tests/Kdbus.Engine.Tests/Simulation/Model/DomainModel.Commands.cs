namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>A HELLO as its caller issues it.</summary>
internal sealed class HelloModel
{
    public HelloFlags Flags { get; init; }

    public ulong PoolSize { get; init; }

    public ulong Send { get; init; }

    public ulong Recv { get; init; }

    /// <summary>Name and policy, in the order of their items.</summary>
    public List<PolicyLine> Policy { get; init; } = [];

    public string Description { get; init; } = "";

    /// <summary>The pool could be made.</summary>
    public bool HasPool { get; init; } = true;

    /// <summary>The host has no memory for it.</summary>
    public bool IsExhausted { get; init; }
}

/// <summary>A record of LIST.</summary>
internal readonly record struct RecordModel(ulong Id, ulong Flags, ulong NameFlags, string? Name);

/// <summary>The commands of a connection other than SEND, and the one by which it becomes one.</summary>
internal sealed partial class DomainModel
{
    public AnswerModel Hello(HandleModel handle, in Caller caller, HelloModel hello)
    {
        var bus = handle.Endpoint!.Bus;
        var kind = hello.Flags & ~HelloFlags.AcceptFd;
        var name = hello.Policy.Find(line => line.Name != null)?.Name;
        var takesName = kind is HelloFlags.Activator or HelloFlags.PolicyHolder;
        if (hello.PoolSize == 0 || hello.PoolSize % 4096 != 0) return Errno.EINVAL;
        if (kind is not (0 or HelloFlags.Activator or HelloFlags.PolicyHolder or HelloFlags.Monitor)) return Errno.EINVAL;
        if ((name != null) != takesName) return Errno.EINVAL;
        if (name != null && !NameRules.IsValid(name, kind == HelloFlags.PolicyHolder)) return Errno.EINVAL;
        if (kind == HelloFlags.Monitor && handle.Endpoint.User != null) return Errno.EOPNOTSUPP;
        if (kind != 0 && !handle.Privileged) return Errno.EPERM;
        if (!IsSane(hello.Send, out var send) || !IsSane(hello.Recv, out var recv)) return Errno.EINVAL;
        if ((bus.Required & ~send) != 0) return Errno.ECONNREFUSED;

        var id = ++LastId;
        if (!hello.HasPool) return Errno.ENOMEM;
        var user = handle.Endpoint.User ?? UserOf(caller.Uid);
        if (user.Connections >= limits.Connections) return Errno.EMFILE;
        List<(string Name, List<PolicyLine> Access)> policy = [];
        if (name != null)
        {
            if (kind == HelloFlags.Activator && bus.Names.Exists(each => each.Text == name && each.Activator != null)) return Errno.EEXIST;
            var result = PolicyModel.Read(hello.Policy, maxNames: 1, kind == HelloFlags.PolicyHolder, out policy);
            if (result == Errno.OK) result = bus.Policy.MaySet(handle, policy);
            if (result != Errno.OK) return result;
        }

        var pool = new PoolModel(hello.PoolSize) { IsExhausted = hello.IsExhausted };
        var allocated = pool.Allocate(32, out var slice);
        if (allocated != Errno.OK) return allocated;
        (slice.HeldByBus, slice.HeldByOwner) = (false, true);

        user.Connections++;
        var connection = new ConnectionModel(id, handle, hello.Flags, caller, user, pool) { Description = hello.Description, Send = send, Recv = recv };
        (handle.Role, handle.Connection) = (RoleModel.Connection, connection);
        bus.Connections.Add(connection);
        TellAboutId(connection, ItemType.IdAdd);
        if (connection.IsActivator) Attach(connection, name!);
        bus.Policy.Set(connection, policy);
        return new AnswerModel(OutcomeKind.Done, Errno.OK, slice.Offset, slice.Size, id);
    }

    public AnswerModel Byebye(ConnectionModel connection)
    {
        if (connection.Queue.Count > 0) return Errno.EBUSY;
        Disconnect(connection);
        return Errno.OK;
    }

    public AnswerModel Update(ConnectionModel connection, ulong? send, ulong? recv, List<PolicyLine> policy)
    {
        var (newSend, newRecv) = (connection.Send, connection.Recv);
        if (send is { } givenSend)
        {
            if (!connection.IsOrdinary && !connection.IsMonitor) return Errno.EOPNOTSUPP;
            if (!IsSane(givenSend, out newSend) || (connection.Bus.Required & ~newSend) != 0) return Errno.EINVAL;
        }

        if (recv is { } givenRecv)
        {
            if (connection.IsHolder) return Errno.EOPNOTSUPP;
            if (!IsSane(givenRecv, out newRecv)) return Errno.EINVAL;
        }

        if (policy.Count > 0)
        {
            if (!connection.IsHolder) return Errno.EOPNOTSUPP;
            var result = PolicyModel.Read(policy, maxNames: 1, acceptWildcards: true, out var entries);
            if (result == Errno.OK) result = connection.Bus.Policy.Set(connection, entries);
            if (result != Errno.OK) return result;
        }

        (connection.Send, connection.Recv) = (newSend, newRecv);
        return Errno.OK;
    }

    /// <summary>Extra: the messages lost.</summary>
    public AnswerModel Recv(ConnectionModel connection, RecvFlags flags, long priority)
    {
        var (drops, peeks, byPriority) = (flags.HasFlag(RecvFlags.Drop), flags.HasFlag(RecvFlags.Peek), flags.HasFlag(RecvFlags.UsePriority));
        if (drops && byPriority) return Errno.EINVAL;
        var entry = byPriority
            ? connection.Queue.Where(each => each.Message.Priority <= priority).MinBy(each => each.Message.Priority)
            : connection.Queue.FirstOrDefault();
        var answer = new AnswerModel(OutcomeKind.Done, entry == null ? Errno.EAGAIN : Errno.OK, connection.Pool.Size);
        if (entry != null && drops)
        {
            RemoveFromQueue(connection, entry);
            if (entry.Request is { Ended: false } tracker && tracker.Answerer.Expected.Contains(tracker)) NoAnswer(tracker);
        }
        else if (entry != null)
        {
            entry.Slice.HeldByOwner = true;
            answer = answer with { Offset = entry.Slice.Offset, Size = entry.Slice.Size, Entry = entry };
            if (!peeks) RemoveFromQueue(connection, entry);
            Count(peeks ? "peeked" : "received");
        }

        answer = answer with { Extra = connection.Dropped };
        connection.Dropped = 0;
        return answer;
    }

    public AnswerModel MatchAdd(ConnectionModel connection, ulong cookie, bool replace, List<RuleModel> rules)
    {
        foreach (var rule in rules)
        {
            var result = rule.Check(connection.Bus.BloomSize);
            if (result != Errno.OK) return result;
        }

        if (replace) connection.Matches.RemoveAll(match => match.Cookie == cookie);
        if (connection.Matches.Count >= limits.Matches) return Errno.EMFILE;
        connection.Matches.Add(new MatchModel(cookie, rules));
        return Errno.OK;
    }

    public static AnswerModel MatchRemove(ConnectionModel connection, ulong cookie) =>
        connection.Matches.RemoveAll(match => match.Cookie == cookie) > 0 ? Errno.OK : Errno.EBADSLT;

    /// <summary>The records in any order.</summary>
    public static AnswerModel List(ConnectionModel asking, in Caller caller, ListFlags flags, out List<RecordModel> records)
    {
        records = [];
        var (names, activators, queued, unique) =
            (flags.HasFlag(ListFlags.Names), flags.HasFlag(ListFlags.Activators), flags.HasFlag(ListFlags.Queued), flags.HasFlag(ListFlags.Unique));
        foreach (var c in asking.Bus.Connections)
        {
            if (c.IsMonitor || (c.IsActivator && !activators)) continue;
            var wanted = new List<(ConnectionModel Connection, NameModel Name)>();
            if (names || activators)
            {
                foreach (var e in c.Names)
                {
                    if (activators && e.Activator is { } activator && activator != c) wanted.Add((activator, e));
                    if (names || c.IsActivator) wanted.Add((c, e));
                }
            }

            if (queued) wanted.AddRange(c.WaitsFor.Select(e => (c, e)));
            foreach (var (x, e) in wanted)
            {
                if (MaySee(asking, caller, e.Text)) records.Add(new RecordModel(x.Id, (ulong)x.Flags, (ulong)e.Flags, e.Text));
            }

            if (wanted.Count == 0 && unique) records.Add(new RecordModel(c.Id, (ulong)c.Flags, 0, null));
        }

        var size = records.Sum(record => 24 + (record.Name == null ? 0 : MessageModel.Align(24 + record.Name.Length + 1)));
        return InPool(asking, size);
    }

    public AnswerModel ConnInfo(ConnectionModel asking, in Caller caller, ulong id, string? text, ulong asked, out ConnectionModel? target)
    {
        target = null;
        if (!IsSane(asked, out var mask)) return Errno.EINVAL;
        if (text != null)
        {
            var name = asking.Bus.Names.Find(each => each.Text == text);
            if (name == null || !MaySee(asking, caller, text) || (id != 0 && id != name.Owner.Id)) return Errno.ESRCH;
            target = name.Owner;
        }
        else
        {
            if (id == 0) return Errno.EINVAL;
            target = asking.Bus.Connections.Find(each => each.Id == id);
            if (target == null || !MaySee(asking, caller, target)) return Errno.ENXIO;
        }

        var tells = (mask & target.Send & attachMask).HasFlag(AttachFlags.ConnDescription) && target.Description.Length > 0;
        return InPool(asking, 24 + (tells ? MessageModel.Align(16 + target.Description.Length + 1) : 0));
    }

    public static AnswerModel BusCreatorInfo(ConnectionModel asking, ulong asked) =>
        !IsSane(asked, out _) ? Errno.EINVAL : InPool(asking, 24 + MessageModel.Align(16 + asking.Bus.Name.Length + 1));

    private static AnswerModel InPool(ConnectionModel asking, int size)
    {
        if (size == 0) return new AnswerModel(OutcomeKind.Done, Errno.OK, asking.Pool.Size);
        var result = asking.Pool.Allocate((ulong)size, out var slice);
        if (result != Errno.OK) return result;
        (slice.HeldByBus, slice.HeldByOwner) = (false, true);
        return new AnswerModel(OutcomeKind.Done, Errno.OK, slice.Offset, slice.Size);
    }

    private static bool IsSane(ulong given, out AttachFlags mask)
    {
        mask = given == ulong.MaxValue ? (AttachFlags)0x3fff : (AttachFlags)given;
        return (ulong)mask <= 0x3fff;
    }
}
