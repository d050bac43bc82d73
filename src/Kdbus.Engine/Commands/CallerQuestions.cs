using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine.Matching;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Commands;

/// <summary>
/// What a command will want to know about who issues it: nothing that it could do without, since finding out costs more than most
/// commands. The command has been fetched and nothing of it has been checked.
/// </summary>
internal static class CallerQuestions
{
    public static CallerNeeds Of(Domain domain, Handle handle, scoped in Invocation call)
    {
        var connection = handle.Connection;
        switch ((Command)call.Ioctl)
        {
            case Command.BusMake:
                return new CallerNeeds(CallerFacts.Ids, AttachMask.Process);
            case Command.EndpointMake:
                return new CallerNeeds(CallerFacts.Ids, AttachFlags.None);
            case Command.Hello:
                // Who says he is somebody else is not described himself.
                var fakes = HelloCommand.Fakes(call.Frame.Items<KdbusCmdHello>());
                return new CallerNeeds(CallerFacts.Groups | CallerFacts.Maps, fakes ? AttachFlags.None : AttachMask.Process);
            case Command.EndpointUpdate:
            case Command.Update when connection is { Kind: ConnectionKind.PolicyHolder }:
                return new CallerNeeds(CallerFacts.Maps, AttachFlags.None);
            case Command.NameAcquire when !handle.Privileged:
            case Command.List when handle.Endpoint is { IsCustom: true }:
                return new CallerNeeds(ForPolicy(handle), AttachFlags.None);
            case Command.ConnInfo when connection != null:
                var policy = handle.Endpoint is { IsCustom: true } ? ForPolicy(handle) : CallerFacts.None;
                return new CallerNeeds(policy | ToTell(domain, call, AttachFlags.All | AttachMask.Extensions), AttachFlags.None);
            case Command.BusCreatorInfo when connection != null:
                return new CallerNeeds(ToTell(domain, call, connection.Bus.CreatorAttachFlags), AttachFlags.None);
            case Command.Send when connection != null:
                return OfSend(domain, handle, connection, call);
            case Command.Recv when connection != null:
                return new CallerNeeds(OfRecv(connection, call.Frame.As<KdbusCmdRecv>()), AttachFlags.None);
            case Command.Exchange when connection != null:
                return new CallerNeeds(OfExchange(domain, connection, call.Frame.As<KdbusCmdExchange>()), AttachFlags.None);
            default:
                return default;
        }
    }

    /// <summary>Groups cost the most: they are asked for only while some policy speaks of groups.</summary>
    private static CallerFacts ForPolicy(Handle handle)
    {
        var asksForGroups = handle.Endpoint!.Bus.Policy.AsksForGroups || handle.Endpoint.Policy is { AsksForGroups: true };
        return asksForGroups ? CallerFacts.Groups : CallerFacts.Ids;
    }

    private static CallerFacts ToTell(Domain domain, scoped in Invocation call, AttachFlags allowed) =>
        domain.ReadMask(call.Frame.As<KdbusCmdInfo>().AttachFlags, out var asked) == Errno.OK
            ? ProcessItems.FactsToTell(domain.LetsThrough & allowed & asked)
            : CallerFacts.None;

    private static CallerFacts OfRecv(Connection connection, in KdbusCmdRecv cmd)
    {
        var message = RecvCommand.Choose(connection, cmd);
        return message == null || ((RecvFlags)cmd.Flags).HasFlag(RecvFlags.Drop)
            ? CallerFacts.None
            : ProcessItems.FactsToTell(message.Metadata.Kinds);
    }

    /// <summary>What it is about to receive; the messages that it sends ask for themselves.</summary>
    private static CallerFacts OfExchange(Domain domain, Connection connection, in KdbusCmdExchange cmd)
    {
        var flags = (ExchangeFlags)cmd.Flags;
        if (!flags.HasFlag(ExchangeFlags.Recv)) return CallerFacts.None;
        var waits = ExchangeCommand.Waits(cmd) && (connection.Queue.Count == 0 || flags.HasFlag(ExchangeFlags.UsePriority));
        return ProcessItems.FactsToTell(connection.QueuedKinds | (waits ? domain.LetsThrough & connection.AttachFlagsRecv : AttachFlags.None));
    }

    private static CallerNeeds OfSend(Domain domain, Handle handle, Connection sender, scoped in Invocation call)
    {
        var facts = handle.Privileged ? CallerFacts.None : ForPolicy(handle);
        // Its answer will be told to the caller where he waits, as he is now: he stands still until then.
        if (((SendFlags)call.Frame.As<KdbusCmdSend>().Flags).HasFlag(SendFlags.SyncReply))
        {
            facts |= ProcessItems.FactsToTell((domain.LetsThrough & sender.AttachFlagsRecv) | ToldByAnswer(sender, call.Message));
        }

        var allowed = sender.IsFaked ? AttachFlags.None : domain.LetsThrough & sender.AttachFlagsSend & sender.Bus.Wanted.Any & AttachMask.Process;
        return new CallerNeeds(facts, allowed == AttachFlags.None ? allowed : allowed & Wanted(domain, sender, call.Message));
    }

    /// <summary>What the answer tells if the call is repeated and its answer is there already: that was agreed in its time.</summary>
    private static AttachFlags ToldByAnswer(Connection sender, ReadOnlySpan<byte> message)
    {
        if (sender.Requests.Newest == null || message.Length < Unsafe.SizeOf<KdbusMsg>()) return AttachFlags.None;
        var cookie = MemoryMarshal.Read<KdbusMsg>(message).Cookie;
        return sender.Requests.FindInterrupted(cookie)?.Answer?.Metadata.Kinds ?? AttachFlags.None;
    }

    /// <summary>What those want who may get a message.</summary>
    private static AttachFlags Wanted(Domain domain, Connection sender, ReadOnlySpan<byte> message)
    {
        if (message.Length < Unsafe.SizeOf<KdbusMsg>()) return AttachFlags.None;
        var wanted = AttachFlags.None;
        foreach (var monitor in sender.Bus.Monitors) wanted |= monitor.AttachFlagsRecv;

        var header = MemoryMarshal.Read<KdbusMsg>(message);
        var items = message[Unsafe.SizeOf<KdbusMsg>()..];
        if (header.DstId == Constants.DstIdBroadcast) return wanted | WantedByListeners(domain, sender, items);
        var receiver = CommandFrame.TryFind(items, ItemType.DstName, out var name)
            ? sender.Bus.Names.Find(name.Payload.TrimEnd((byte)0))?.Owner
            : sender.Bus.FindConnection(header.DstId);
        return receiver == null ? wanted : wanted | receiver.AttachFlagsRecv;
    }

    private static AttachFlags WantedByListeners(Domain domain, Connection sender, ReadOnlySpan<byte> items)
    {
        var wanted = AttachFlags.None;
        var size = (ulong)Unsafe.SizeOf<KdbusBloomFilter>() + sender.Bus.Bloom.Size;
        if (!CommandFrame.TryFind(items, ItemType.BloomFilter, out var item) || (ulong)item.Payload.Length != size) return wanted;

        var subject = MatchSubject.Signal(sender, item.As<KdbusBloomFilter>().Generation, item.Payload[Unsafe.SizeOf<KdbusBloomFilter>()..]);
        sender.Bus.Matching.Collect(subject, domain.Listeners);
        foreach (var listener in domain.Listeners) wanted |= listener.AttachFlagsRecv;
        domain.Listeners.Clear();
        return wanted;
    }
}
