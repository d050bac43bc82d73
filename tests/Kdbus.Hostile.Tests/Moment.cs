using System.Diagnostics;

namespace Kdbus.Hostile.Tests;

/// <summary>Waiting for what must come to hold, with much more patience than it needs.</summary>
internal static class Moment
{
    /// <summary>Waits until it holds.</summary>
    public static void Await(Func<bool> holds, string what)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (!holds())
        {
            Assert.True(waited.Elapsed < Pending.Patience, $"There was no moment of: {what}.");
            Thread.Sleep(5);
        }
    }
}
