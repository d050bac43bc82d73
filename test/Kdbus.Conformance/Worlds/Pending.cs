namespace Kdbus.Conformance.Worlds;

/// <summary>A system call under way in a thread of its own. Its result is awaited with patience, never for ever.</summary>
public sealed class Pending(int thread, string call, Task<long> outcome)
{
    /// <summary>How long any call may take before the test gives up: far more than a loaded machine needs.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Milliseconds for a poll that must be woken: its own time is up only when the test has lost its patience.</summary>
    public const int Forever = 600_000;

    /// <summary>The id of the thread that makes the call.</summary>
    public int Thread { get; } = thread;

    /// <summary>Has the call come back?</summary>
    public bool IsOver => outcome.IsCompleted;

    /// <summary>Waits for the call and gives its result.</summary>
    /// <exception cref="TimeoutException">The call has not come back in time.</exception>
    public int Result() => checked((int)Await(outcome, call));

    /// <summary>Does the call stay blocked for this long? What must not happen is given time to happen.</summary>
    public bool StaysBlocked(int milliseconds = 100) => !((Task)outcome).Wait(milliseconds, CancellationToken.None);

    internal static T Await<T>(Task<T> task, string call)
    {
        try
        {
            return task.WaitAsync(Patience).GetAwaiter().GetResult();
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{call} has not come back within {Patience.TotalSeconds} s.", e);
        }
    }
}
