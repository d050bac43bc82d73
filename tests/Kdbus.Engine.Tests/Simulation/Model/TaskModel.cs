using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>A user namespace and its names for the ids of the domain; without a list it has all of them, under their own names.</summary>
internal sealed record UserNamespaceModel(ulong Number, IdRange[]? Users, IdRange[]? Groups)
{
    /// <summary>The same as the engine is told.</summary>
    public IdMaps? Maps { get; } = Users == null ? null : new IdMaps(Users, Groups);

    /// <summary>The domain's number of what is an id here, or null.</summary>
    public static uint? Outside(IdRange[]? ranges, uint inside)
    {
        if (ranges == null) return inside;
        foreach (var range in ranges)
        {
            if (inside >= range.Inside && inside < (ulong)range.Inside + range.Count) return (uint)((ulong)inside - range.Inside + range.Outside);
        }

        return null;
    }

    /// <summary>What an id of the domain is called here, or null.</summary>
    public static uint? Inside(IdRange[]? ranges, uint outside)
    {
        if (ranges == null) return outside;
        foreach (var range in ranges)
        {
            if (outside >= range.Outside && outside < (ulong)range.Outside + range.Count) return (uint)((ulong)outside - range.Outside + range.Inside);
        }

        return null;
    }
}

/// <summary>A process or thread, by its number in each pid namespace that sees it.</summary>
internal sealed record PidModel(params (ulong Namespace, uint Number)[] Numbers)
{
    /// <summary>The same as the engine is told.</summary>
    public PidNumbers Told { get; } = new([.. Numbers.Select(each => each.Namespace)], [.. Numbers.Select(each => each.Number)]);

    /// <summary>0 where it is not to be seen.</summary>
    public uint In(ulong pidNamespace)
    {
        foreach (var (seen, number) in Numbers)
        {
            if (seen == pidNamespace) return number;
        }

        return 0;
    }
}

/// <summary>
/// A thread as it is at one moment, ids by their numbers in the domain; or what somebody said at HELLO that it was. It never
/// changes: what has changed is another one.
/// </summary>
internal sealed record TaskModel
{
    /// <summary>Which of all tasks it is.</summary>
    public int Index { get; init; }

    /// <summary>What there is to tell of it.</summary>
    public AttachFlags Kinds { get; init; }

    /// <summary>Real, effective and saved user, and that for file access; then the groups.</summary>
    public uint[] Ids { get; init; } = new uint[8];

    public uint[] Groups { get; init; } = [];

    public UserNamespaceModel Users { get; init; } = null!;

    /// <summary>The pid namespace it looks from.</summary>
    public ulong PidNamespace { get; init; }

    public PidModel? Process { get; init; }

    public PidModel? Thread { get; init; }

    public PidModel? Parent { get; init; }

    public string TidComm { get; init; } = "";

    public string PidComm { get; init; } = "";

    public string Exe { get; init; } = "";

    public RootDirectory Root { get; init; }

    public string Cmdline { get; init; } = "";

    public string Cgroup { get; init; } = "";

    public CapabilitySets Caps { get; init; }

    public string Seclabel { get; init; } = "";

    public uint AuditSession { get; init; }

    public uint LoginUid { get; init; }

    public ulong PidfsId { get; init; }

    public ulong StartTime { get; init; }

    public uint Euid => Ids[1];

    /// <summary>What the bus goes by.</summary>
    public Caller Caller => new(Ids[0], Ids[1], Ids[4], Ids[5], CapIpcOwner: Ids[1] == 0, Pid: (int)Process!.Numbers[0].Number) { Groups = Groups };
}
