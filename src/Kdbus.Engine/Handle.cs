using Kdbus.Abi;

namespace Kdbus.Engine;

/// <summary>What an open file description has become.</summary>
internal enum HandleRole
{
    Untyped,
    BusOwner,
    EndpointOwner,
    Connection,
}

/// <summary>
/// An open file description of <c>control</c> or of an endpoint. It starts untyped and gets at most one role, for ever;
/// dup(2), fork(2) and descriptor passing share it.
/// </summary>
internal sealed class Handle(ulong id, Endpoint? endpoint, in Caller opener)
{
    public ulong Id { get; } = id;

    /// <summary>The endpoint it was opened on, or null for <c>control</c>.</summary>
    public Endpoint? Endpoint { get; } = endpoint;

    /// <summary>Decided when the file was opened.</summary>
    public bool Privileged { get; } = endpoint is { IsCustom: false } && opener.IsPrivilegedOn(endpoint.Bus);

    /// <summary>Who opened it.</summary>
    public Caller Opener { get; } = opener;

    public HandleRole Role { get; private set; }

    public Bus? OwnedBus { get; private set; }

    public Endpoint? OwnedEndpoint { get; private set; }

    public Connection? Connection { get; private set; }

    public void Become(Bus bus) => (Role, OwnedBus) = (HandleRole.BusOwner, bus);

    public void Become(Endpoint endpoint) => (Role, OwnedEndpoint) = (HandleRole.EndpointOwner, endpoint);

    public void Become(Connection connection) => (Role, Connection) = (HandleRole.Connection, connection);

    public void BecomeUntyped() => (Role, OwnedBus, OwnedEndpoint, Connection) = (HandleRole.Untyped, null, null, null);

    /// <summary>
    /// Whether the command may be issued here at all: this is decided before its struct is looked at. The order for a
    /// connection is: dead, unknown to connections, not for this kind of connection.
    /// </summary>
    public Errno Admit(Command command) => Role switch
    {
        HandleRole.BusOwner => Errno.EBADFD,
        HandleRole.EndpointOwner => command != Command.EndpointUpdate ? Errno.EBADFD
            : OwnedEndpoint!.Alive ? Errno.OK : Errno.ESHUTDOWN,
        HandleRole.Connection => AdmitConnection(command),
        _ => AdmitUntyped(command),
    };

    private Errno AdmitConnection(Command command)
    {
        if (!Connection!.Alive) return Errno.ECONNRESET;
        if (command is Command.BusMake or Command.EndpointMake or Command.EndpointUpdate or Command.Hello) return Errno.EBADFD;
        return IsFor(Connection.Kind, command) ? Errno.OK : Errno.EOPNOTSUPP;
    }

    private static bool IsFor(ConnectionKind kind, Command command) => command switch
    {
        Command.Recv or Command.Free or Command.FdsInstalled or Command.Exchange => kind != ConnectionKind.PolicyHolder,
        Command.List or Command.ConnInfo or Command.BusCreatorInfo or Command.Update => true,
        _ => kind == ConnectionKind.Ordinary,
    };

    private Errno AdmitUntyped(Command command)
    {
        switch (command)
        {
            case Command.BusMake when Endpoint == null:
                return Errno.OK;
            case Command.Hello when Endpoint != null:
                return Endpoint.Alive ? Errno.OK : Errno.ESHUTDOWN;
            case Command.EndpointMake when Endpoint != null:
                if (!Endpoint.Alive) return Errno.ESHUTDOWN;
                return Privileged ? Errno.OK : Errno.EPERM;
            case Command.EndpointMake:
                return Errno.OK; // if it names a bus, which is to be seen
            default:
                return Errno.EBADFD;
        }
    }
}
