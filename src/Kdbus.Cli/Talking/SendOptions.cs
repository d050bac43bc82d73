using System.CommandLine;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>The options that all commands have that send something.</summary>
internal static class SendOptions
{
    private static readonly Option<AttachFlags> s_metadata = new("--send-metadata")
    {
        Description = "what the receiver may be told about this process: creds,pids,... or all or none",
        HelpName = "KINDS",
        CustomParser = MetadataKinds.Parse,
        DefaultValueFactory = static _ => MetadataKinds.All,
    };

    private static readonly Option<bool> s_noAutoStart = new("--no-autostart") { Description = "do not wake an activator: EADDRNOTAVAIL if nobody else owns the name" };

    /// <summary>Adds them to a command.</summary>
    public static void AddTo(Command command)
    {
        foreach (Option option in (Option[])[s_metadata, s_noAutoStart, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color])
            command.Add(option);
    }

    /// <summary>How to connect.</summary>
    public static BusConnectionOptions Connection(Invocation invocation) => new() { SendMetadata = invocation.Get(s_metadata) };

    /// <summary>Adds what was said to what a message has already.</summary>
    public static MessageOptions Complete(Invocation invocation, MessageOptions options) => options with { NoAutoStart = invocation.Get(s_noAutoStart) };
}
