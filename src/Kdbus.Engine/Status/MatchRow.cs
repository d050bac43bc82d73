using System.Text;
using Kdbus.Abi;
using Kdbus.Engine.Matching;

namespace Kdbus.Engine.Status;

/// <summary>
/// A match. There may be very many of them, so what it consists of is only looked at when asked for: rules never change.
/// </summary>
public readonly struct MatchRow : IEquatable<MatchRow>
{
    private readonly MatchRule[] _rules;

    internal MatchRow(Match match)
    {
        Connection = match.Owner.Id;
        Cookie = match.Cookie;
        _rules = match.Rules;
    }

    /// <summary>Whose it is.</summary>
    public ulong Connection { get; }

    /// <summary>The number its owner removes it by.</summary>
    public ulong Cookie { get; }

    /// <summary>Conditions that must all hold; none lets everything through.</summary>
    public Listing<RuleRow> Rules => new(Array.ConvertAll(_rules, RuleRow.Of));

    /// <inheritdoc/>
    public bool Equals(MatchRow other) => Connection == other.Connection && Cookie == other.Cookie && Rules.Equals(other.Rules);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is MatchRow other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Connection, Cookie, _rules.Length);

    /// <inheritdoc/>
    public override string ToString() => $"{Connection}/{Cookie}: {Rules}";

    /// <summary>Whether two are the same match.</summary>
    public static bool operator ==(MatchRow left, MatchRow right) => left.Equals(right);

    /// <summary>Whether two are not the same match.</summary>
    public static bool operator !=(MatchRow left, MatchRow right) => !left.Equals(right);
}

/// <summary>One condition of a match.</summary>
/// <param name="Type">What it is about.</param>
/// <param name="Id">Sender, subject or new owner; null for any, and where none is meant.</param>
/// <param name="OldId">Owner before, for names; null for any, and where none is meant.</param>
/// <param name="Name">The name, or null for any.</param>
/// <param name="Masks">Bloom masks, one after the other, the first for generation 0.</param>
public readonly record struct RuleRow(ItemType Type, ulong? Id, ulong? OldId, string? Name, Listing<byte> Masks)
{
    internal static RuleRow Of(MatchRule rule) => new(
        rule.Type,
        Known(rule.Id),
        Known(rule.OldId),
        rule.Name == null ? null : Encoding.ASCII.GetString(rule.Name),
        new Listing<byte>(rule.Masks));

    private static ulong? Known(ulong id) => id == Constants.MatchIdAny ? null : id;
}
