using System.Globalization;
using Kdbus.Fuzz.Targets;

namespace Kdbus.Fuzz;

/// <summary>
/// <c>Kdbus.Fuzz [--target NAME] [--seconds N] [--seed S]</c> fuzzes; with any other arguments, or none, it is a test runner
/// that gives each target a few seconds (KDBUSFS_FUZZ_SECONDS).
/// </summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        if (args.Any(arg => arg is "-automated" or "@@")) return Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args).GetAwaiter().GetResult();
        if (!args.Any(arg => arg is "--target" or "--seconds" or "--seed"))
        {
            return Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework
                .RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions).GetAwaiter().GetResult();
        }

        var seconds = 60.0;
        var seed = (ulong)Random.Shared.NextInt64();
        IEnumerable<IFuzzTarget> targets = Campaign.Targets;
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : "";
            var understood = args[i] switch
            {
                "--target" => (targets = Campaign.Targets.Where(target => target.Name == value)).Any(),
                "--seconds" => double.TryParse(value, CultureInfo.InvariantCulture, out seconds) && seconds is >= 0 and < 1e9,
                "--seed" => ulong.TryParse(value, CultureInfo.InvariantCulture, out seed),
                _ => false,
            };
            if (understood) continue;
            Console.Error.WriteLine($"Kdbus.Fuzz: {args[i]} '{value}' is not understood.");
            Console.Error.WriteLine($"usage: Kdbus.Fuzz [--target {string.Join('|', Campaign.Targets.Select(t => t.Name))}] [--seconds N] [--seed S]");
            return 2;
        }

        var failed = false;
        foreach (var target in targets)
        {
            var campaign = new Campaign(target, seed);
            var failure = campaign.Run(TimeSpan.FromSeconds(seconds));
            Console.WriteLine($"{target.Name}: {campaign.Cases} cases from seed {seed}, {campaign.Inputs} inputs{(failure == null ? "" : ", then:")}");
            if (target is CommandTarget) Console.WriteLine(Serving.Judge.Seen);
            if (failure == null) continue;
            Console.WriteLine(failure);
            failed = true;
        }

        return failed ? 1 : 0;
    }
}
