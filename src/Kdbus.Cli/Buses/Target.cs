using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>A connection as somebody names it on a command line: by unique id or by well-known name.</summary>
internal static class Target
{
    /// <summary>An argument for one.</summary>
    public static Argument<Destination> Argument(string name, string description) =>
        new Argument<Destination>(name) { Description = description, HelpName = name, CustomParser = static result => Parse(result, result.Tokens[0].Value) }.WithPeers();

    /// <summary>Reads one; what is wrong is told to the parser.</summary>
    public static Destination Parse(ArgumentResult result, string text)
    {
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id) && id is not 0 and not ulong.MaxValue)
            return id;
        try
        {
            return Destination.OwnerOf(text);
        }
        catch (ArgumentException)
        {
            result.AddError($"'{text}' is neither the id of a connection nor a well-known name (words with dots between them, none beginning with a digit).");
            return default;
        }
    }

    /// <summary>The connection that is meant.</summary>
    /// <exception cref="CommandException">It is not there.</exception>
    public static PeerInfo Find(BusConnection bus, Destination target)
    {
        const AttachFlags Everything = AttachFlags.All | AttachFlags.PidfsId | AttachFlags.StartTime;
        AttachFlags asked = bus.HasExtensions ? Everything : AttachFlags.All;
        PeerInfo? found = target.Name is { } name ? bus.FindPeer(name, asked) : bus.FindPeer(target.Id, asked);
        return found ?? throw new CommandException(
            ExitCode.NotFound,
            target.Name is null ? $"there is no connection {target.Id} (ENXIO)" : $"nobody owns the name {target.Name} (ESRCH)",
            target.Name is null ? "'kdbusctl list' shows who is there" : $"'kdbusctl wait {target.Name}' waits until somebody does; 'kdbusctl list' shows who is there");
    }
}
