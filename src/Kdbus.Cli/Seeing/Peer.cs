using System.Globalization;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>What is known about a connection, for one line. What it does not allow to be told is null.</summary>
/// <param name="Id">Its unique id.</param>
/// <param name="Kind">ordinary, activator, policy-holder or monitor.</param>
/// <param name="Pid">Its process.</param>
/// <param name="Process">What the process calls itself.</param>
/// <param name="User">Its user, by name if there is one.</param>
/// <param name="Description">What it said at HELLO.</param>
internal sealed record Peer(ulong Id, string Kind, int? Pid, string? Process, string? User, string? Description)
{
    private const AttachFlags Asked = AttachFlags.Creds | AttachFlags.Pids | AttachFlags.Names | AttachFlags.PidComm | AttachFlags.ConnDescription;

    /// <summary>Asks the bus about a connection that a list told of; what it does not tell, it may have ended meanwhile, is not known.</summary>
    public static Peer Find(BusConnection bus, PeerInfo listed) => Find(bus, listed, out _);

    /// <summary>The same, with the names that it owns.</summary>
    public static Peer Find(BusConnection bus, PeerInfo listed, out IReadOnlyList<string> names)
    {
        PeerInfo known = Find(bus, listed.Id) ?? listed;
        names = known.Names;
        return Of(known);
    }

    /// <summary>What the bus tells of one.</summary>
    public static Peer Of(PeerInfo info)
    {
        Metadata metadata = info.Metadata;
        int? pid = metadata.Process is { } process ? (int)process.Pid : null;
        return new Peer(info.Id, KindOf(info.Flags), pid, metadata.ProcessName ?? NameOf(pid), metadata.Credentials is { } creds ? Users.NameOf((uint)creds.Uid) : null, metadata.Description);
    }

    /// <summary>The word for a kind of connection.</summary>
    public static string KindOf(HelloFlags flags) =>
        (flags & HelloFlags.Activator) != 0 ? "activator" : (flags & HelloFlags.PolicyHolder) != 0 ? "policy-holder" : (flags & HelloFlags.Monitor) != 0 ? "monitor" : "ordinary";

    private static PeerInfo? Find(BusConnection bus, ulong id)
    {
        try
        {
            return bus.FindPeer(id, Asked);
        }
        catch (BusRefusedException)
        {
            return null; // the policy of an endpoint hides it
        }
    }

    // A domain does not let names of processes through unless it was mounted so; /proc tells who may look.
    private static string? NameOf(int? pid)
    {
        if (pid is not > 0)
            return null;
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/comm")).TrimEnd('\n');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
