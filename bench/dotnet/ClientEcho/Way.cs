using System.Diagnostics;
using System.Globalization;

namespace Kdbus.Bench.ClientEcho;

/// <summary>What was measured of a way to call.</summary>
internal sealed class Way(string name, int calls)
{
    private readonly double[] _microseconds = new double[calls];
    private int _count;
    private double _cpu;

    /// <summary>Calls before a burst that do not count.</summary>
    public static int Uncounted(int count) => (count / 8) + 2;

    /// <summary>A call has been answered; those with negative numbers do not count.</summary>
    public void Add(long number, long start, long answer)
    {
        double time = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        if (answer != number)
            throw new InvalidOperationException($"{name}: {answer} is the answer to {number}.");
        if (number >= 0)
            _microseconds[_count++] = time;
    }

    public void AddCpu(double microseconds) => _cpu += microseconds;

    public string Line(string place)
    {
        Array.Sort(_microseconds);
        return string.Create(CultureInfo.InvariantCulture,
            $"{place}\t8\t{name}\t{_microseconds[_count / 2]:F2}\t{_microseconds[(int)(_count * 0.99)]:F2}\t{_cpu / _count:F2}\t{_count}");
    }
}
