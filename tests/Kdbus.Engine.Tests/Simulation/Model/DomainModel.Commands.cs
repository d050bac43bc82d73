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

    /// <summary>Ids of somebody else, or null.</summary>
    public ulong[]? Creds { get; init; }

    /// <summary>Process, thread and parent of somebody else, or null.</summary>
    public ulong[]? Pids { get; init; }

    /// <summary>The label of somebody else, or null.</summary>
    public string? Seclabel { get; init; }

    public bool Fakes => Creds != null || Pids != null || Seclabel != null;

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
    public AnswerModel Hello(HandleModel handle, TaskModel task, HelloModel hello, Func<TaskModel, ulong, PidModel?> find)
    {
        var caller = task.Caller;
        if (hello.Seclabel is { } label && label.Contains('\0')) return Errno.EINVAL;
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
        if (hello.Fakes && !handle.Privileged) return Errno.EPERM;
        if (!IsSane(hello.Send, out var send) || !IsSane(hello.Recv, out var recv)) return Errno.EINVAL;
        if (!bus.IsContentWith(send, caller.Pid)) return Errno.ECONNREFUSED;

        var id = ++LastId;
        if (!hello.HasPool) return Errno.ENOMEM;
        if (!TryFake(task, hello, find, out var fakes)) return Errno.EINVAL;
        var user = handle.Endpoint.User ?? UserOf(caller.Uid);
        if (user.Connections >= limits.Connections) return Errno.EMFILE;
        List<(string Name, List<PolicyLine> Access)> policy = [];
        if (name != null)
        {
            if (kind == HelloFlags.Activator && bus.Names.Exists(each => each.Text == name && each.Activator != null)) return Errno.EEXIST;
            var result = PolicyModel.Read(hello.Policy, task.Users, maxNames: 1, kind == HelloFlags.PolicyHolder, out policy);
            if (result == Errno.OK) result = bus.Policy.MaySet(handle, policy);
            if (result != Errno.OK) return result;
        }

        var pool = new PoolModel(hello.PoolSize) { IsExhausted = hello.IsExhausted };
        var allocated = pool.Allocate(32, out var slice);
        if (allocated != Errno.OK) return allocated;
        (slice.HeldByBus, slice.HeldByOwner) = (false, true);

        user.Connections++;
        var connection = new ConnectionModel(id, handle, hello.Flags, task, user, pool) { Description = hello.Description, Send = send, Recv = recv, Fakes = fakes };
        if (fakes != null) Count("faked");
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

    public AnswerModel Update(ConnectionModel connection, TaskModel caller, ulong? send, ulong? recv, List<PolicyLine> policy)
    {
        var (newSend, newRecv) = (connection.Send, connection.Recv);
        if (send is { } givenSend)
        {
            if (!connection.IsOrdinary && !connection.IsMonitor) return Errno.EOPNOTSUPP;
            if (!IsSane(givenSend, out newSend) || !connection.Bus.IsContentWith(newSend, connection.Creator.Pid)) return Errno.EINVAL;
        }

        if (recv is { } givenRecv)
        {
            if (connection.IsHolder) return Errno.EOPNOTSUPP;
            if (!IsSane(givenRecv, out newRecv)) return Errno.EINVAL;
        }

        if (policy.Count > 0)
        {
            if (!connection.IsHolder) return Errno.EOPNOTSUPP;
            var result = PolicyModel.Read(policy, caller.Users, maxNames: 1, acceptWildcards: true, out var entries);
            if (result == Errno.OK) result = connection.Bus.Policy.Set(connection, entries);
            if (result != Errno.OK) return result;
        }

        (connection.Send, connection.Recv) = (newSend, newRecv);
        return Errno.OK;
    }

    /// <summary>Extra: the messages lost.</summary>
    public AnswerModel Recv(ulong request, ConnectionModel connection, TaskModel caller, RecvFlags flags, long priority, bool takesDescriptors)
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
            var declines = peeks || !connection.Flags.HasFlag(HelloFlags.AcceptFd);
            PickUp(connection, entry, new ViewModel(caller, entry.Metadata.Agreed), declines ? WayModel.Declined : takesDescriptors ? WayModel.Sent : WayModel.Missing);
            if (entry.Handout is { } handout) Handouts.Add(request, handout);
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

    public AnswerModel ConnInfo(ConnectionModel asking, TaskModel caller, ulong id, string? text, ulong asked, out byte[] record)
    {
        record = [];
        if (!IsSane(asked, out var mask)) return Errno.EINVAL;
        ConnectionModel? target;
        if (text != null)
        {
            var name = asking.Bus.Names.Find(each => each.Text == text);
            if (name == null || !MaySee(asking, caller.Caller, text) || (id != 0 && id != name.Owner.Id)) return Errno.ESRCH;
            target = name.Owner;
        }
        else
        {
            if (id == 0) return Errno.EINVAL;
            target = asking.Bus.Connections.Find(each => each.Id == id);
            if (target == null || !MaySee(asking, caller.Caller, target)) return Errno.ENXIO;
        }

        var told = new MetadataModel
        {
            Agreed = MetadataModel.LetThrough(AttachMask) & target.Send & mask,
            Task = target.Fakes ?? target.Task,
            Names = NamesOf(target),
            Description = target.Description,
        };
        record = Record(target.Id, (ulong)target.Flags, name: null, told.Items(new ViewModel(caller, mask)));
        if (record.Length < 24 + told.Estimate()) Count("kept from who asked");
        return InPool(asking, record.Length) with { Extra = target.Fakes != null ? 1UL : 0 };
    }

    public AnswerModel BusCreatorInfo(ConnectionModel asking, TaskModel caller, ulong asked, out byte[] record)
    {
        record = [];
        if (!IsSane(asked, out var mask)) return Errno.EINVAL;
        var bus = asking.Bus;
        var told = new MetadataModel { Agreed = MetadataModel.LetThrough(AttachMask) & bus.CreatorSend & mask, Task = bus.Creator };
        record = Record(bus.Id, (ulong)bus.Flags, bus.Name, told.Items(new ViewModel(caller, mask)));
        return InPool(asking, record.Length);
    }

    /// <summary>As large as what stands in it.</summary>
    private static byte[] Record(ulong id, ulong flags, string? name, byte[] items)
    {
        var bytes = new MemoryStream();
        var to = new BinaryWriter(bytes);
        to.Write(0UL);
        to.Write(id);
        to.Write(flags);
        if (name != null) MetadataModel.Text(to, ItemType.MakeName, name);
        to.Write(items);
        var record = bytes.ToArray();
        BitConverter.TryWriteBytes(record, (ulong)record.Length);
        return record;
    }

    /// <summary>
    /// Who a privileged caller says that he is: ids by the names of his user namespace, or 0xffffffff for none; processes by the
    /// numbers of his pid namespace, or 0 for none.
    /// </summary>
    private static bool TryFake(TaskModel caller, HelloModel hello, Func<TaskModel, ulong, PidModel?> find, out TaskModel? fakes)
    {
        fakes = null;
        if (!hello.Fakes) return true;
        var faked = new TaskModel { Index = caller.Index, Seclabel = hello.Seclabel ?? "" };
        if (hello.Seclabel != null) faked = faked with { Kinds = AttachFlags.Seclabel };
        if (hello.Creds is { } creds)
        {
            var ids = creds.Select((id, i) => id == uint.MaxValue ? uint.MaxValue : UserNamespaceModel.Outside(i < 4 ? caller.Users.Users : caller.Users.Groups, (uint)id)).ToArray();
            if (ids.Contains(null)) return false;
            faked = faked with { Kinds = faked.Kinds | AttachFlags.Creds, Ids = Array.ConvertAll(ids, id => id!.Value) };
        }

        if (hello.Pids is { } pids)
        {
            var found = pids.Select(number => find(caller, number)).ToArray();
            for (var i = 0; i < pids.Length; i++)
            {
                if (pids[i] != 0 && found[i] == null) return false;
            }

            faked = faked with { Kinds = faked.Kinds | AttachFlags.Pids, Process = found[0], Thread = found[1], Parent = found[2] };
        }

        fakes = faked;
        return true;
    }

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
        return ((ulong)mask & ~0x7_0000_3fffUL) == 0;
    }
}
