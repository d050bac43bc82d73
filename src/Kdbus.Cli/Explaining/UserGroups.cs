using System.Globalization;

namespace Kdbus.Cli;

/// <summary>The groups that a user gets when he logs in, from /etc/passwd and /etc/group.</summary>
internal static class UserGroups
{
    /// <summary>Primary and supplementary groups; none for a user who is in neither file.</summary>
    public static IReadOnlySet<uint> Of(uint uid) => Of(uid, Lines("/etc/passwd"), Lines("/etc/group"));

    /// <summary>The same from the texts.</summary>
    internal static IReadOnlySet<uint> Of(uint uid, IEnumerable<string> users, IEnumerable<string> groups)
    {
        HashSet<uint> found = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (string[] fields in users.Select(static line => line.Split(':')))
        {
            if (fields is [var name, _, var id, var primary, ..] && Number(id) == uid && Number(primary) is { } group)
            {
                _ = names.Add(name);
                _ = found.Add(group);
            }
        }
        foreach (string[] fields in groups.Select(static line => line.Split(':')))
        {
            if (fields is [_, _, var id, var members] && Number(id) is { } group && members.Split(',').Any(names.Contains))
                _ = found.Add(group);
        }
        return found;
    }

    private static uint? Number(string text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
