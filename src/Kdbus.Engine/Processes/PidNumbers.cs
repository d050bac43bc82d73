namespace Kdbus.Engine.Processes;

/// <summary>
/// The numbers of one process or thread: it has one in its own pid namespace and in each of those around it. They never
/// change, and are its numbers still when it has ended.
/// </summary>
public sealed class PidNumbers
{
    private readonly ulong[] _namespaces;
    private readonly uint[] _numbers;

    /// <param name="namespaces">The pid namespaces, from the domain's inwards, by numbers that mean one namespace each.</param>
    /// <param name="numbers">Its number in each of them.</param>
    public PidNumbers(ReadOnlySpan<ulong> namespaces, ReadOnlySpan<uint> numbers)
    {
        if (namespaces.Length != numbers.Length) throw new ArgumentException("not one for each namespace", nameof(numbers));
        _namespaces = namespaces.ToArray();
        _numbers = numbers.ToArray();
    }

    /// <summary>The namespaces, from the domain's inwards.</summary>
    public ReadOnlySpan<ulong> Namespaces => _namespaces;

    /// <summary>Its number in each of them.</summary>
    public ReadOnlySpan<uint> Numbers => _numbers;

    /// <summary>Its number in a pid namespace; 0 if it cannot be seen from there.</summary>
    public uint In(ulong pidNamespace)
    {
        var level = _namespaces.AsSpan().IndexOf(pidNamespace);
        return level < 0 ? 0 : _numbers[level];
    }
}
