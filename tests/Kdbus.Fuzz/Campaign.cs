using System.Diagnostics;
using System.Globalization;
using Kdbus.Fuzz.Targets;

namespace Kdbus.Fuzz;

/// <summary>
/// Cases of one target, one after the other, their seeds counting up. The first that fails ends it: its seed, a command that
/// runs it again, and its inputs as hex are left behind.
/// </summary>
internal sealed class Campaign(IFuzzTarget target, ulong firstSeed)
{
    private ulong _seed = firstSeed;
    private List<byte[]> _inputs = [];

    public static IReadOnlyList<IFuzzTarget> Targets { get; } =
        [new FuseTarget(), new CommandTarget(), new MessageTarget(), new NamesTarget(), new MatchTarget(), new PolicyTarget(), new MetadataTarget()];

    /// <summary>Cases run.</summary>
    public long Cases { get; private set; }

    /// <summary>Inputs given.</summary>
    public long Inputs { get; private set; }

    /// <summary>Runs until the time is up, at least one case.</summary>
    /// <returns>Null, or what went wrong, for people.</returns>
    public string? Run(TimeSpan time)
    {
        UnhandledExceptionEventHandler onCrash = (_, crash) => Console.Error.WriteLine(Describe((Exception)crash.ExceptionObject));
        AppDomain.CurrentDomain.UnhandledException += onCrash;
        // A crash of the runtime itself says nothing: the seed of the case at hand is on the disk.
        var note = Path.Combine(Path.GetTempPath(), $"kdbus-fuzz-{target.Name}-{Environment.ProcessId}.seed");
        var start = Stopwatch.GetTimestamp();
        try
        {
            do
            {
                File.WriteAllText(note, _seed.ToString(CultureInfo.InvariantCulture));
                _inputs = [];
                try
                {
                    target.Run(new Dice(_seed), _inputs);
                }
                catch (Exception failure)
                {
                    return Describe(failure);
                }

                Cases++;
                Inputs += _inputs.Count;
                _seed++;
            }
            while (Stopwatch.GetElapsedTime(start) < time);
            return null;
        }
        finally
        {
            AppDomain.CurrentDomain.UnhandledException -= onCrash;
            File.Delete(note);
        }
    }

    private string Describe(Exception failure)
    {
        var file = Path.Combine(Path.GetTempPath(), $"kdbus-fuzz-{target.Name}-{_seed}.hex");
        File.WriteAllLines(file, _inputs.ToArray().Select(Convert.ToHexString));
        return $"""
            {target.Name}, seed {_seed}, after {_inputs.Count} inputs of the case: {failure}
            again:  Kdbus.Fuzz --target {target.Name} --seed {_seed} --seconds 0
            inputs: {file}
            """;
    }
}
