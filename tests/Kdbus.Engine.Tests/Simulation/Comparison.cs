using System.Text;
using Kdbus.Engine.Policy;
using Kdbus.Engine.Tests.Simulation.Model;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>Holds the state of the engine against the model: what is cheap after each input, the rest now and then.</summary>
internal sealed class Comparison(World world)
{
    private const int NamesEvery = 16;
    private const int PoolsEvery = 64;

    private readonly HashSet<ulong> _readable = [];
    private readonly List<(ConnectionModel Model, Connection Engine)> _gone = [];
    private readonly HashSet<Bus> _buses = [];
    private readonly Dictionary<UserModel, User> _users = [];

    public void AfterInput(int step)
    {
        Effects();
        Invariant.Equal(world.Model.LastId, Inside.LastId(world.Domain), "The last number drawn");
        Invariant.Equal(world.Model.NextDeadline, world.Domain.NextDeadline, "The next deadline");
        foreach (var bus in world.Model.Buses)
        {
            foreach (var connection in bus.Connections) Check(connection, world.Engine[connection]);
        }

        foreach (var (connection, engine) in world.Engine)
        {
            if (connection.Alive) continue;
            CheckEnd(connection, engine);
        }

        foreach (var gone in _gone) world.Engine.Remove(gone.Model);
        Files();
        if (world.Copying.Count == 0 && world.Model.Handouts.Count == 0) NothingLeft();
        if (step % NamesEvery == 0) Registries();
        if (step % PoolsEvery == 0) Pools();
    }

    public void AtTheEnd()
    {
        var domain = world.Domain;
        NothingLeft();
        Invariant.Equal((0, 0), (world.OpenFiles.Count, domain.BusItself.Files), "Files open at the end");
        Invariant.Equal(0, _gone.Count, "Who still has slots at the end");
        Invariant.Equal((0, 0, 0, 0), (domain.OpenHandles, Inside.KnownUsers(domain), Inside.WaitingCalls(domain), domain.Buses.Count), "Handles, users, waiting calls and buses left at the end");
        Invariant.Equal((ulong.MaxValue, 0, 0), (domain.NextDeadline, domain.BusItself.Messages, domain.Listeners.Count), "Deadlines and messages left at the end");
        foreach (var bus in _buses) Invariant.That(Inside.IsEmpty(bus.Matching), "the index of matches is empty at the end");
    }

    private void Effects()
    {
        var effects = world.Player.Effects;
        if (effects.Completions.Count + world.Model.Completions.Count > 0)
        {
            Invariant.SameMembers(
                world.Model.Completions.Select(each => (each.Request, each.Handle, each.Result, each.Restart, each.Offset, each.Size, each.Entry is { IsIncomplete: true } ? 1UL : 0)),
                effects.Completions.Select(each => (each.Request, each.Handle, each.Result, each.Restart, each.Reply.Offset, each.Reply.MsgSize, each.Reply.ReturnFlags)),
                "Calls that ended");
            foreach (var each in world.Model.Completions)
            {
                if (each.Entry is { } answer) CheckContent(each.Caller!, answer, "Content of an answer");
            }
        }

        if (effects.Refusals.Count + world.Model.Refusals.Count == 0) return;
        Invariant.SameMembers(world.Model.Refusals, effects.Refusals.Select(each => (each.Receiver.Id, each.Size, each.Reason)), "Messages that found no room");
    }

    /// <summary>A slice that its owner may read now.</summary>
    public void CheckContent(ConnectionModel owner, EntryModel entry, string name)
    {
        if (entry.IsScribbled || !world.Engine.TryGetValue(owner, out var engine)) return;
        var bytes = ((PoolMemory)engine.Pool.Memory).Bytes.Slice((int)entry.Slice.Offset, (int)entry.Slice.Size);
        foreach (var (at, expected) in entry.Image()) Invariant.SameBytes(expected, bytes.Slice(at, expected.Length), name, owner.Id);
    }

    /// <summary>The numbers that stand in a message, whatever else its owner may have written there.</summary>
    public void CheckNumbers(ConnectionModel owner, EntryModel entry, int[] numbers)
    {
        var bytes = world.MemoryOf(owner).Bytes[(int)entry.Slice.Offset..];
        var stand = new List<int>();
        foreach (var place in entry.NumberPlaces()) stand.Add(BitConverter.ToInt32(bytes[place..]));
        Invariant.That(stand.SequenceEqual(numbers.Select(number => Math.Max(number, -1))), "the numbers of descriptors stand where they belong");
    }

    /// <summary>Nobody holds a file but who has a message that it came with; and all are counted.</summary>
    private void Files()
    {
        foreach (var file in world.Player.Effects.ClosedFiles) Invariant.That(world.OpenFiles.Remove(file), "a file is closed once");
        var held = world.Model.Held();
        var files = held.SelectMany(message => message.Fds.Concat(message.Memfds.Select(piece => piece.Memfd!)).Select(each => each.File).Append(message.Pidfd));
        Invariant.That(world.OpenFiles.SetEquals(files.Where(file => file != 0)), "the files open are those that somebody holds");
        foreach (var (connection, engine) in world.Engine) _users[connection.User] = engine.User;
        foreach (var (model, engine) in _users)
        {
            Invariant.Equal(held.Where(message => message.Sender?.User == model).Sum(message => message.Files), engine.Files, "Files of a user", engine.Uid ?? 0);
        }

        Invariant.Equal(0, world.Domain.BusItself.Files, "Files of the bus itself");
        Invariant.SameMembers(
            world.Model.Handouts.Select(each => (each.Key, Text(each.Value.Slice.Offset, each.Value.Files, each.Value.Contents))),
            world.Player.Effects.Handouts.Select(each => (each.Key, Text(each.Value.Offset, each.Value.Files, each.Value.Contents.Select(content => (content.File, content.Start, content.Size, content.PoolOffset))))),
            "What is to be handed out");
    }

    private static string Text(ulong offset, IEnumerable<ulong> files, IEnumerable<(ulong File, ulong Start, ulong Size, ulong At)> contents) =>
        $"{offset}: {string.Join(' ', files)}; {string.Join(' ', contents)}";

    private void Check(ConnectionModel model, Connection engine)
    {
        Invariant.That(engine.Alive, "a connection lives until it is ended");
        Invariant.Equal(model.Queue.Count, engine.Queued, "Messages queued", model.Id);
        Invariant.Equal(model.Dropped, engine.Dropped, "Messages dropped", model.Id);
        Invariant.Equal(model.Slots.Count, engine.RequestSlots, "Request slots taken", model.Id);
        var charged = 0UL;
        foreach (var entry in model.Charged) charged += entry.Size;
        Invariant.Equal(charged, Inside.AccountedBytes(engine), "Bytes charged", model.Id);
        Invariant.Equal(model.Charged.Sum(entry => entry.Message.Fds.Count), engine.Quota.Shares.Sum(share => share.Fds), "Descriptors charged", model.Id);

        var isReadable = world.Domain.Poll(model.Handle.Id) == PollState.Readable;
        Invariant.Equal(model.IsReadable, isReadable, "Readable by poll", model.Id);
        if (isReadable && _readable.Add(model.Id)) Invariant.That(world.Player.Effects.Wakes.Contains(model.Handle.Id), "who becomes readable is woken");
        if (!isReadable) _readable.Remove(model.Id);
    }

    private void CheckEnd(ConnectionModel model, Connection engine)
    {
        Invariant.That(!engine.Alive, "who has ended is not alive");
        Invariant.That(world.Player.Effects.Wakes.Contains(engine.Handle.Id), "who has ended is woken");
        Invariant.Equal(PollState.HungUp, world.Domain.Poll(engine.Handle.Id), "Poll of who has ended", model.Id);
        Invariant.Equal((0, 0, 0, 0), (engine.Queued, engine.Names.Count, engine.WaitsFor.Count, engine.Matches.All.Count), "Messages, names and matches of who has ended", model.Id);
        Invariant.That(engine.Requests.Newest == null && engine.Expected.First == null, "no tracker knows who has ended");
        _readable.Remove(model.Id);
        _buses.Add(engine.Bus);
        _gone.Add((model, engine));
    }

    /// <summary>
    /// Nothing is being copied: of who has ended nothing is charged any more, but for the slots of requests that others have not
    /// received yet.
    /// </summary>
    private void NothingLeft()
    {
        foreach (var (model, engine) in _gone)
        {
            Invariant.Equal((0, 0UL), (model.Charged.Count, Inside.AccountedBytes(engine)), "Charged on who has ended", model.Id);
            Invariant.Equal(model.Slots.Count, engine.RequestSlots, "Request slots of who has ended", model.Id);
            foreach (var slice in Inside.UsedSlices(engine.Pool)) Invariant.That(!slice.HeldByBus, "the bus holds nothing in the pool of who has ended");
        }

        _gone.RemoveAll(each => each.Model.Slots.Count == 0);
    }

    private void Registries()
    {
        Invariant.SameMembers(world.Model.Buses.Select(bus => bus.Name), world.Domain.Buses.Select(bus => bus.Name), "Buses");
        Invariant.Equal(world.Model.WaitingCalls.Count(), Inside.WaitingCalls(world.Domain), "Calls that wait");
        foreach (var model in world.Model.Buses)
        {
            var bus = world.Domain.FindBus(model.Name)!;
            Invariant.SameMembers(
                model.Names.Select(name => (name.Text, name.Owner.Id, name.Flags, name.Activator?.Id, string.Join(' ', name.Waiters.Select(each => $"{each.Connection.Id}/{each.Flags}")))),
                bus.Names.Entries.Select(name => (name.Text, name.Owner.Id, name.Flags, name.Activator?.Id, string.Join(' ', name.Waiters.Select(each => $"{each.Connection.Id}/{each.Flags}")))),
                "Names");
            Invariant.SameMembers(model.Connections.Select(each => each.Id), bus.Connections.Select(each => each.Id), "Connections");
            Invariant.Equal(model.Connections.Sum(each => each.Matches.Count), bus.Matching.Count, "Matches in the index");
            Invariant.Equal(model.Unmet, (bus.Unmet.Count, bus.Unmet.Missing, bus.Unmet.Pid), "Who did not allow what the bus requires", model.Id);
            Invariant.Equal(model.Connections.Aggregate(AttachFlags.None, (all, each) => all | each.Recv), bus.Wanted.Any, "Kinds that somebody wants", model.Id);
            Policies(model.Policy, bus.Policy);
            foreach (var endpoint in model.Endpoints)
            {
                if (endpoint.Policy is { } policy) Policies(policy, bus.FindEndpoint(endpoint.Name)!.Policy!);
            }
        }
    }

    private static void Policies(PolicyModel model, PolicyDatabase engine) => Invariant.SameMembers(
        model.Entries.Select(entry => (entry.Name, entry.Access.Count)),
        engine.Entries.Select(each => (Encoding.ASCII.GetString(each.Entry.Name) + (each.Entry.IsWildcard ? ".*" : ""), each.Entry.Access.Count)),
        "Policy");

    private void Pools()
    {
        foreach (var (model, engine) in world.Engine)
        {
            var queued = new List<(ulong, ulong, long, ulong)>();
            for (var each = engine.Queue.First; each != null; each = each.Next) queued.Add((each.Slice.Offset, each.Size, each.Priority, each.Sender?.Id ?? 0));
            Invariant.That(
                queued.SequenceEqual(model.Queue.Select(each => (each.Slice.Offset, each.Size, each.Message.Priority, each.Message.Sender?.Id ?? 0))),
                "each queue holds what it must hold, in order");
            Invariant.That(
                model.Pool.Slices.Select(each => (each.Offset, each.Size, each.HeldByBus, each.HeldByOwner)).SequenceEqual(
                    Inside.UsedSlices(engine.Pool).OrderBy(each => each.Offset).Select(each => (each.Offset, each.Size, each.HeldByBus, each.HeldByOwner))),
                "the slices of a pool are those of the model");
            var used = model.Pool.Slices.Aggregate(0UL, (sum, slice) => sum + slice.Size);
            Invariant.Equal(engine.Pool.Size - used, Inside.FreeBytes(engine.Pool), "Free bytes of a pool", model.Id);
            Invariant.SameMembers(model.Matches.Select(each => each.Cookie), engine.Matches.All.Select(each => each.Cookie), "Matches", model.Id);
        }
    }
}
