using Kdbus.Engine.Tests.Simulation.Model;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>
/// A domain and the model of it, side by side: whatever happens goes into both, by way of the log of inputs. What the engine
/// says of a command is compared by who issues it, everything else by the <see cref="Comparison"/>.
/// </summary>
internal sealed class World
{
    public static readonly DomainLimits Limits = new()
    {
        Connections = 14, Buses = 2, Requests = 8, Names = 5, Matches = 6, Messages = 20, BloomSize = 64,
    };

    private readonly HashSet<ulong> _deadlines = [];
    private ulong _lastHandle;
    private ulong _lastRequest;

    public World(int seed)
    {
        Chance = new Chance(seed);
        Comparison = new Comparison(this);
    }

    public Chance Chance { get; }

    public Comparison Comparison { get; }

    public InputLog Log { get; } = new(Limits);

    public InputPlayer Player { get; } = new(Limits);

    public DomainModel Model { get; } = new(Limits);

    /// <summary>Who there is.</summary>
    public Tasks Tasks { get; } = new();

    public Domain Domain => Player.Domain;

    public Instant Now { get; private set; } = new(100 * TestDomain.Second, 1_000_000 * TestDomain.Second);

    /// <summary>When the last input arrived.</summary>
    public Instant Stamped { get; private set; }

    public Dictionary<ConnectionModel, Connection> Engine { get; } = [];

    /// <summary>Who sent what is being copied.</summary>
    public Dictionary<ulong, ConnectionModel> Copying { get; } = [];

    /// <summary>The connections alive.</summary>
    public List<ConnectionModel> Connections => [.. Model.Buses.SelectMany(bus => bus.Connections)];

    public int Steps { get; private set; }

    public PoolMemory MemoryOf(ConnectionModel connection) => (PoolMemory)Engine[connection].Pool.Memory;

    public ulong NewHandle() => ++_lastHandle;

    public Played Play(Input input)
    {
        Player.Effects.Wakes.Clear();
        Player.Effects.Completions.Clear();
        Player.Effects.Refusals.Clear();
        Model.Completions.Clear();
        Model.Refusals.Clear();
        Log.Add(input);
        return Player.Apply(input);
    }

    /// <summary>The input is in both: they must agree.</summary>
    public void Settled()
    {
        Steps++;
        Comparison.AfterInput(Steps);
    }

    public void Finished() => Comparison.AtTheEnd();

    public void Pass(int nanoseconds) => Now = new Instant(Now.Monotonic + (ulong)nanoseconds, Now.Realtime + (ulong)nanoseconds);

    /// <summary>When an input arrives: it may have been stamped before another one that was let in first.</summary>
    public Instant Stamp()
    {
        var late = Chance.OneIn(10) ? (ulong)Chance.Below(500) : 0;
        return Stamped = new Instant(Now.Monotonic - late, Now.Realtime - late);
    }

    /// <summary>A deadline that no other request has.</summary>
    public ulong Deadline(ulong wanted)
    {
        while (!_deadlines.Add(wanted)) wanted++;
        return wanted;
    }

    /// <summary>Issues a command; of its caller the engine learns what it has asked for.</summary>
    public Played Issue(HandleModel handle, Command command, byte[] frame, TaskModel caller, out ulong request, Func<Input.Execute, Input.Execute>? with = null)
    {
        request = ++_lastRequest;
        var input = new Input.Execute(handle.Id, request, (uint)command, default, Stamp(), frame);
        if (with != null) input = with(input);
        return Play(AsFarAsNeeded(caller, input));
    }

    private Input.Execute AsFarAsNeeded(TaskModel caller, Input.Execute input)
    {
        var call = new Invocation
        {
            Handle = input.Handle, Request = input.Request, Ioctl = input.Ioctl, Now = input.Now, Frame = input.Frame, Message = input.Message,
        };
        var needs = Domain.Needs(call);
        return input with
        {
            Caller = Tasks.Identify(caller, needs.Facts),
            Process = Tasks.Describe(caller, needs.Kinds),
            View = Tasks.ViewOf(caller, needs.Facts),
        };
    }

    /// <summary>A command that needs nothing but its frame: both sides must come to the same result.</summary>
    public AnswerModel Run(HandleModel handle, Command command, byte[] frame, TaskModel caller, Func<AnswerModel> model, out Played played)
    {
        played = Issue(handle, command, frame, caller, out _);
        var expected = Model.Execute(handle, command, Stamped, model);
        Agree(expected, played, command);
        return expected;
    }

    /// <summary>Both sides come to the same result.</summary>
    public void Agree(in AnswerModel expected, in Played played, Command command)
    {
        Model.Count($"{command} {(expected.Kind == OutcomeKind.Done ? expected.Result : expected.Kind)}");
        if (expected.Kind != played.Outcome.Kind || expected.Result != played.Result)
        {
            throw new InvariantException($"Result of {command}: {expected.Kind} {expected.Result} by the model, {played.Outcome.Kind} {played.Result} by the engine.");
        }
    }
}
