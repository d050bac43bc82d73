using System.Globalization;
using System.Reflection;
using System.Text;
using Kdbus.Engine.Files;
using Kdbus.Engine.Names;
using Kdbus.Engine.Policy;
using Kdbus.Engine.Processes;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>All state of a domain as text, in an order that depends on nothing but the state.</summary>
internal static class DomainDump
{
    private static readonly FieldInfo Shares = typeof(Quota).GetField("_shares", BindingFlags.NonPublic | BindingFlags.Instance)!;

    public static string Of(Domain domain)
    {
        var text = new StringBuilder();
        Line(text, $"handles {domain.OpenHandles}, users {Inside.KnownUsers(domain)}, waiting {Inside.WaitingCalls(domain)}, deadline {domain.NextDeadline}");
        Line(text, $"mask {(ulong)domain.AttachMask:x}");
        foreach (var user in Inside.Users(domain).OrderBy(user => user.Uid))
        {
            Line(text, $"user {user.Uid}: {user.Buses} buses, {user.Connections} connections, {user.Messages} messages, {user.Files} files");
        }

        foreach (var bus in domain.Buses.OrderBy(bus => bus.Id)) Write(text, bus);
        return text.ToString();
    }

    private static void Write(StringBuilder text, Bus bus)
    {
        Line(text, $"bus {bus.Id} {bus.Name} of {bus.Uid}, {bus.Matching.Count} matches");
        Line(text, $" wants {bus.Wanted.Any}, requires {bus.RequiredAttachFlags}, unmet {bus.Unmet}, tells {bus.CreatorAttachFlags} of {Text(bus.Creator)}");
        Write(text, bus.Policy);
        foreach (var endpoint in bus.Endpoints.OrderBy(endpoint => endpoint.Inode))
        {
            Line(text, $" endpoint {endpoint.Inode} {endpoint.Name}: {endpoint.User?.Connections} connections, {endpoint.User?.Messages} messages, {endpoint.User?.Files} files");
            if (endpoint.Policy is { } policy) Write(text, policy);
        }

        foreach (var name in bus.Names.Entries.OrderBy(name => name.Id))
        {
            var waiters = string.Join(' ', name.Waiters.Select(waiter => $"{waiter.Connection.Id}/{waiter.Flags}"));
            var flying = string.Join(' ', name.InFlight.Select(delivery => $"{delivery.Receiver.Id}>{delivery.Destination.Id}"));
            Line(text, $" name {name.Id} {name.Text}: {name.Owner.Id} {name.Flags}, activator {name.Activator?.Id}, waiters {waiters}, in flight {flying}");
        }

        foreach (var connection in bus.Connections.OrderBy(connection => connection.Id)) Write(text, connection);
    }

    private static void Write(StringBuilder text, PolicyDatabase policy)
    {
        foreach (var (owner, entry) in policy.Entries.OrderBy(entry => Text(entry.Entry), StringComparer.Ordinal))
        {
            var who = owner is Connection connection ? connection.Id : 0;
            Line(text, $"  policy {Text(entry)} by {who}: {string.Join(' ', entry.Access)}");
        }
    }

    private static void Write(StringBuilder text, Connection connection)
    {
        Line(text, $" connection {connection.Id} {connection.Kind} on {connection.Endpoint.Name} {connection.AttachFlagsSend} {connection.AttachFlagsRecv}");
        Line(text, $"  {connection.Creator.Pid} faked {connection.IsFaked}: {Text(connection.Process)}");
        Line(text, $"  dropped {connection.Dropped}, slots {connection.RequestSlots}, names {Names(connection.Names)}, waits for {Names(connection.WaitsFor)}");
        foreach (var match in connection.Matches.All)
        {
            var rules = match.Rules.Select(rule => $"{rule.Type}:{rule.OldId:x}:{rule.Id:x}:{Hex(rule.Name)}:{Hex(rule.Masks)}");
            Line(text, $"  match {match.Cookie}: {string.Join(' ', rules)}");
        }

        for (var message = connection.Queue.First; message != null; message = message.Next)
        {
            Line(text, $"  queued {message.Slice.Offset}+{message.Size} from {message.Sender?.Id} of {message.User.Uid} p{message.Priority} {message.Name?.Id} {Hex(message.Image?[..(int)message.Size])}");
            Line(text, $"   tells {message.Metadata.Kinds} in {message.Metadata.Size} of {Text(Inside.ProcessOf(message.Metadata))} {string.Join(' ', Inside.NamesOf(message.Metadata))}");
            if (message.Files is { } files) Line(text, $"   with {message.Fds} descriptors, {Text(files)}");
            if (message.Request is { } request) Line(text, $"   request {Text(request)}");
        }

        for (var tracker = connection.Requests.Newest; tracker != null; tracker = tracker.OlderRequest) Line(text, $"  asks {Text(tracker)}");
        for (var tracker = connection.Expected.First; tracker != null; tracker = tracker.NextExpected) Line(text, $"  answers {Text(tracker)}");
        foreach (var share in (System.Collections.IEnumerable)Shares.GetValue(connection.Quota)!)
        {
            var values = share.GetType().GetFields().Select(field => field.GetValue(share) is User user ? user.Uid : field.GetValue(share));
            Line(text, $"  share {string.Join(' ', values)}");
        }

        foreach (var slice in Inside.UsedSlices(connection.Pool).OrderBy(slice => slice.Offset))
        {
            Line(text, $"  slice {slice.Offset}+{slice.Size} {slice.HeldByBus} {slice.HeldByOwner}{HandoutText.Of(slice.Handout)}");
        }
    }

    private static string Text(ReplyTracker tracker) => string.Create(
        CultureInfo.InvariantCulture,
        $"{tracker.Requester.Id}>{tracker.Answerer.Id} #{tracker.Cookie} by {tracker.Deadline} {tracker.Name?.Id} {tracker.Synchronous} {tracker.WaitingRequest} {tracker.Answering} {tracker.Answered} {tracker.Result} {tracker.Answer?.Slice.Offset} {tracker.IsExpected} {tracker.Ended} {tracker.Queued} {tracker.Way} {Text(tracker.Answer?.Files)} {Text(tracker.View)}");

    private static string Text(MessageFiles? files) => files == null ? "-" : string.Create(
        CultureInfo.InvariantCulture,
        $"{files.Count} files at {Inside.HoldersOf(files)}: {string.Join(' ', files.Fds)}; {string.Join(' ', files.Memfds)}; {files.Pidfd}");

    private static string Text(PolicyEntry entry) => Encoding.ASCII.GetString(entry.Name) + (entry.IsWildcard ? ".*" : "");

    private static string Text(ProcessRecord? record)
    {
        var bytes = new MemoryStream();
        using var to = new BinaryWriter(bytes);
        to.WriteRecord(record);
        return Hex(bytes.ToArray());
    }

    private static string Text(in ReaderView view)
    {
        var bytes = new MemoryStream();
        using var to = new BinaryWriter(bytes);
        to.WriteView(view);
        return Hex(bytes.ToArray());
    }

    private static string Names(IEnumerable<NameEntry> names) => string.Join(',', names.Select(name => name.Text));

    private static string Hex(byte[]? bytes) => bytes == null ? "-" : Convert.ToHexString(bytes);

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
