using Kdbus.Engine.Tests.Simulation.Model;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>
/// Peers of several users doing anything in any order, right and wrong, all of it from one seed, until everything is closed.
/// Who has not much to do with each other finds no faults: few names, few buses, many peers.
/// </summary>
internal sealed class Schedule
{
    private const int MostPeers = 40;

    private readonly World _world;
    private readonly NodeOperations _nodes;
    private readonly ConnectionOperations _connections;
    private readonly MessageOperations _messages;

    public Schedule(int seed)
    {
        _world = new World(seed);
        var words = new Vocabulary(_world);
        _nodes = new NodeOperations(_world, words);
        _connections = new ConnectionOperations(_world, words);
        _messages = new MessageOperations(_world, words, _world.Comparison);
    }

    public World World => _world;

    private Chance Chance => _world.Chance;

    /// <summary>So many inputs, or a few more.</summary>
    public void RunOpen(int steps)
    {
        while (_world.Steps < steps) Step();
    }

    /// <summary>So many inputs, and then what it takes to end everything.</summary>
    public void Run(int steps)
    {
        RunOpen(steps);
        while (_world.Model.Handles.Count > 0) _nodes.Close(Chance.Any([.. _world.Model.Handles.Values]));
        while (_world.Copying.Count > 0) _messages.Commit();
        while (_world.Model.Handouts.Count > 0) _messages.HandOut();
        _world.Finished();
    }

    private void Step()
    {
        if (!_world.Model.Buses.Exists(bus => bus.Name == "1000-main"))
        {
            _nodes.MakeBus(first: true);
            return;
        }

        var bus = Chance.Any(_world.Model.Buses);
        if (bus.Name != "1000-main" && Chance.OneIn(2)) bus = _world.Model.Buses[0];
        var all = bus.Connections;
        var roll = Chance.Below(1000);
        if (Chance.OneIn(30)) _world.Tasks.Change(Chance);
        if (_world.Model.Handouts.Count > 0 && Chance.OneIn(5)) _messages.HandOut();
        else if (roll % 100 == 7) CloseWhatIsLeft();
        else if (all.Count < 3 || (roll < 70 && _world.Engine.Count < MostPeers))
        {
            _nodes.Connect(Chance.OneIn(3) ? Chance.Any(bus.Endpoints) : bus.Endpoints[0]);
        }
        else
        {
            Act(roll, bus, all);
        }
    }

    private void Act(int roll, BusModel bus, List<ConnectionModel> all)
    {
        var anybody = Chance.Any(all);
        var ordinary = all.FindAll(each => each.IsOrdinary);
        var somebody = ordinary.Count > 0 && !Chance.OneIn(50) ? Chance.Any(ordinary) : anybody;
        switch (roll)
        {
            case < 86: _nodes.Close(anybody.Handle); break;
            case < 88: _nodes.Undo(anybody.Handle); break;
            case < 93: _connections.Byebye(somebody); break;
            case 93 when Chance.OneIn(3): EndNode(bus); break;
            case 93: CloseWhatIsLeft(); break;
            case < 96: if (_world.Model.Buses.Count < 3) _nodes.MakeBus(first: false); break;
            case < 100: if (bus.Endpoints.Count < 4) _nodes.MakeEndpoint(bus); break;
            case < 112: UpdateEndpoint(bus); break;
            case < 340: _messages.Send(somebody); break;
            case < 420: Reply(all, somebody); break;
            case < 570: Receive(all, anybody); break;
            case < 640: _connections.Free(Chance.OneIn(3) ? SomebodyWhoGets(anybody) : anybody); break;
            case < 660: Install(all, anybody); break;
            case < 730: _connections.Acquire(somebody); break;
            case < 785: _connections.Release(OwnerIn(bus) ?? somebody); break;
            case < 825: _connections.AddMatch(somebody); break;
            case < 835: _connections.RemoveMatch(somebody); break;
            case < 850: _connections.Update(anybody); break;
            case < 860: _connections.List(anybody); break;
            case < 870: _connections.Ask(anybody); break;
            case < 885: _messages.Interrupt(); break;
            case < 890: _messages.Cancel(); break;
            case < 905: _messages.Resume(); break;
            case < 940: _messages.Commit(); break;
            case < 965: _messages.Pass(); break;
            case < 969: _messages.Exhaust(anybody); break;
            case < 990: _messages.Scribble(anybody); break;
            case < 994: _messages.Mask(); break;
            default: _connections.Malformed(anybody); break;
        }
    }

    /// <summary>The one who has most to say is asked more often.</summary>
    private void Reply(List<ConnectionModel> all, ConnectionModel somebody)
    {
        var asked = all.FindAll(each => each.Expected.Count > 0 && each.IsOrdinary);
        _messages.Reply(asked.Count > 0 && !Chance.OneIn(10) ? Chance.Any(asked) : somebody);
    }

    private void Receive(List<ConnectionModel> all, ConnectionModel anybody)
    {
        var readable = all.FindAll(each => each.IsReadable);
        _messages.Receive(readable.Count > 0 && !Chance.OneIn(8) ? Chance.Any(readable) : anybody);
    }

    /// <summary>Who is about to get something beside a message.</summary>
    private ConnectionModel SomebodyWhoGets(ConnectionModel anybody)
    {
        var getting = _world.Model.Handouts.Values.Where(each => each.Owner.Alive).ToList();
        return getting.Count > 0 ? Chance.Any(getting).Owner : anybody;
    }

    /// <summary>Mostly somebody who got descriptors.</summary>
    private void Install(List<ConnectionModel> all, ConnectionModel anybody)
    {
        var waiting = all.FindAll(each => each.Pool.Slices.Exists(slice => slice.Handout != null));
        _messages.Install(waiting.Count > 0 && !Chance.OneIn(8) ? Chance.Any(waiting) : anybody);
    }

    /// <summary>A handle that is nothing, or nothing any more, is tried once more and closed.</summary>
    private void CloseWhatIsLeft()
    {
        var left = _world.Model.Handles.Values.Where(each => each is { Role: RoleModel.Untyped } or { Connection.Alive: false } or { OwnedEndpoint.Alive: false }).ToList();
        if (left.Count == 0) return;
        var handle = Chance.Any(left);
        if (handle.Connection is { } dead)
        {
            _connections.Malformed(dead);
            _messages.Receive(dead);
            _messages.Send(dead);
        }
        else if (handle.OwnedEndpoint != null)
        {
            _nodes.UpdateEndpoint(handle);
        }

        _nodes.Close(handle);
    }

    /// <summary>Mostly somebody who has a name that he could release.</summary>
    private ConnectionModel? OwnerIn(BusModel bus)
    {
        var names = bus.Names.FindAll(name => name.Owner.IsOrdinary);
        return names.Count > 0 && !Chance.OneIn(3) ? Chance.Any(names).Owner : null;
    }

    private void EndNode(BusModel bus)
    {
        var endpoints = _world.Model.Handles.Values.Where(each => each.Role == RoleModel.EndpointOwner).ToList();
        var owners = _world.Model.Handles.Values.Where(each => each.Role == RoleModel.BusOwner && (each.OwnedBus != bus || Chance.OneIn(4))).ToList();
        var ending = endpoints.Count > 0 && !Chance.OneIn(3) ? endpoints : owners;
        if (ending.Count > 0) _nodes.Close(Chance.Any(ending));
    }

    private void UpdateEndpoint(BusModel bus)
    {
        var owners = _world.Model.Handles.Values.Where(each => each.OwnedEndpoint?.Bus == bus).ToList();
        if (owners.Count > 0) _nodes.UpdateEndpoint(Chance.Any(owners));
    }
}
