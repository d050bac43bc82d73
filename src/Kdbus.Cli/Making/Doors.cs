using System.CommandLine;
using System.Text;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>What making a bus and making an endpoint have in common: a name, and who may enter.</summary>
internal static class Doors
{
    /// <summary>The options that say who may enter.</summary>
    public static (Option<bool> World, Option<bool> Group) Options(string what) =>
        (new Option<bool>("--world", "-w") { Description = $"let everybody into {what}; otherwise only its owner may enter, and root" }, new Option<bool>("--group", "-g") { Description = $"let your group into {what}" });

    /// <summary>What they say.</summary>
    public static Access Access(Invocation invocation, Option<bool> world, Option<bool> group) => (invocation.Get(world), invocation.Get(group)) switch
    {
        (true, true) => throw new CommandException(ExitCode.Usage, "--world and --group are two answers to one question", "everybody is --world"),
        (true, false) => Client.Access.World,
        (false, true) => Client.Access.Group,
        _ => Client.Access.Owner,
    };

    /// <summary>A name that can be one.</summary>
    /// <exception cref="CommandException">It cannot.</exception>
    public static string Check(string name, string what)
    {
        // The bus checks it again, with the uid and with the limit of the domain.
        if (Ascii.IsValid(name) && SysName.Check([.. Encoding.ASCII.GetBytes(name), 0], maxLength: 255) == Errno.OK)
            return name;
        throw new CommandException(ExitCode.Usage, $"'{Escaped.Text(name)}' is no name for {what}: letters, digits and _ - . are allowed, not - or . at its ends");
    }
}
