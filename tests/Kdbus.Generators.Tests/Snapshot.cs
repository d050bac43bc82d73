using System.Runtime.CompilerServices;

namespace Kdbus.Generators.Tests;

/// <summary>Compares text with that of a file beside the tests, which is looked at when it changes. With KDBUS_WRITE_SNAPSHOTS=1 the files are written.</summary>
internal static class Snapshot
{
    public static void Matches(string text, string name, [CallerFilePath] string caller = "")
    {
        string path = Path.Combine(Path.GetDirectoryName(caller)!, "Snapshots", name + ".txt");
        if (Environment.GetEnvironmentVariable("KDBUS_WRITE_SNAPSHOTS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
        Assert.True(File.Exists(path), $"There is no {path}; KDBUS_WRITE_SNAPSHOTS=1 writes it.");
        string expected = File.ReadAllText(path);
        if (expected == text)
            return;
        string[] was = expected.Split('\n'), now = text.Split('\n');
        int line = 0;
        while (line < Math.Min(was.Length, now.Length) && was[line] == now[line])
            line++;
        Assert.Fail($"{name} differs from its snapshot in line {line + 1}:\n- {LineOf(was, line)}\n+ {LineOf(now, line)}");
    }

    private static string LineOf(string[] lines, int index) => index < lines.Length ? lines[index] : "(end)";
}
