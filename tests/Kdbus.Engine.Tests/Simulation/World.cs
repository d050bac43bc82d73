using Kdbus.Engine.Files;
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
        Fds = 5, MessageMemfds = 3, FilesInFlight = 24,
    };

    private readonly HashSet<ulong> _deadlines = [];
    private ulong _lastHandle;
    private ulong _lastFile;

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

    /// <summary>The command that was issued last.</summary>
    public ulong LastRequest { get; private set; }

    /// <summary>The pidfd that came with it, or 0.</summary>
    public ulong LastPidfd { get; private set; }

    /// <summary>All files that were given to the engine and that it has not had closed.</summary>
    public HashSet<ulong> OpenFiles { get; } = [];

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
        Player.Effects.ClosedFiles.Clear();
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
        request = ++LastRequest;
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
        // It may be that it was asked for and is not any more.
        var isTold = (needs.Kinds & caller.Kinds).HasFlag(AttachFlags.Pidfd);
        LastPidfd = input.Ioctl == (uint)Command.Send && (isTold ? !Chance.OneIn(6) : Chance.OneIn(40)) ? NewFile() : 0;
        return input with
        {
            Pidfd = LastPidfd,
            Caller = Tasks.Identify(caller, needs.Facts),
            Process = Tasks.Describe(caller, needs.Kinds),
            View = Tasks.ViewOf(caller, needs.Facts),
        };
    }

    /// <summary>What whoever drives an engine finds behind the numbers that a message names.</summary>
    public SentFile[] Look(byte[] message, IEnumerable<DescriptorModel> descriptors)
    {
        var found = new List<SentFile>();
        var byNumber = descriptors.Where(each => each.Number >= 0).ToDictionary(each => each.Number);
        var numbers = DescriptorNumbers.Of(Limits, message);
        while (numbers.MoveNext())
        {
            var descriptor = byNumber.GetValueOrDefault(numbers.Current);
            if (descriptor is not { Found: Errno.OK })
            {
                found.Add(new SentFile(descriptor?.Found ?? Errno.EBADF, 0));
                continue;
            }

            // Seals and size are asked for only where they matter.
            Invariant.Equal(0UL, descriptor.File, "Each descriptor is looked at once");
            descriptor.File = NewFile();
            found.Add(new SentFile(Errno.OK, descriptor.File)
            {
                Kind = descriptor.Kind, Seals = numbers.IsMemfd ? descriptor.Seals : 0, Size = numbers.IsMemfd ? descriptor.Size : 0,
            });
        }

        return [.. found];
    }

    /// <summary>A file that was opened for the engine.</summary>
    public ulong NewFile()
    {
        OpenFiles.Add(++_lastFile);
        return _lastFile;
    }

    /// <summary>A command that needs nothing but its frame: both sides must come to the same result.</summary>
    public AnswerModel Run(
        HandleModel handle, Command command, byte[] frame, TaskModel caller, Func<AnswerModel> model, out Played played, Func<Input.Execute, Input.Execute>? with = null)
    {
        played = Issue(handle, command, frame, caller, out _, with);
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
