using System.Runtime.CompilerServices;
using Kdbus.Daemon.Serving;
using Kdbus.Engine;
using Kdbus.Fuse;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kdbus.Fuzz.Serving;

/// <summary>
/// The whole daemon between a scripted kernel and processes made up for it, from INIT to unmount. Afterwards nothing may be
/// left of all that was made: no node, no open file, no waiting call, no name, match or policy, no user, no byte of quota.
/// </summary>
internal static class ServedDomain
{
    public static void Run(Dice dice, List<byte[]> inputs, int requests, bool chaos)
    {
        var passthrough = !dice.OneIn(3);
        var bugs = new List<string>();
        KdbusFileSystem? served = null;
        using var kernel = new ScriptedKernel(inputs, passthrough)
        {
            MakeTraffic = kernel => new Traffic(kernel, new Dice(dice.Next()), requests, chaos) { Idle = () => Trimmer(served!)?.Look() },
        };
        using var callers = new FuzzCallers(kernel, new Dice(dice.Next()));
        kernel.Traffic.Callers = callers;
        var options = new FuseSessionOptions
        {
            Bug = bug =>
            {
                lock (bugs) bugs.Add(bug.ToString());
            },
        };
        using (served = new KdbusFileSystem(kernel, callers, new ServerOptions(), options, NullLogger.Instance))
        {
            kernel.Traffic.ConnectionOf = handle =>
            {
                var host = Host(served);
                using (host.Enter()) return host.Domain.FindConnection(handle);
            };
            kernel.Traffic.Inspect = () =>
            {
                var host = Host(served);
                using (host.Enter()) return Consistency.Check(host.Domain);
            };
            var domain = Host(served).Domain;
            domain.AttachMask = dice.Below(4) switch { 0 => Domain.DefaultAttachMask, 1 => (AttachFlags)dice.Next(), _ => AttachFlags.Any };
            kernel.Traffic.LetsThrough = domain.LetsThrough;
            var end = served.Session.Run();
            if (kernel.Faults.Count > 0) throw new FuzzFailure(string.Join('\n', kernel.Faults));
            lock (bugs)
            {
                if (bugs.Count > 0) throw new FuzzFailure(string.Join('\n', bugs));
            }

            if (end != FuseSessionEnd.Unmounted) throw new FuzzFailure($"The session ended: {end}, {served.Session.EndDescription}.");
            CheckNothingLeft(served, kernel);
        }
    }

    private static void CheckNothingLeft(KdbusFileSystem served, ScriptedKernel kernel)
    {
        var host = Host(served);
        var domain = host.Domain;
        Nothing(served.Session.HeldReplies, "held requests");
        Nothing(host.Files.Count, "open files");
        Nothing(Pending(host).Count, "pending calls");
        Nothing(domain.OpenHandles, "handles");
        Nothing(domain.Buses.Count, "buses");
        Nothing(Inside.KnownUsers(domain), "users");
        Nothing(Inside.WaitingCalls(domain), "waiting calls");
        Nothing(domain.NextDeadline == ulong.MaxValue ? 0 : 1, "deadlines");
        Nothing(domain.BusItself.Messages, "notifications charged");
        Nothing(domain.BusItself.Files, "files charged on nobody");
        Nothing((int)served.CarriedFiles, "files carried");
        Nothing(TreeOf(served).Count, "nodes");
        Nothing(kernel.Backings, "passthrough registrations");
        foreach (var bus in kernel.Traffic.Connections.Select(connection => connection.Bus).Distinct()) CheckNothingLeft(bus);
        foreach (var connection in kernel.Traffic.Connections)
        {
            Nothing((int)Inside.AccountedBytes(connection), $"bytes of quota at {connection.Id}");
            Nothing(connection.Names.Count + connection.WaitsFor.Count + (connection.ActivatorOf == null ? 0 : 1), $"names at {connection.Id}");
            Nothing(connection.Matches.All.Count, $"matches of {connection.Id}");
            Nothing(connection.Requests.Newest == null && connection.Expected.First == null ? 0 : 1, $"requests of {connection.Id}");
            Nothing(connection.RequestSlots, $"request slots of {connection.Id}");
            Nothing(connection.Queued, $"messages queued at {connection.Id}");
            Nothing(Inside.UsedSlices(connection.Pool).Count(slice => slice.HeldByBus), $"slices of {connection.Id} held by the bus");
            var used = Inside.UsedSlices(connection.Pool).Aggregate(0UL, (sum, slice) => sum + slice.Size);
            Nothing((int)(connection.Pool.Size - used - Inside.FreeBytes(connection.Pool)), $"bytes of {connection.Id}'s pool neither used nor free");
        }
    }

    private static void CheckNothingLeft(Bus bus)
    {
        Nothing(bus.Connections.Count + bus.Monitors.Count, $"connections of {bus.Name}");
        Nothing(bus.Endpoints.Count, $"endpoints of {bus.Name}");
        Nothing(bus.Names.Entries.Count, $"names of {bus.Name}");
        Nothing(bus.Policy.Entries.Count(), $"policies of {bus.Name}");
        Nothing(bus.Policy.AsksForGroups ? 1 : 0, $"policies of {bus.Name} for groups");
        Nothing(Inside.IsEmpty(bus.Matching) ? 0 : 1, $"matches of {bus.Name}");
    }

    private static void Nothing(int count, string what)
    {
        if (count != 0) throw new FuzzFailure($"At the end there are {count} {what} left.");
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_host")]
    private static extern ref DomainHost Host(KdbusFileSystem fileSystem);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_tree")]
    private static extern ref Tree TreeOf(KdbusFileSystem fileSystem);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_trimmer")]
    private static extern ref PoolTrimmer? Trimmer(KdbusFileSystem fileSystem);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_pending")]
    private static extern ref Dictionary<ulong, PendingCall> Pending(DomainHost host);
}
