using System.Globalization;

namespace Kdbus.Cli;

/// <summary>Names of users and groups, from /etc/passwd and /etc/group; the number where there is none.</summary>
internal static class Users
{
    private static readonly Lazy<Dictionary<uint, string>> s_users = new(static () => Read("/etc/passwd"));
    private static readonly Lazy<Dictionary<uint, string>> s_groups = new(static () => Read("/etc/group"));

    /// <summary>Name of a user.</summary>
    public static string NameOf(uint uid) => s_users.Value.GetValueOrDefault(uid) ?? uid.ToString(CultureInfo.InvariantCulture);

    /// <summary>Name of a group.</summary>
    public static string NameOfGroup(uint gid) => s_groups.Value.GetValueOrDefault(gid) ?? gid.ToString(CultureInfo.InvariantCulture);

    /// <summary>The uid of a name or number; null if there is none.</summary>
    public static uint? Find(string user) => Find(user, s_users.Value);

    /// <summary>The gid of a name or number; null if there is none.</summary>
    public static uint? FindGroup(string group) => Find(group, s_groups.Value);

    private static uint? Find(string word, Dictionary<uint, string> known)
    {
        if (uint.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out uint id))
            return id;
        foreach ((uint number, string name) in known)
        {
            if (name == word)
                return number;
        }
        return null;
    }

    private static Dictionary<uint, string> Read(string path)
    {
        Dictionary<uint, string> names = [];
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                if (line.Split(':') is [var name, _, var id, ..] && uint.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
                    _ = names.TryAdd(number, name);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Numbers, then.
        }
        return names;
    }
}
