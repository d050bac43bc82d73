using System.Diagnostics;
using System.Globalization;

namespace Kdbus.Abi.Tests;

/// <summary>
/// include/kdbus.h as a C compiler sees it. Programs are compiled in a directory of their own, which is gone when the
/// call returns.
/// </summary>
internal static class CHeader
{
    private static readonly string Include = Path.Combine(AppContext.BaseDirectory, "include");

    /// <summary>The text of the two headers.</summary>
    public static string Text { get; } =
        File.ReadAllText(Path.Combine(Include, "kdbus.h")) + File.ReadAllText(Path.Combine(Include, "kdbus-limits.h"));

    /// <summary>Compiles a program, runs it, and returns what it prints.</summary>
    public static string Run(string source)
    {
        var directory = Directory.CreateTempSubdirectory("kdbus-abi-tests-");
        try
        {
            var program = Path.Combine(directory.FullName, "program");
            Compile(directory, "cc", source, "program.c", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", program);
            var (exit, output) = Execute(program);
            Assert.True(exit == 0, $"the compiled program ended with {exit}:\n{output}");
            return output;
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>Asks the C compiler for the values of constant expressions, in the order given.</summary>
    public static ulong[] Evaluate(IReadOnlyCollection<string> expressions)
    {
        var source = $$"""
            #include <errno.h>
            #include <stddef.h>
            #include <stdio.h>
            #include <kdbus.h>
            #include <kdbus-limits.h>
            int main(void)
            {
            {{string.Concat(expressions.Select(expression => $"\tprintf(\"%llu\\n\", (unsigned long long)({expression}));\n"))}}
            	return 0;
            }

            """;
        return [.. Run(source).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => ulong.Parse(line, CultureInfo.InvariantCulture))];
    }

    /// <summary>Compiles a source that uses the headers without running it.</summary>
    public static void Check(string compiler, string source, string file, params string[] options)
    {
        var directory = Directory.CreateTempSubdirectory("kdbus-abi-tests-");
        try
        {
            Compile(directory, compiler, source, file, [.. options, "-c", "-o", Path.Combine(directory.FullName, "out.o")]);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static void Compile(DirectoryInfo directory, string compiler, string source, string file, params string[] options)
    {
        var path = Path.Combine(directory.FullName, file);
        File.WriteAllText(path, source);
        var (exit, output) = Execute(compiler, ["-I" + Include, .. options, path]);
        Assert.True(exit == 0, $"{compiler} {string.Join(' ', options)} refuses {file}:\n{output}");
    }

    private static (int Exit, string Output) Execute(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + errors.GetAwaiter().GetResult();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
