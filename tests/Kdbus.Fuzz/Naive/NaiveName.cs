using System.Text.RegularExpressions;

namespace Kdbus.Fuzz.Naive;

/// <summary>What is a name, said in another language: regular expressions.</summary>
internal static class NaiveName
{
    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking;

    private static readonly Regex WellKnown = new(@"\A([A-Za-z_-][A-Za-z0-9_-]*\.)+[A-Za-z_-][A-Za-z0-9_-]*\z", Options);
    private static readonly Regex Wildcard = new(@"\A([A-Za-z_-][A-Za-z0-9_-]*\.)+\*\z", Options);
    private static readonly Regex System = new(@"\A[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\z", Options);

    public static bool IsWellKnown(string text) => text.Length <= Limits.NameMaxLen && WellKnown.IsMatch(text);

    public static bool IsWildcard(string text) => text.Length <= Limits.NameMaxLen && Wildcard.IsMatch(text);

    public static bool IsSystemName(string text) => System.IsMatch(text);
}
