using System.CommandLine;
using System.Text;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl completion</c>: what a shell needs to complete words of kdbusctl, names and ids of the live bus among them.</summary>
internal static class CompletionCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> shell = new("SHELL") { Description = "bash, zsh or fish", HelpName = "bash|zsh|fish" };
        _ = shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        Command command = new("completion", "Print the completion script of a shell: source <(kdbusctl completion bash).") { shell };
        Invocation.SetAction(command, invocation =>
        {
            invocation.Output.Bytes(Encoding.UTF8.GetBytes(ShellScripts.For(invocation.Get(shell))));
            return Task.FromResult(ExitCode.Success);
        });
        return command;
    }
}
