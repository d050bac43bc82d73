using System.Runtime.CompilerServices;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>Something that must hold does not.</summary>
internal sealed class InvariantException(string message) : Exception(message);

/// <summary>Checks that name what they check. The text is made only if one fails.</summary>
internal static class Invariant
{
    public static void That(bool holds, string name)
    {
        if (!holds) throw new InvariantException($"It does not hold that {name}.");
    }

    public static void Equal<T>(T expected, T actual, string name, ulong whose = 0)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual)) throw new InvariantException($"{name} ({whose}): {expected} by the model, {actual} by the engine.");
    }

    /// <summary>The same members, in whatever order.</summary>
    public static void SameMembers<T>(IEnumerable<T> expected, IEnumerable<T> actual, string name, ulong whose = 0)
    {
        var missing = new List<T>();
        var surplus = actual.ToList();
        foreach (var each in expected)
        {
            if (!surplus.Remove(each)) missing.Add(each);
        }

        if (missing.Count + surplus.Count == 0) return;
        throw new InvariantException($"{name} ({whose}): missing {string.Join("; ", missing)}; too much {string.Join("; ", surplus)}.");
    }

    public static void SameBytes(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, string name, ulong whose, [CallerMemberName] string? where = null)
    {
        if (expected.SequenceEqual(actual)) return;
        throw new InvariantException(
            $"{name} ({whose}, {where}), from byte {expected.CommonPrefixLength(actual)}:\n {Convert.ToHexString(expected)} by the model,\n {Convert.ToHexString(actual)} by the engine.");
    }
}
