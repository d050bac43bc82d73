namespace Kdbus.Cli;

/// <summary>How well something works.</summary>
internal enum Health
{
    /// <summary>As it should.</summary>
    Ok,

    /// <summary>Some of it does not.</summary>
    Limited,

    /// <summary>Not at all.</summary>
    Missing,
}

/// <summary>What a check found.</summary>
/// <param name="What">What was looked at.</param>
/// <param name="Health">How it is.</param>
/// <param name="Detail">What there is.</param>
/// <param name="Advice">What to do if it is not well; null if nothing needs to be done.</param>
/// <param name="IsNeeded">Whether a domain can be mounted only if this is not missing.</param>
internal sealed record Finding(string What, Health Health, string Detail, string? Advice = null, bool IsNeeded = false);
