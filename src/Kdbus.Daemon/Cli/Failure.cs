namespace Kdbus.Daemon.Cli;

/// <summary>Why kdbusfs cannot do what it was asked for: an expected outcome, told in one sentence that names the thing that was
/// wrong.</summary>
/// <param name="ExitCode">One of <see cref="Cli.ExitCode"/>.</param>
/// <param name="Message">What is wrong, without the program's name and without a full stop.</param>
/// <param name="Hint">What the user may do about it; null if there is nothing to say.</param>
public sealed record Failure(int ExitCode, string Message, string? Hint = null)
{
    /// <summary>The text for a terminal: message and hint on lines of their own, ending in a newline.</summary>
    public override string ToString() => Hint is null ? $"kdbusfs: {Message}\n" : $"kdbusfs: {Message}\n  {Hint}\n";
}
