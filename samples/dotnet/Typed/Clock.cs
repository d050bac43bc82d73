using System.Runtime.CompilerServices;

namespace Samples.Typed;

/// <summary>The service.</summary>
internal sealed class Clock : IClock
{
    public Task<DateTimeOffset> NowAsync(CancellationToken cancellation) => Task.FromResult(DateTimeOffset.Now);

    public long Add(long left, long right) => left + right;

    public IAsyncEnumerable<Tick> TicksAsync(int milliseconds, CancellationToken cancellation) =>
        milliseconds < 1 ? throw new TooFastException($"{milliseconds} ms are too few; 1 is the least.") : Tick(milliseconds, cancellation);

    private static async IAsyncEnumerable<Tick> Tick(int milliseconds, [EnumeratorCancellation] CancellationToken cancellation)
    {
        try
        {
            for (int number = 1; ; number++)
            {
                await Task.Delay(milliseconds, cancellation);
                yield return new Tick(number, DateTimeOffset.Now);
            }
        }
        finally
        {
            Console.WriteLine("service: nobody listens to the ticks any more");
        }
    }
}
