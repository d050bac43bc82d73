using System.Diagnostics;

namespace Kdbus.Cli;

/// <summary>How long something took, many times over.</summary>
/// <param name="Median">Half of the times were shorter.</param>
/// <param name="P99">99 of 100 were shorter.</param>
/// <param name="PerSecond">How many there were in a second.</param>
/// <param name="Count">How many there were.</param>
internal sealed record Timing(TimeSpan Median, TimeSpan P99, double PerSecond, int Count)
{
    private const int Least = 20;

    /// <summary>Does something again and again for a while, after having done it for a tenth of that without looking.</summary>
    /// <param name="once">What.</param>
    /// <param name="time">For how long, at least twenty times.</param>
    /// <param name="ending">Ends it.</param>
    /// <param name="each">How many things are done each time.</param>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public static Timing Of(Action once, TimeSpan time, CancellationToken ending, int each = 1)
    {
        long warm = Stopwatch.GetTimestamp();
        do
            once();
        while (Stopwatch.GetElapsedTime(warm) < time / 10 && !ending.IsCancellationRequested);

        List<long> ticks = new(1 << 16);
        long began = Stopwatch.GetTimestamp(), last = began;
        while (ticks.Count < Least || Stopwatch.GetElapsedTime(began, last) < time)
        {
            ending.ThrowIfCancellationRequested();
            once();
            long now = Stopwatch.GetTimestamp();
            ticks.Add(now - last);
            last = now;
        }
        TimeSpan all = Stopwatch.GetElapsedTime(began, last);
        ticks.Sort();
        return new Timing(At(ticks, 0.5) / each, At(ticks, 0.99) / each, ticks.Count * each / all.TotalSeconds, ticks.Count * each);
    }

    private static TimeSpan At(List<long> sorted, double part) => Stopwatch.GetElapsedTime(0, sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * part))]);
}
