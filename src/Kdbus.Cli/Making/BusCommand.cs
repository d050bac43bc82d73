using System.CommandLine;
using System.Text.Json.Nodes;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl bus make</c>: a bus that lives as long as the command.</summary>
internal static class BusCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> name = new("NAME") { Description = "what the bus is called behind your uid and a dash: letters, digits, and _ - . inside" };
        (Option<bool> world, Option<bool> group) = Doors.Options("the bus");
        Option<AttachFlags> require = new("--require")
        {
            Description = "kinds of metadata that every connection must allow to be told about it: creds,pids; all", HelpName = "KINDS",
            CustomParser = MetadataKinds.Parse, AllowMultipleArgumentsPerToken = false,
        };
        Option<string?> domain = new("--domain") { Description = "where the domain is mounted; without it the only one there is", HelpName = "DIR" };
        domain.CompletionSources.Add(static _ => Completions.Domains());
        Option<int> bloomSize = new("--bloom-size") { Description = "bytes of the bloom filters of signals: a multiple of 8", HelpName = "BYTES", CustomParser = Sizes.Parse, DefaultValueFactory = static _ => 64 };
        Option<int> bloomHashes = new("--bloom-hashes") { Description = "bits that each word of a signal sets in its filter", HelpName = "N", DefaultValueFactory = static _ => 2 };
        Command make = new("make", "Make a bus. It lives until Ctrl-C or SIGTERM, or until the domain is unmounted.")
        {
            name, world, group, require, domain, bloomSize, bloomHashes, CommonOptions.Json, CommonOptions.Color,
        };
        Holding.SetAction(make, words: 2, invocation =>
        {
            MountedDomain place = MountedDomain.Find(invocation.Get(domain));
            BusOptions options = new()
            {
                Access = Doors.Access(invocation, world, group),
                RequiredMetadata = invocation.Get(require),
                Bloom = Bloom(invocation.Get(bloomSize), invocation.Get(bloomHashes)),
            };
            OwnedBus bus = OwnedBus.Make(place.Path, Doors.Check(invocation.Get(name), "a bus"), options);
            return Task.FromResult(new Held(bus.Endpoint, () => Tell(invocation.Output, bus), Reload: null, () =>
            {
                bus.Dispose();
                return ValueTask.CompletedTask;
            }));
        });
        return new Command("bus", "Make a bus.") { make };
    }

    private static void Tell(Output output, OwnedBus bus)
    {
        if (output.IsJson)
            output.Json(new JsonObject { ["bus"] = Path.GetFileName(bus.Path), ["path"] = bus.Path, ["endpoint"] = bus.Endpoint, ["pid"] = Environment.ProcessId });
        output.Line(bus.Endpoint);
    }

    private static BloomParameters Bloom(int size, int hashes) =>
        size % 8 == 0 && size > 0 && hashes > 0 ? new BloomParameters(size, hashes)
            : throw new CommandException(ExitCode.Usage, $"a bloom filter of {size} bytes with {hashes} hashes is none: the bytes are a multiple of 8, and one hash is the least");
}
