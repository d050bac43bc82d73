using System.Globalization;
using System.Text;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>A name, or with <c>.*</c> at its end all names of one more word, and who may do what with it.</summary>
/// <param name="Name">The name.</param>
/// <param name="Access">Nobody may do what is not listed.</param>
/// <param name="Holder">The connection that holds it, if that is known.</param>
internal sealed record PolicyEntry(string Name, IReadOnlyList<PolicyAccess> Access, ulong? Holder = null)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name} {PolicyText.Of(Access)}";
}

/// <summary>
/// Policy as text: a name, then who may do what with it, as <c>user:alice own</c> or <c>user:alice=own,world=talk</c>; <c>-</c> is for nobody. Lines of one name are
/// one entry. The one place that reads and writes it.
/// </summary>
internal static class PolicyText
{
    private const string Nobody = "-";

    private static readonly (string Word, PolicyAccessLevel Level)[] s_levels = [("see", PolicyAccessLevel.See), ("talk", PolicyAccessLevel.Talk), ("own", PolicyAccessLevel.Own)];

    /// <summary>The word for a level.</summary>
    public static string Of(PolicyAccessLevel level) => s_levels.First(known => known.Level == level).Word;

    /// <summary>Who, as it is written: user:alice, group:50, world.</summary>
    public static string Of(PolicyAccessType type, ulong? id) => type switch
    {
        PolicyAccessType.User => $"user:{Users.NameOf((uint)(id ?? 0))}",
        PolicyAccessType.Group => $"group:{Users.NameOfGroup((uint)(id ?? 0))}",
        _ => "world",
    };

    /// <summary>Who and what: user:alice=own.</summary>
    public static string Of(PolicyAccess access) => $"{Of(access.Type, access.Id)}={Of(access.Level)}";

    /// <summary>All of an entry's: user:alice=own,world=talk.</summary>
    public static string Of(IReadOnlyList<PolicyAccess> accesses) => accesses.Count == 0 ? Nobody : string.Join(',', accesses.Select(Of));

    /// <summary>The level of a word; null if it is none.</summary>
    public static PolicyAccessLevel? Level(string word) => s_levels.FirstOrDefault(known => known.Word == word) is { Word: not null } found ? found.Level : null;

    /// <summary>Reads a file.</summary>
    /// <exception cref="CommandException">It cannot be read, or a line is wrong.</exception>
    public static IReadOnlyList<PolicyEntry> ReadFile(string path)
    {
        try
        {
            return Parse(File.ReadLines(path), $"{path}, line");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException(ExitCode.NotFound, $"there is no policy file '{path}'");
        }
        catch (UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.NotPermitted, $"cannot read the policy file '{path}': you may not, or it is a directory");
        }
    }

    /// <summary>Reads rules of a command line: each an argument, or its words as several.</summary>
    /// <exception cref="CommandException">A rule is wrong.</exception>
    public static IReadOnlyList<PolicyEntry> ReadRules(IReadOnlyList<string> words) => Parse([string.Join(' ', words)], place: null);

    /// <summary>Reads lines.</summary>
    /// <param name="lines">The lines; what is behind # is for people.</param>
    /// <param name="place">What stands before the number of a line in a message; null: numbers mean nothing.</param>
    /// <exception cref="CommandException">A line is wrong.</exception>
    public static IReadOnlyList<PolicyEntry> Parse(IEnumerable<string> lines, string? place)
    {
        List<(string Name, List<PolicyAccess> Access)> entries = [];
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            string where = place is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{place} {number}: ");
            Queue<string> words = new(line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            while (words.TryDequeue(out string? name))
            {
                List<PolicyAccess> accesses = ReadAccesses(name, words, where);
                if (entries.Find(entry => entry.Name == name).Access is { } known)
                    known.AddRange(accesses.Except(known));
                else
                    entries.Add((name, accesses));
            }
        }
        return [.. entries.Select(static entry => new PolicyEntry(entry.Name, entry.Access))];
    }

    /// <summary>Reads what follows a name, up to the next one.</summary>
    private static List<PolicyAccess> ReadAccesses(string name, Queue<string> words, string where)
    {
        if (!IsName(name))
            throw Wrong(where, $"'{Escaped.Text(name)}' is no name: words with dots between them, as org.example.Clock, or org.example.* for all of one more word");
        if (words.Count == 0 || IsName(words.Peek()))
            throw Wrong(where, $"nothing is said about {name}: user:alice, group:adm or world, and see, talk or own; '-' is for nobody");
        List<PolicyAccess> accesses = [];
        if (words.Peek() == Nobody)
        {
            _ = words.Dequeue();
            return accesses;
        }
        while (words.Count > 0 && !IsName(words.Peek()))
        {
            string word = words.Dequeue();
            if (word.Contains('=', StringComparison.Ordinal))
            {
                foreach (string part in word.Split(',', StringSplitOptions.RemoveEmptyEntries))
                    accesses.Add(part.Split('=') is [var who, var what] ? Read(who, what, where) : throw Wrong(where, $"'{Escaped.Text(part)}' is not like user:alice=talk"));
            }
            else
            {
                if (!words.TryDequeue(out string? what))
                    throw Wrong(where, $"what may {Escaped.Text(word)} do with {name}? see, talk or own is missing");
                accesses.Add(Read(word, what, where));
            }
        }
        return [.. accesses.Distinct()];
    }

    private static PolicyAccess Read(string who, string what, string where)
    {
        PolicyAccessLevel level = Level(what) ?? throw Wrong(where, $"'{Escaped.Text(what)}' is nothing that can be allowed: see, talk or own");
        if (who == "world")
            return PolicyAccess.Everybody(level);
        if (who.Split(':') is not [("user" or "group") and var kind, var name])
            throw Wrong(where, $"'{Escaped.Text(who)}' is nobody: user:NAME, group:NAME (or numbers), or world");
        // The number of all ones is nobody's.
        if ((kind == "user" ? Users.Find(name) : Users.FindGroup(name)) is not { } id || id == uint.MaxValue)
            throw Wrong(where, $"there is no {kind} '{Escaped.Text(name)}'");
        return kind == "user" ? PolicyAccess.User(id, level) : PolicyAccess.Group(id, level);
    }

    private static bool IsName(string word) =>
        Ascii.IsValid(word) && WellKnownName.IsValid(Encoding.ASCII.GetBytes(word), acceptWildcard: true);

    private static CommandException Wrong(string where, string what) => new(where.Length == 0 ? ExitCode.Usage : ExitCode.BadInput, $"{where}{what}");
}
