using System.CommandLine;
using System.Text.Json.Nodes;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl wait</c>: until a name is owned, or is not any more.</summary>
internal static class WaitCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<Destination> name = Target.Argument("NAME", "a well-known name, or with --gone also the id of a connection");
        Option<bool> gone = new("--gone", "-g") { Description = "until nobody owns it any more" };
        Option<bool> activator = new("--activator", "-a") { Description = "an activator counts as owner; else only who really serves" };
        TimeOption timeout = CommonOptions.Timeout("give up after this time (500ms, 2.5s, 3m); 0, and if nothing is said: never", TimeSpan.Zero, acceptZero: true);
        Command command = new("wait", "Wait until somebody owns a name, and say who.") { name, gone, activator, timeout, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color };
        command.Validators.Add(result =>
        {
            if (result.GetResult(name) is { Tokens.Count: > 0 } given && !given.Errors.Any() && !result.GetValue(gone) && result.GetValue(name) is { Name: null, Id: not 0 })
                result.AddError("An id never comes again: wait for a name, or with --gone until the connection has ended.");
        });
        Invocation.SetAction(command, async invocation =>
        {
            Destination target = invocation.Get(name);
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(invocation.Ending);
            if (invocation.Get(timeout) is { Ticks: > 0 } limit)
                patience.CancelAfter(limit);
            BusConnection bus = await invocation.ConnectAsync().ConfigureAwait(false);
            await using (bus.ConfigureAwait(false))
            {
                try
                {
                    if (target.Name is null)
                        await UntilGoneAsync(bus, target.Id, patience.Token).ConfigureAwait(false);
                    else
                        await WatchAsync(invocation, bus, target.Name, invocation.Get(gone), invocation.Get(activator), patience.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (!invocation.Ending.IsCancellationRequested)
                {
                    string what = invocation.Get(gone) ? $"{target} is still there" : $"nobody has come to own {target}";
                    throw new CommandException(ExitCode.TimedOut, $"{what} after {Durations.Text(invocation.Get(timeout))}", "'kdbusctl list' shows who is there");
                }
            }
            return ExitCode.Success;
        });
        return command;
    }

    private static async Task WatchAsync(Invocation invocation, BusConnection bus, string name, bool untilGone, bool activatorCounts, CancellationToken cancellation)
    {
        await foreach (NameOwner owner in bus.WatchNameAsync(name, cancellation).ConfigureAwait(false))
        {
            bool isOwned = owner.IsOwned && (activatorCounts || !owner.IsActivator);
            if (isOwned == untilGone)
                continue;
            if (invocation.Output.IsJson)
                invocation.Output.Json(new JsonObject { ["name"] = name, ["owner"] = owner.IsOwned ? owner.Owner : null, ["activator"] = owner.IsActivator });
            else if (!untilGone)
                invocation.Output.Line($"{name} is owned by connection {owner.Owner}");
            return;
        }
        cancellation.ThrowIfCancellationRequested();
        throw new CommandException(ExitCode.NoBus, "the bus ended while waiting", "'kdbusctl domains' shows what is mounted");
    }

    private static async Task UntilGoneAsync(BusConnection bus, ulong id, CancellationToken cancellation)
    {
        // The match is there before it is asked, so that nothing is missed in between.
        await using Subscription<PeerChange> changes = bus.SubscribeToPeers(id);
        if (bus.FindPeer(id) is null)
            return;
        await foreach (PeerChange change in changes.ReadAllAsync(cancellation).ConfigureAwait(false))
        {
            if (!change.IsThere)
                return;
        }
    }
}
