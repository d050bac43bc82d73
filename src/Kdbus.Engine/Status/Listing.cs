using System.Collections;

namespace Kdbus.Engine.Status;

/// <summary>
/// Values in an order that means something. Two are equal if their values are, so that snapshots of two engines can be
/// compared.
/// </summary>
/// <param name="values">The values; nobody changes the array any more.</param>
public sealed class Listing<T>(T[] values) : IReadOnlyList<T>, IEquatable<Listing<T>>
{
    /// <inheritdoc/>
    public int Count => values.Length;

    /// <inheritdoc/>
    public T this[int index] => values[index];

    /// <summary>The values themselves.</summary>
    public ReadOnlySpan<T> Span => values;

    /// <inheritdoc/>
    public bool Equals(Listing<T>? other) => other != null && values.AsSpan().SequenceEqual(other.Span, EqualityComparer<T>.Default);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Listing<T>);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var value in values) hash.Add(value);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)values).GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", values)}]";

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
