using System.CommandLine.Parsing;
using Kdbus.Abi;

namespace Kdbus.Cli;

/// <summary>Kinds of metadata as words: <c>creds,pids</c>, <c>all</c>, <c>none</c>.</summary>
internal static class MetadataKinds
{
    /// <summary>The fourteen.</summary>
    public const AttachFlags All = AttachFlags.All;

    /// <summary>Names of those in a mask.</summary>
    public static IEnumerable<string> Names(AttachFlags mask) => AttachMask.Names.Where(kind => (mask & kind.Kind) != 0).Select(static kind => kind.Name);

    /// <summary>Reads the value of an option.</summary>
    public static AttachFlags Parse(ArgumentResult result)
    {
        AttachFlags mask = 0;
        foreach (string word in result.Tokens.SelectMany(static token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
        {
            if (word is "all" or "none")
                mask |= word == "all" ? All : 0;
            else if (AttachMask.Names.FirstOrDefault(kind => kind.Name == word).Kind is not 0 and var kind)
                mask |= kind;
            else
                result.AddError($"'{word}' is no kind of metadata: all, none, {string.Join(", ", AttachMask.Names.Select(static kind => kind.Name))}.");
        }
        return mask;
    }
}
