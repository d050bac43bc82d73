using Kdbus.Testing.InMemory;

namespace Kdbus.Testing.Tests;

/// <summary>Tests that look at what a process or the machine has: nothing else runs meanwhile.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

/// <summary>What is left of domains in memory.</summary>
[Collection<Alone>]
public sealed class LeftoverTests
{
    [Fact]
    public void Of_two_hundred_domains_no_thread_and_no_descriptor_is_left()
    {
        // The first ones start what the runtime itself keeps.
        StartAndStop(10);
        int descriptors = Descriptors().Count;
        StartAndStop(200);
        Assert.DoesNotContain(Threads(), static name => name.StartsWith("kdbus domain", StringComparison.Ordinal) || name.StartsWith("deadlines", StringComparison.Ordinal));
        // The runtime may open one or another for itself; a leak would be of hundreds.
        Assert.InRange(Descriptors().Count, 0, descriptors + 20);
    }

    private static void StartAndStop(int times)
    {
        for (int i = 0; i < times; i++)
        {
            using InMemoryDomain domain = new();
            Assert.Equal(0, domain.Open("control", out var control));
            control!.Dispose();
        }
    }

    private static List<string> Descriptors() => [.. Directory.EnumerateFileSystemEntries("/proc/self/fd")];

    private static List<string> Threads() =>
        [.. Directory.EnumerateDirectories("/proc/self/task").Select(static task => File.ReadAllText(Path.Combine(task, "comm")))];
}
