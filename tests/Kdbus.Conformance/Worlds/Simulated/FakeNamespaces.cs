using Kdbus.Engine;
using Kdbus.Engine.Processes;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>A user namespace.</summary>
/// <param name="Maps">How it names ids; null for the initial one, which has all.</param>
internal sealed record FakeUserNamespace(IdMaps? Maps)
{
    private const uint Overflow = 65534;

    private static long s_lastNumber;

    /// <summary>The domain's.</summary>
    public static FakeUserNamespace Initial { get; } = new((IdMaps?)null);

    /// <summary>Which one it is.</summary>
    public ulong Number { get; } = (ulong)Interlocked.Increment(ref s_lastNumber);

    /// <summary>The id that is root in it; all ones if none is.</summary>
    public uint Root => Maps is null ? 0 : IdMaps.TryMapOut(Maps.Users, 0, out uint root) ? root : uint.MaxValue;

    /// <summary>What a user is called in it.</summary>
    public uint NameOfUser(uint id) => Maps is null ? id : IdMaps.TryMapIn(Maps.Users, id, out uint inside) ? inside : Overflow;

    /// <summary>What a group is called in it.</summary>
    public uint NameOfGroup(uint id) => Maps is null ? id : IdMaps.TryMapIn(Maps.Groups, id, out uint inside) ? inside : Overflow;

    /// <summary>One that names users and groups alike.</summary>
    public static FakeUserNamespace Of(uint inside, uint outside, uint count)
    {
        IdRange[] names = [new IdRange(inside, outside, count)];
        return new FakeUserNamespace(new IdMaps(names, names));
    }
}

/// <summary>A pid namespace: a thread has a number in its own one and in each around it.</summary>
internal sealed class FakePidNamespace(FakePidNamespace? around)
{
    private static long s_lastNamespace = 0x1000;

    // Below the numbers of the initial namespace, so that one can never be taken for the other.
    private int _last;

    /// <summary>The domain's.</summary>
    public static FakePidNamespace Initial { get; } = new(null);

    /// <summary>Which one it is.</summary>
    public ulong Number { get; } = (ulong)Interlocked.Increment(ref s_lastNamespace);

    /// <summary>Who is the first process of the initial one.</summary>
    public static PidNumbers First { get; } = new([Initial.Number], [1]);

    /// <summary>Numbers for a new thread.</summary>
    /// <param name="outermost">Its number in the initial one.</param>
    public PidNumbers NewNumbers(int outermost)
    {
        List<(ulong Namespace, uint Number)> levels = [];
        for (FakePidNamespace at = this; at != Initial; at = at.Around)
            levels.Insert(0, (at.Number, (uint)Interlocked.Increment(ref at._last)));
        levels.Insert(0, (Initial.Number, (uint)outermost));
        return new PidNumbers([.. levels.Select(static l => l.Namespace)], [.. levels.Select(static l => l.Number)]);
    }

    private FakePidNamespace Around => around!;
}
