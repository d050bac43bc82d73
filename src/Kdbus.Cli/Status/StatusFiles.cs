using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Kdbus.Cli.Status;

/// <summary>
/// What the domain shows of itself in <c>.status</c>, read and typed. The owner of a bus, and root, read what is about the bus; root what is about the domain.
/// </summary>
/// <param name="bus">Which bus.</param>
internal sealed class StatusFiles(BusPlace bus)
{
    /// <summary>All connections.</summary>
    public IReadOnlyList<ConnectionRow> Connections() => OfBus("connections", StatusJson.Default.StatusTableConnectionRow);

    /// <summary>All names.</summary>
    public IReadOnlyList<NameRow> Names() => OfBus("names", StatusJson.Default.StatusTableNameRow);

    /// <summary>All matches.</summary>
    public IReadOnlyList<MatchRow> Matches() => OfBus("matches", StatusJson.Default.StatusTableMatchRow);

    /// <summary>All messages that nobody has received yet.</summary>
    public IReadOnlyList<QueueRow> Queues() => OfBus("queues", StatusJson.Default.StatusTableQueueRow);

    /// <summary>All replies that are waited for.</summary>
    public IReadOnlyList<ReplyRow> Replies() => OfBus("replies", StatusJson.Default.StatusTableReplyRow);

    /// <summary>The policy of the bus and of its custom endpoints.</summary>
    public IReadOnlyList<PolicyRow> Policy() => OfBus("policy", StatusJson.Default.StatusTablePolicyRow);

    /// <summary>Who holds what of whose queue.</summary>
    public IReadOnlyList<QuotaRow> Quota() => OfBus("quota", StatusJson.Default.StatusTableQuotaRow);

    /// <summary>All buses of a domain.</summary>
    public static IReadOnlyList<BusRow> Buses(MountedDomain domain) => Read(Path.Combine(domain.Path, ".status", "buses.json"), "only the user of the server, mostly root, reads it", StatusJson.Default.StatusTableBusRow);

    /// <summary>What the domain says no at.</summary>
    public static IReadOnlyList<LimitRow> Limits(MountedDomain domain) => Read(Path.Combine(domain.Path, ".status", "limits.json"), "only the user of the server, mostly root, reads it", StatusJson.Default.StatusTableLimitRow);

    /// <summary>What the server says of itself; everybody reads it. Null: it is too old to say anything.</summary>
    public static ServerRow? Server(MountedDomain domain)
    {
        try
        {
            return Read(Path.Combine(domain.Path, ".status", "server.json"), "", StatusJson.Default.StatusTableServerRow)[0];
        }
        catch (CommandException)
        {
            return null;
        }
    }

    private IReadOnlyList<T> OfBus<T>(string name, JsonTypeInfo<StatusTable<T>> type) =>
        Read(Path.Combine(bus.Domain, ".status", bus.Bus, $"{name}.json"), "only the owner of the bus, and root, reads it", type);

    private static IReadOnlyList<T> Read<T>(string path, string who, JsonTypeInfo<StatusTable<T>> type)
    {
        try
        {
            // Its size is 0 for stat(2): it is read to its end.
            using FileStream file = new(path, new FileStreamOptions { BufferSize = 0 });
            return JsonSerializer.Deserialize(file, type)?.Rows ?? [];
        }
        catch (UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.NotPermitted, $"cannot read {path} (EACCES)", who);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException(ExitCode.NoBus, $"cannot read {path} (ENOENT)", "the bus has ended, or the server is older than this program");
        }
        catch (IOException exception)
        {
            throw new CommandException(ExitCode.NoBus, $"cannot read {path}: {exception.Message.TrimEnd('.')}", "the domain was unmounted, or its server has ended");
        }
        catch (JsonException exception)
        {
            throw new CommandException(ExitCode.BadInput, $"cannot read {path}: {exception.Message.TrimEnd('.')}", "the server is not of the same version as this program");
        }
    }
}
