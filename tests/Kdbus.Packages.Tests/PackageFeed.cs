using System.Diagnostics;
using System.Globalization;

namespace Kdbus.Packages.Tests;

/// <summary>
/// All packages of this repository, made from what has been built, in a directory; under a version that nobody else uses, so that what is restored is what was packed.
/// </summary>
public sealed class PackageFeed : IAsyncLifetime
{
    private static readonly string[] s_packages =
        ["Kdbus.Abi", "Kdbus.Linux", "Kdbus.Client", "Kdbus.Client.Hosting", "Kdbus.Client.MemoryPack", "Kdbus.Testing"];

    /// <summary>The repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The version.</summary>
    public string Version { get; } = string.Create(CultureInfo.InvariantCulture, $"0.1.0-test.{Environment.ProcessId}.{Stopwatch.GetTimestamp()}");

    /// <summary>A directory of the test's own; the packages are in <c>feed</c>.</summary>
    public string Place { get; } = Directory.CreateTempSubdirectory("kdbus-packages-").FullName;

    public async ValueTask InitializeAsync()
    {
        foreach (string package in s_packages)
        {
            string project = Path.Combine(Root, "src", package);
            await DotnetAsync(Root, "pack", project, "-c", "Release", "--no-build", "-v", "quiet", $"-p:Version={Version}", "-o", Path.Combine(Place, "feed"));
        }
        await File.WriteAllTextAsync(
            Path.Combine(Place, "nuget.config"),
            """
            <configuration>
              <packageSources>
                <add key="feed" value="feed" />
              </packageSources>
            </configuration>
            """);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Place, recursive: true);

        // What a restore has put into the cache of the user.
        string cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        foreach (string package in s_packages)
        {
            string cached = Path.Combine(cache, package.ToLowerInvariant(), Version);
            if (Directory.Exists(cached))
                Directory.Delete(cached, recursive: true);
        }
        return ValueTask.CompletedTask;
    }

    /// <summary>Runs the SDK, and returns what it said.</summary>
    public async Task<string> DotnetAsync(string directory, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new("dotnet") { WorkingDirectory = directory, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";

        // The SDK and NuGet leave things in the directory for temporary files: these go with ours.
        start.Environment["TMPDIR"] = Directory.CreateDirectory(Path.Combine(Place, "tmp")).FullName;
        return await RunAsync(start);
    }

    /// <summary>Runs a program that has to succeed, and returns what it said.</summary>
    public static async Task<string> RunAsync(ProcessStartInfo start)
    {
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync() + await errors;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{start.FileName} {string.Join(' ', start.ArgumentList)}: exit code {process.ExitCode}\n{output}");
        return output;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "kdbusfs.slnx")))
                return at.FullName;
        }
        throw new DirectoryNotFoundException($"No kdbusfs.slnx above {AppContext.BaseDirectory}.");
    }
}
