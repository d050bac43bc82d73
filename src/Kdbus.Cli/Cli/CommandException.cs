namespace Kdbus.Cli;

/// <summary>A command cannot do what it was asked for. What is thrown is shown, and ends the program with its code.</summary>
/// <param name="exitCode">One of <see cref="ExitCode"/>.</param>
/// <param name="message">What was tried and what came of it, without the program's name and without a full stop at the end.</param>
/// <param name="hint">The next thing to try; null if there is none.</param>
internal sealed class CommandException(int exitCode, string message, string? hint = null) : Exception(message)
{
    /// <summary>One of <see cref="Kdbus.Cli.ExitCode"/>.</summary>
    public int Code { get; } = exitCode;

    /// <summary>The next thing to try.</summary>
    public string? Hint { get; } = hint;
}
