namespace Kdbus.Engine.Tests.Simulation.Model;

internal enum RoleModel
{
    Untyped,
    BusOwner,
    EndpointOwner,
    Connection,
}

/// <summary>Who is charged.</summary>
internal sealed class UserModel
{
    public int Connections { get; set; }

    public int Buses { get; set; }
}

internal sealed class EndpointModel(BusModel bus, string name, UserModel? user)
{
    public BusModel Bus { get; } = bus;

    public string Name { get; } = name;

    public bool Alive { get; set; } = true;

    /// <summary>The anonymous user of a custom endpoint, or null.</summary>
    public UserModel? User { get; } = user;

    public PolicyModel? Policy { get; } = user == null ? null : new PolicyModel();

    public ulong Inode { get; set; }
}

internal sealed class BusModel(ulong id, string name, uint uid, int bloomSize, MakeFlags flags, UserModel maker, TaskModel creator)
{
    public ulong Id { get; } = id;

    public string Name { get; } = name;

    public uint Uid { get; } = uid;

    public int BloomSize { get; } = bloomSize;

    public MakeFlags Flags { get; } = flags;

    /// <summary>What its members must allow.</summary>
    public AttachFlags Required { get; init; }

    /// <summary>What may be told of its creator.</summary>
    public AttachFlags CreatorSend { get; init; }

    /// <summary>The creator as he was then.</summary>
    public TaskModel Creator { get; } = creator;

    /// <summary>How often somebody did not allow what is required, what the last one kept back, and his process.</summary>
    public (ulong Count, AttachFlags Missing, int Pid) Unmet { get; private set; }

    public UserModel Maker { get; } = maker;

    public bool Alive { get; set; } = true;

    public List<EndpointModel> Endpoints { get; } = [];

    /// <summary>Everybody, in the order of HELLO.</summary>
    public List<ConnectionModel> Connections { get; } = [];

    public List<NameModel> Names { get; } = [];

    public PolicyModel Policy { get; } = new();

    public bool IsOwnedBy(in Caller caller) => caller.CapIpcOwner || caller.Euid == Uid;

    public bool IsContentWith(AttachFlags allowed, int pid)
    {
        var missing = Required & ~allowed;
        if (missing != 0) Unmet = (Unmet.Count + 1, missing, pid);
        return missing == 0;
    }
}

internal sealed class HandleModel(ulong id, EndpointModel? endpoint, in Caller opener)
{
    public ulong Id { get; } = id;

    public EndpointModel? Endpoint { get; } = endpoint;

    public Caller Opener { get; } = opener;

    public bool Privileged { get; } = endpoint is { User: null } && endpoint.Bus.IsOwnedBy(opener);

    public RoleModel Role { get; set; }

    public BusModel? OwnedBus { get; set; }

    public EndpointModel? OwnedEndpoint { get; set; }

    public ConnectionModel? Connection { get; set; }
}

internal sealed class ConnectionModel(ulong id, HandleModel handle, HelloFlags flags, TaskModel task, UserModel user, PoolModel pool)
{
    public ulong Id { get; } = id;

    public HandleModel Handle { get; } = handle;

    public HelloFlags Flags { get; } = flags;

    /// <summary>Who said HELLO, as he was then.</summary>
    public TaskModel Task { get; } = task;

    /// <summary>Who he said that he is, if he did.</summary>
    public TaskModel? Fakes { get; init; }

    public Caller Creator { get; } = task.Caller;

    public UserModel User { get; } = user;

    public PoolModel Pool { get; } = pool;

    public EndpointModel Endpoint => Handle.Endpoint!;

    public BusModel Bus => Endpoint.Bus;

    public bool IsOrdinary => (Flags & ~HelloFlags.AcceptFd) == 0;

    public bool IsActivator => Flags.HasFlag(HelloFlags.Activator);

    public bool IsHolder => Flags.HasFlag(HelloFlags.PolicyHolder);

    public bool IsMonitor => Flags.HasFlag(HelloFlags.Monitor);

    public bool Alive { get; set; } = true;

    public AttachFlags Send { get; set; }

    public AttachFlags Recv { get; set; }

    public string Description { get; init; } = "";

    public ulong Dropped { get; set; }

    public List<MatchModel> Matches { get; } = [];

    /// <summary>What it has to receive, in order.</summary>
    public List<EntryModel> Queue { get; } = [];

    /// <summary>All that is charged here: queued, on its way here, or an answer that waits to be picked up.</summary>
    public List<EntryModel> Charged { get; } = [];

    /// <summary>Its requests that take a slot, in the order of sending.</summary>
    public List<TrackerModel> Slots { get; } = [];

    /// <summary>Its requests that may still be answered, oldest first.</summary>
    public List<TrackerModel> Requests { get; } = [];

    /// <summary>The requests of others that it may still answer, newest first.</summary>
    public List<TrackerModel> Expected { get; } = [];

    /// <summary>The names it waits for, in the order in which it began to.</summary>
    public List<NameModel> WaitsFor { get; } = [];

    public bool IsReadable => Queue.Count > 0 || Dropped > 0;

    /// <summary>Its names, oldest ownership first.</summary>
    public List<NameModel> Names => [.. Bus.Names.FindAll(name => name.Owner == this).OrderBy(name => name.Since)];
}
