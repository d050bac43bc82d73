using Kdbus.Abi;
using Kdbus.Cli.Status;
using Kdbus.Client;
using Kdbus.Client.Internal;

namespace Kdbus.Cli;

/// <summary>Policy of a bus that this process holds: a policy holder for each name, as the bus wants it.</summary>
/// <param name="bus">The bus.</param>
/// <param name="connect">Connects a policy holder.</param>
internal sealed class HeldPolicy(BusPlace bus, Func<BusConnectionOptions, ValueTask<BusConnection>> connect) : IAsyncDisposable
{
    // A policy holder receives nothing.
    private const int PoolSize = 1 << 16;

    private readonly Dictionary<string, BusConnection> _holders = new(StringComparer.Ordinal);

    /// <summary>Makes these entries, and no others, the policy that is held. If one cannot be, nothing changes.</summary>
    public async ValueTask SetAsync(IReadOnlyList<PolicyEntry> entries)
    {
        Dictionary<string, BusConnection> added = new(StringComparer.Ordinal);
        try
        {
            foreach (PolicyEntry entry in entries)
            {
                if (!_holders.ContainsKey(entry.Name))
                    added[entry.Name] = await HoldAsync(entry).ConfigureAwait(false);
            }
        }
        catch
        {
            foreach (BusConnection holder in added.Values)
                await holder.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        foreach (PolicyEntry entry in entries)
        {
            if (_holders.TryGetValue(entry.Name, out BusConnection? holder))
                Update(holder, entry);
        }
        HashSet<string> named = [.. entries.Select(static entry => entry.Name)];
        foreach (string gone in _holders.Keys.Where(name => !named.Contains(name)).ToList())
        {
            _ = _holders.Remove(gone, out BusConnection? holder);
            await holder!.DisposeAsync().ConfigureAwait(false);
        }
        foreach ((string name, BusConnection holder) in added)
            _holders.Add(name, holder);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (BusConnection holder in _holders.Values)
            await holder.DisposeAsync().ConfigureAwait(false);
        _holders.Clear();
    }

    private async ValueTask<BusConnection> HoldAsync(PolicyEntry entry)
    {
        try
        {
            return await connect(new BusConnectionOptions
            {
                Kind = ConnectionKind.PolicyHolder, Name = entry.Name, Policy = entry.Access, PoolSize = PoolSize, AcceptDescriptors = false, Description = "kdbusctl-policy",
            }).ConfigureAwait(false);
        }
        catch (BusRefusedException refused) when (refused.Error == Errno.EEXIST)
        {
            throw new CommandException(
                ExitCode.Refused, $"cannot hold the policy of {entry.Name}: {HolderOf(entry.Name)} holds it already (EEXIST)", "a name has one holder: end that one, or let it say this too");
        }
    }

    private static void Update(BusConnection holder, PolicyEntry entry)
    {
        List<(ItemType, byte[])> items = [(ItemType.Name, MakeCommand.Text(entry.Name))];
        foreach (PolicyAccess access in entry.Access)
            items.Add((ItemType.PolicyAccess, MakeCommand.Bytes(access.ToItem())));
        MakeCommand.Issue(holder.File, Abi.Command.Update, 0, $"change the policy of {entry.Name}", [.. items]);
    }

    private string HolderOf(string name)
    {
        try
        {
            StatusFiles status = new(bus);
            if (status.Policy().FirstOrDefault(row => row.Endpoint is null && row.Name == name)?.Owner is { } id)
                return Party.Title(status.Connections(), id);
        }
        catch (CommandException)
        {
            // It may not be read: then it is somebody.
        }
        return "somebody else";
    }
}
