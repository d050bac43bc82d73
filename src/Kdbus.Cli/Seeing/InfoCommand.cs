using System.Globalization;
using Kdbus.Abi;
using Kdbus.Cli.Status;
using Kdbus.Client;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl info</c>: all about a bus and who serves it.</summary>
internal static class InfoCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Command command = new("info", "Show what a bus is like: owner, creator, endpoints, what it requires, who serves it.") { CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color };
        Invocation.SetAction(command, async invocation =>
        {
            BusConnection bus = await invocation.ConnectAsync().ConfigureAwait(false);
            await using (bus.ConfigureAwait(false))
                invocation.Output.Write(Facts(invocation.Bus, bus));
            return ExitCode.Success;
        });
        return command;
    }

    private static Facts Facts(BusPlace place, BusConnection bus)
    {
        MountedDomain domain = new(place.Domain);
        PeerInfo creator = bus.GetBusCreator();
        BusRow? row = Row(domain, place.Bus);
        FileStatus owner = FileOf(place.Directory);
        Facts facts = new Facts().Group()
            .Add("Bus", "name", Cell.Of(place.Bus, "green"))
            .Add("Path", "path", Cell.Of(place.Directory))
            .Add("Id", "id", Cell.Of(creator.Id))
            .Add("Unique id", "uuid", Cell.Of(bus.BusId.ToString("N")))
            .Add("Owner", "owner", Cell.Of(Users.NameOf(owner.Uid)))
            .Add("Group", "group", Cell.Of(Users.NameOfGroup(owner.Gid)))
            .Add("May enter", "access", Cell.Of(AccessOf(owner.Mode)))
            .Add("Endpoints", "endpoints", Cell.Of(domain.Endpoints(place.Bus).Select(endpoint => $"{endpoint} ({AccessOf(FileOf(Path.Combine(place.Directory, endpoint)).Mode)})")))
            .Add("Requires metadata", "required", row is null ? Cell.None : Cell.Of((AttachFlags)row.AttachRequired.Value))
            .Add("Bloom filter", "bloom", Cell.Of(string.Create(CultureInfo.InvariantCulture, $"{bus.Bloom.Size} bytes, {bus.Bloom.Hashes} hash functions")))
            .Add("Connections", "connections", Cell.Of((long?)row?.Connections))
            .Add("Names", "names", Cell.Of((long?)row?.Names))
            .Add("Matches", "matches", Cell.Of((long?)row?.Matches));
        Facts made = new();
        MetadataFacts.AddTo(made, creator.Metadata);
        foreach (FactGroup group in made.Shown)
        {
            _ = facts.Group($"Creator: {group.Heading}", $"creator{char.ToUpperInvariant(group.Key![0])}{group.Key[1..]}");
            foreach ((string label, string key, Cell value) in group.Facts)
                _ = facts.Add(label, key, value);
        }
        if (StatusFiles.Server(domain) is { } server)
        {
            _ = facts.Group("Server", "server")
                .Add("Version", "version", Cell.Of(server.Version))
                .Add("Process", "pid", Cell.Of((long)server.Pid))
                .Add("User", "user", Cell.Of(Users.NameOf(server.Uid)))
                .Add("Profile", "profile", Cell.Of(server.Profile))
                .Add("FUSE", "fuse", Cell.Of(server.Fuse))
                .Add("Mounted", "age", Cell.Duration(server.Started.Since) with { Text = $"{Durations.Text(server.Started.Since)} ago" })
                .Add("Extensions", "extensions", Cell.Of(server.Extensions))
                .Add("Low latency", "lowLatency", Cell.Of(server.LowLatency));
        }
        return facts;
    }

    // For the user of the server: nobody else is told of all buses.
    private static BusRow? Row(MountedDomain domain, string bus)
    {
        try
        {
            return StatusFiles.Buses(domain).FirstOrDefault(row => row.Name == bus);
        }
        catch (CommandException)
        {
            return null;
        }
    }

    private static FileStatus FileOf(string path)
    {
        int error = FileStatus.Of(path, out FileStatus status);
        return error < 0 ? throw new CommandException(ExitCode.NoBus, $"cannot look at {path}: {SystemError.Describe(error)}") : status;
    }

    private static string AccessOf(uint mode) => (mode & 0b110) != 0 ? "everybody" : (mode & 0b110_000) != 0 ? "its group" : "its owner";
}
