using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>How an input stands after it was let in; <see cref="Frame"/> holds the results of a command.</summary>
internal readonly record struct Played(Errno Result, Outcome Outcome, byte[] Frame);

/// <summary>
/// Lets inputs into a domain, one after the other, and does what whoever drives an engine does: it makes pools, brings remote
/// payloads to where they are wanted, hands out what is to be handed out, and knows endpoints by their inode. What comes out is written
/// down.
/// </summary>
internal sealed class InputPlayer
{
    /// <summary>What ids without a name are called: users and groups can be told apart by it.</summary>
    public static readonly OverflowIds Overflow = new(65534, 65533);

    private readonly Dictionary<ulong, Endpoint> _endpoints = [];
    private readonly Dictionary<ulong, PoolMemory> _pools = [];
    private readonly Dictionary<ulong, (Input.Execute Input, byte[] Frame, Outcome Outcome)> _begun = [];

    public InputPlayer(DomainLimits limits)
    {
        Domain = new Domain(Effects, limits) { Overflow = Overflow };
        Effects.Log = Transcript.Add;
    }

    public Domain Domain { get; }

    public RecordedEffects Effects { get; } = new();

    public Transcript Transcript { get; } = new();

    /// <summary>All pools there ever were, by handle.</summary>
    public IReadOnlyDictionary<ulong, PoolMemory> Pools => _pools;

    /// <summary>A domain that has seen the first inputs of a log.</summary>
    public static InputPlayer Replay(InputLog log, int count)
    {
        var player = new InputPlayer(log.Limits);
        for (var i = 0; i < count; i++) player.Apply(log.Inputs[i]);
        return player;
    }

    public Played Apply(Input input)
    {
        switch (input)
        {
            case Input.Open open:
                var endpoint = open.Inode == Domain.ControlInode ? null : _endpoints[open.Inode];
                var opened = Domain.Open(open.Handle, endpoint, open.Caller);
                Transcript.Add($"open {open.Handle} of {open.Inode}: {opened}");
                return new Played(opened, default, []);
            case Input.Close close:
                Transcript.Add($"close {close.Handle}");
                Domain.Close(close.Handle, close.Now);
                break;
            case Input.Undo undo:
                Transcript.Add($"undo {undo.Handle}");
                Domain.Undo(undo.Handle, undo.Now);
                break;
            case Input.Execute execute:
                return Execute(execute);
            case Input.Commit commit:
                return Commit(commit);
            case Input.HandedOut handed:
                HandOut(handed);
                break;
            case Input.Interrupt interrupt:
                Transcript.Add($"interrupt {interrupt.Request}");
                Domain.Interrupt(interrupt.Request);
                break;
            case Input.Cancel cancel:
                Transcript.Add($"cancel {cancel.Request}");
                Domain.Cancel(cancel.Request);
                break;
            case Input.Advance advance:
                Transcript.Add($"advance to {advance.Now.Monotonic}");
                Domain.Advance(advance.Now);
                break;
            case Input.Mask mask:
                Transcript.Add($"mask {(ulong)mask.Kinds:x}");
                Domain.AttachMask = mask.Kinds;
                break;
            case Input.Exhaust exhaust:
                Transcript.Add($"memory of {exhaust.Handle} exhausted: {exhaust.IsExhausted}");
                _pools[exhaust.Handle].IsExhausted = exhaust.IsExhausted;
                break;
            case Input.Scribble scribble:
                Transcript.Add($"scribble {scribble.Handle}");
                _pools[scribble.Handle].Scribble(scribble.Value);
                break;
        }

        return default;
    }

    private Played Execute(Input.Execute input)
    {
        var frame = input.Frame.ToArray();
        var pool = input.PoolSize == 0
            ? null
            : new PoolMemory(input.PoolSize) { IsWritableByOwner = input.IsPoolWritable, IsExhausted = input.IsPoolExhausted };
        var call = new Invocation
        {
            Handle = input.Handle,
            Request = input.Request,
            Ioctl = input.Ioctl,
            Caller = input.Caller,
            Now = input.Now,
            Frame = frame,
            Message = input.Message,
            PayloadPlace = input.Place,
            Payload = input.Place == PayloadPlace.Here ? input.Payload : [],
            CancelDescriptor = input.CancelDescriptor,
            Files = input.Files,
            Pidfd = input.Pidfd,
            TakesDescriptors = input.TakesDescriptors,
            Process = input.Process,
            View = input.View,
            Named = input.Named,
            Pool = pool,
            Random = new UInt128(input.Random, ~input.Random),
        };
        var outcome = Domain.Execute(ref call);
        if (outcome.Kind == OutcomeKind.Copy) _begun.Add(input.Request, (input, frame, outcome));
        if (outcome.Handout is { } handout) Effects.Handouts.Add(input.Request, handout);
        if (outcome.Made && pool != null) _pools[input.Handle] = pool;
        else if (outcome.Made) RememberEndpoints();
        Transcript.Add($"{(Command)input.Ioctl} {input.Request} on {input.Handle}: {outcome.Kind} {outcome.Result}{Results(outcome, frame)}");
        return new Played(outcome.Result, outcome, frame);
    }

    private Played Commit(Input.Commit input)
    {
        _begun.Remove(input.Request, out var begun);
        if (input.Copied == Errno.OK) Bring(begun.Input, begun.Outcome.Transfer!);
        var call = new Invocation
        {
            Handle = begun.Input.Handle,
            Request = input.Request,
            Ioctl = begun.Input.Ioctl,
            Caller = begun.Input.Caller,
            Process = begun.Input.Process,
            View = begun.Input.View,
            Now = input.Now,
            Frame = begun.Frame,
            Message = begun.Input.Message,
            PayloadPlace = PayloadPlace.Remote,
            TakesDescriptors = begun.Input.TakesDescriptors,
        };
        var outcome = Domain.Commit(ref call, begun.Outcome, input.Copied);
        begun.Outcome.Transfer!.End();
        Transcript.Add($"commit {input.Request} {input.Copied}: {outcome.Kind} {outcome.Result}{Results(outcome, begun.Frame)}");
        return new Played(outcome.Result, outcome, begun.Frame);
    }

    /// <summary>What is to be copied is copied here; it can be done only if the host has memory for it.</summary>
    private void HandOut(Input.HandedOut input)
    {
        Effects.Handouts.Remove(input.Request, out var handout);
        var done = input.Done && SampleFile.Copy(handout!);
        Transcript.Add($"handed out {input.Request}: {done}");
        handout!.End(done);
    }

    /// <summary>Straight into the one pool, or to all places.</summary>
    private static void Bring(Input.Execute input, Transfer transfer)
    {
        if (!transfer.IsDirect)
        {
            transfer.FillAll(input.Message, input.Payload);
            return;
        }

        var delivery = transfer.Deliveries[0];
        var payload = input.Payload.AsSpan();
        var pieces = PayloadVecs.Of(input.Message);
        while (pieces.MoveNext())
        {
            if (pieces.Current.Address == 0) continue;
            var size = (int)pieces.Current.Size;
            payload[..size].CopyTo(delivery.Memory.Room(delivery.AreaOffset + pieces.Position, size));
            payload = payload[size..];
        }
    }

    private void RememberEndpoints()
    {
        foreach (var endpoint in Domain.Buses.SelectMany(bus => bus.Endpoints)) _endpoints[endpoint.Inode] = endpoint;
    }

    private static string Results(in Outcome outcome, byte[] frame)
    {
        var stores = outcome.Stores;
        if (stores.IsEmpty) return "";
        var results = Convert.ToHexString(frame.AsSpan(stores.Results.Offset, stores.Results.Length));
        var negotiated = Convert.ToHexString(frame.AsSpan(stores.Negotiated.Offset, stores.Negotiated.Length));
        return $" {stores.Flags} {(stores.ReturnFlags ? frame[16] : -1)} {results} {negotiated}{HandoutText.Of(outcome.Handout)}";
    }
}
