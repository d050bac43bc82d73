namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>What a command must come to.</summary>
/// <param name="Kind">How it must stand.</param>
/// <param name="Result">Its result, if it is done.</param>
/// <param name="Offset">Where its results must lie in the pool of the caller, if it has any there.</param>
/// <param name="Size">How large they must be.</param>
/// <param name="Extra">One more number that it returns: return_flags, an id, the messages lost.</param>
internal readonly record struct AnswerModel(OutcomeKind Kind, Errno Result, ulong Offset = 0, ulong Size = 0, ulong Extra = 0)
{
    /// <summary>The message received, or the answer to a call that was repeated.</summary>
    public EntryModel? Entry { get; init; }

    public static implicit operator AnswerModel(Errno result) => new(OutcomeKind.Done, result);
}

/// <summary>How a waiting call must end.</summary>
internal sealed record CompletionModel(ulong Request, ulong Handle, Errno Result, bool Restart, ulong Offset, ulong Size)
{
    public EntryModel? Entry { get; init; }

    public ConnectionModel? Caller { get; init; }
}

/// <summary>
/// What must be true of a domain, said as simply as it can be: lists that are walked from one end to the other, formulas
/// computed anew each time. It is written from the specification and shares nothing with the engine. Where that leaves a choice
/// the model makes the one of the engine, so that every pool can be foreseen to the byte. These are all of them: the lowest of
/// several free ranges that fit equally well; requests whose deadlines have passed end in the order of those, and requests whose
/// answerer is gone newest first; connections that end together end in the order that <see cref="EndTogether"/> is told; who
/// gets a name by replacing its owner no longer waits for it, and who waits already does not wait twice; a payload that cannot be
/// read is EFAULT for signals too; an activator or holder that cannot have its name or policy is refused before anybody sees it; who
/// waits for an answer is looked at when he begins to, for what he wants by then; of a number given as an id 32 bits count.
/// </summary>
internal sealed partial class DomainModel(DomainLimits limits)
{
    private readonly Dictionary<uint, UserModel> _users = [];
    private readonly UserModel _busItself = new();
    private int _lastOwnership;
    private Instant _now;

    /// <summary>Kinds of metadata that the administrator lets through.</summary>
    public AttachFlags AttachMask { get; set; } = (AttachFlags)0x281f;

    public List<BusModel> Buses { get; } = [];

    public Dictionary<ulong, HandleModel> Handles { get; } = [];

    /// <summary>The number drawn last; ids and sequence numbers come from one counter.</summary>
    public ulong LastId { get; private set; }

    /// <summary>What the last input must have ended.</summary>
    public List<CompletionModel> Completions { get; } = [];

    /// <summary>What must have found no room since the last input: receiver, bytes, reason.</summary>
    public List<(ulong Receiver, ulong Size, Errno Reason)> Refusals { get; } = [];

    /// <summary>Messages that waited for their payload or their turn and did get through, and notifications, for the record.</summary>
    public Dictionary<string, int> Tally { get; } = [];

    public void Count(string what) => Tally[what] = Tally.GetValueOrDefault(what) + 1;

    /// <summary>A command arrives: time goes on, it is admitted or not, and runs.</summary>
    public AnswerModel Execute(HandleModel handle, Command command, Instant now, Func<AnswerModel> run)
    {
        Arrive(now);
        var admitted = Admit(handle, command);
        return admitted == Errno.OK ? run() : admitted;
    }

    public void Arrive(Instant now)
    {
        if (now.Monotonic > _now.Monotonic) _now = now;
        EndOverdue();
    }

    public Errno Admit(HandleModel handle, Command command)
    {
        var isSetup = command is Command.BusMake or Command.EndpointMake or Command.Hello;
        switch (handle.Role)
        {
            case RoleModel.BusOwner:
                return Errno.EBADFD;
            case RoleModel.EndpointOwner when command == Command.EndpointUpdate:
                return handle.OwnedEndpoint!.Alive ? Errno.OK : Errno.ESHUTDOWN;
            case RoleModel.EndpointOwner:
                return Errno.EBADFD;
            case RoleModel.Connection:
                var connection = handle.Connection!;
                if (!connection.Alive) return Errno.ECONNRESET;
                if (isSetup || command == Command.EndpointUpdate) return Errno.EBADFD;
                var mayAll = command is Command.List or Command.ConnInfo or Command.BusCreatorInfo or Command.Update;
                var mayReceive = command is Command.Recv or Command.Free or Command.FdsInstalled && !connection.IsHolder;
                return mayAll || mayReceive || connection.IsOrdinary ? Errno.OK : Errno.EOPNOTSUPP;
        }

        if (handle.Endpoint == null) return command is Command.BusMake or Command.EndpointMake ? Errno.OK : Errno.EBADFD;
        if (command is not (Command.Hello or Command.EndpointMake)) return Errno.EBADFD;
        if (!handle.Endpoint.Alive) return Errno.ESHUTDOWN;
        return command == Command.EndpointMake && !handle.Privileged ? Errno.EPERM : Errno.OK;
    }

    public Errno Open(ulong id, EndpointModel? endpoint, in Caller caller)
    {
        if (endpoint is { Alive: false }) return Errno.ESHUTDOWN;
        Handles.Add(id, new HandleModel(id, endpoint, caller));
        return Errno.OK;
    }

    /// <summary>A handle was closed, or (<paramref name="undo"/>) what it had become is taken back.</summary>
    public void End(HandleModel handle, Instant now, IReadOnlyList<ulong> order, bool undo)
    {
        if (now.Monotonic > _now.Monotonic) _now = now;
        switch (handle.Role)
        {
            case RoleModel.BusOwner when handle.OwnedBus is { Alive: true } bus:
                bus.Alive = false;
                Buses.Remove(bus);
                bus.Maker.Buses--;
                EndTogether(bus, bus.Endpoints, order);
                break;
            case RoleModel.EndpointOwner when handle.OwnedEndpoint is { Alive: true } endpoint:
                EndTogether(endpoint.Bus, [endpoint], order);
                break;
            case RoleModel.Connection:
                Disconnect(handle.Connection!);
                handle.Connection!.User.Connections--;
                break;
        }

        if (undo) (handle.Role, handle.OwnedBus, handle.OwnedEndpoint, handle.Connection) = (RoleModel.Untyped, null, null, null);
        else Handles.Remove(handle.Id);
    }

    /// <summary>In which order the connections of an endpoint end is nobody's business; the model is told.</summary>
    private void EndTogether(BusModel bus, List<EndpointModel> endpoints, IReadOnlyList<ulong> order)
    {
        var ending = endpoints.ToList();
        foreach (var endpoint in ending) endpoint.Alive = false;
        bus.Endpoints.RemoveAll(ending.Contains);
        foreach (var id in order)
        {
            if (bus.Connections.Find(connection => connection.Id == id) is { } connection) Disconnect(connection);
        }

        Invariant.That(!bus.Connections.Exists(connection => ending.Contains(connection.Endpoint)), "everything ends with its endpoint");
    }

    public void Disconnect(ConnectionModel connection)
    {
        if (!connection.Alive) return;
        connection.Alive = false;
        connection.Matches.Clear();
        connection.Bus.Policy.Remove(connection);
        connection.Bus.Connections.Remove(connection);
        Leave(connection);
        while (connection.Queue.Count > 0) RemoveFromQueue(connection, connection.Queue[0]);
        while (connection.Requests.Count > 0) Fail(connection.Requests[^1], Errno.ECONNRESET);
        while (connection.Expected.Count > 0) NoAnswer(connection.Expected[0]);
        TellAboutId(connection, ItemType.IdRemove);
    }

    public AnswerModel BusMake(HandleModel handle, TaskModel task, string name, int bloomSize, MakeFlags flags, ulong required, ulong creatorSend)
    {
        var caller = task.Caller;
        if (bloomSize < 8 || bloomSize > limits.BloomSize || bloomSize % 8 != 0) return Errno.EINVAL;
        if (!IsSane(required, out var members) || !IsSane(creatorSend, out var creator)) return Errno.EINVAL;
        if (!name.StartsWith($"{caller.Euid}-", StringComparison.Ordinal)) return Errno.EINVAL;
        var id = ++LastId;
        if (Buses.Exists(bus => bus.Name == name)) return Errno.EEXIST;
        var maker = UserOf(caller.Uid);
        if (maker.Buses >= limits.Buses) return Errno.EMFILE;
        maker.Buses++;
        var made = new BusModel(id, name, caller.Euid, bloomSize, flags, maker, task) { Required = members, CreatorSend = creator };
        made.Endpoints.Add(new EndpointModel(made, "bus", user: null));
        Buses.Add(made);
        (handle.Role, handle.OwnedBus) = (RoleModel.BusOwner, made);
        return Errno.OK;
    }

    /// <summary>On <c>control</c> the name has that of the bus before a slash.</summary>
    public AnswerModel EndpointMake(HandleModel handle, in Caller caller, string name)
    {
        var bus = handle.Endpoint?.Bus;
        if (bus == null)
        {
            var path = name.Split('/');
            if (path.Length < 2) return Errno.EBADFD;
            bus = Buses.Find(each => each.Name == path[0]);
            if (bus == null) return Errno.ENOENT;
            if (!bus.IsOwnedBy(handle.Opener)) return Errno.EPERM;
            name = path[1];
        }

        if (!name.StartsWith($"{caller.Euid}-", StringComparison.Ordinal)) return Errno.EINVAL;
        if (bus.Endpoints.Exists(endpoint => endpoint.Name == name)) return Errno.EEXIST;
        var made = new EndpointModel(bus, name, new UserModel());
        bus.Endpoints.Add(made);
        (handle.Role, handle.OwnedEndpoint) = (RoleModel.EndpointOwner, made);
        return Errno.OK;
    }

    public static AnswerModel EndpointUpdate(HandleModel handle, TaskModel caller, IEnumerable<PolicyLine> policy)
    {
        var result = PolicyModel.Read(policy, caller.Users, maxNames: 0, acceptWildcards: true, out var entries);
        return result == Errno.OK ? handle.OwnedEndpoint!.Policy!.Set(handle.OwnedEndpoint, entries) : result;
    }

    private UserModel UserOf(uint uid)
    {
        if (!_users.TryGetValue(uid, out var user)) _users.Add(uid, user = new UserModel());
        return user;
    }

    private static bool MayOwn(ConnectionModel connection, in Caller caller, string name)
    {
        if (connection.Endpoint.Policy is { } own && own.Lookup(caller, name) < 2) return false;
        return connection.Handle.Privileged || connection.Bus.Policy.Lookup(caller, name) >= 2;
    }

    private static bool MayTalk(ConnectionModel connection, in Caller caller, ConnectionModel target)
    {
        if (connection.Endpoint.Policy is { } own && !AnyName(target, own, caller, 1)) return false;
        return connection.Handle.Privileged || caller.Euid == target.Creator.Uid || AnyName(target, connection.Bus.Policy, caller, 1);
    }

    private static bool MaySee(ConnectionModel connection, in Caller caller, string name) =>
        connection.Endpoint.Policy is not { } own || own.Lookup(caller, name) >= 0;

    private static bool MaySee(ConnectionModel connection, in Caller caller, ConnectionModel target) =>
        connection.Endpoint.Policy is not { } own || AnyName(target, own, caller, 0);

    private static bool AnyName(ConnectionModel target, PolicyModel policy, in Caller caller, int least)
    {
        foreach (var name in target.Bus.Names)
        {
            if (name.Owner == target && policy.Lookup(caller, name.Text) >= least) return true;
        }

        return false;
    }
}
