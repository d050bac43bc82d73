using System.Globalization;
using Kdbus.Abi;
using Kdbus.Daemon.Mounting;
using Kdbus.Daemon.Serving;

namespace Kdbus.Daemon.Cli;

/// <summary>
/// One mount option that <c>-o</c> knows: its name, whether and which value it takes, what it does to the options, and how help describes
/// it. All the checking is here, so that the table of options is one line each.
/// </summary>
public sealed class MountOption
{
    private readonly Func<MountSettings, string?, (MountSettings, string?)> _apply;

    private MountOption(string name, string? valueName, string? help, Func<MountSettings, string?, (MountSettings, string?)> apply)
        => (Name, ValueName, Help, _apply) = (name, valueName, help, apply);

    /// <summary>The name, as written before an equals sign.</summary>
    public string Name { get; }

    /// <summary>How help names the value; null if there is none.</summary>
    public string? ValueName { get; }

    /// <summary>One line of help; null for options that are accepted only because every mount has them.</summary>
    public string? Help { get; }

    /// <summary>An option without a value.</summary>
    public static MountOption Flag(string name, string help, Func<MountSettings, MountSettings> apply)
        => new(name, null, help, (options, value)
            => value is null ? (apply(options), null) : (options, $"mount option '{name}' takes no value"));

    /// <summary>An option whose value is one of some words.</summary>
    public static MountOption Choice<T>(
        string name, string help, IReadOnlyList<(string Word, T Value)> choices, Func<MountSettings, T, MountSettings> apply)
    {
        string words = string.Join('|', choices.Select(choice => choice.Word));
        return new(name, words, help, (options, value) =>
        {
            foreach ((string word, T chosen) in choices)
            {
                if (word.Equals(value, StringComparison.Ordinal))
                    return (apply(options, chosen), null);
            }
            return (options, value is null
                ? $"mount option '{name}' needs a value: {name}={words}"
                : $"mount option '{name}={value}': the value must be one of {words}");
        });
    }

    /// <summary>An option whose value is a decimal number in a range.</summary>
    public static MountOption Number(string name, string help, long least, long most, Func<MountSettings, long, MountSettings> apply)
        => new(name, "N", help, (options, value) =>
        {
            if (value is null)
                return (options, $"mount option '{name}' needs a value: {name}=N");
            if (long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most)
                return (apply(options, number), null);
            return (options, $"mount option '{name}={value}': the value must be a number from {least} to {most}");
        });

    /// <summary>An option whose value is a mask of kinds of metadata: any 64 bits, decimal or hexadecimal.</summary>
    public static MountOption Mask(string name, string help, Func<MountSettings, AttachFlags, MountSettings> apply)
        => new(name, "N", help, (options, value) =>
        {
            if (value is null)
                return (options, $"mount option '{name}' needs a value: {name}=N");
            if (AttachMaskText.TryParse(value, out AttachFlags mask))
                return (apply(options, mask), null);
            return (options, $"mount option '{name}={value}': the value must be a number of at most 64 bits, decimal or with 0x hexadecimal");
        });

    /// <summary>An option whose value is any text but the empty one.</summary>
    public static MountOption Text(string name, string valueName, string help, Func<MountSettings, string, MountSettings> apply)
        => new(name, valueName, help, (options, value)
            => string.IsNullOrEmpty(value)
                ? (options, $"mount option '{name}' needs a value: {name}={valueName}")
                : (apply(options, value), null));

    /// <summary>An option that changes nothing, with or without a value.</summary>
    public static MountOption Accepted(string name) => new(name, null, null, static (options, _) => (options, null));

    /// <summary>An option that is understood and cannot be had.</summary>
    public static MountOption Refused(string name, string reason)
        => new(name, null, null, (options, _) => (options, $"mount option '{name}': {reason}"));

    /// <summary>Applies the option: the options with it, or an error that names it.</summary>
    internal (MountSettings Options, string? Error) Apply(MountSettings options, string? value) => _apply(options, value);
}
