using Kdbus.Abi;

namespace Kdbus.Engine.Commands;

/// <summary>The commands by number: the generic checks that all share, then the command itself.</summary>
internal static class CommandTable
{
    /// <summary>Runs an admitted command.</summary>
    public static Outcome Run(Domain domain, Handle handle, ref Invocation call)
    {
        var outcome = default(Outcome);
        var layout = CommandLayout.Of(call.Ioctl)!;
        Bus? bus = null;
        if (layout.Command == Command.EndpointMake)
        {
            outcome.Result = MakeCommands.FindBus(domain, ref call, handle, out bus);
            if (outcome.Result != Errno.OK) return outcome;
        }

        outcome.Result = GenericStage.Check(domain, layout, call.Frame, namesBus: layout.Command == Command.EndpointMake && handle.Endpoint == null, ref outcome, out var negotiated);
        if (outcome.Result != Errno.OK || negotiated)
        {
            domain.Abandon(call);
            return outcome;
        }

        outcome.Result = layout.Command switch
        {
            Command.Send => SendCommand.Run(domain, ref call, handle.Connection!, ref outcome),
            Command.Recv => RecvCommand.Run(domain, ref call, handle.Connection!, ref outcome),
            Command.Free => ConnectionCommands.Free(handle.Connection!, call.Frame.As<KdbusCmdFree>().Offset),
            Command.List => ListCommand.Run(ref call, handle.Connection!, ref outcome),
            Command.ConnInfo => InfoCommands.ConnInfo(domain, ref call, handle.Connection!, ref outcome),
            Command.BusCreatorInfo => InfoCommands.BusCreatorInfo(domain, ref call, handle.Connection!, ref outcome),
            Command.NameAcquire => NameCommands.Acquire(domain, ref call, handle.Connection!, ref outcome),
            Command.NameRelease => NameCommands.Release(ref call, handle.Connection!),
            Command.MatchAdd => MatchCommands.Add(domain, ref call, handle.Connection!),
            Command.MatchRemove => MatchCommands.Remove(ref call, handle.Connection!),
            Command.Update => ConnectionCommands.Update(domain, ref call, handle.Connection!),
            Command.Byebye => ConnectionCommands.Byebye(domain, ref call, handle.Connection!),
            Command.FdsInstalled => FdsInstalledCommand.Run(ref call, handle.Connection!, ref outcome),
            Command.Exchange => ExchangeCommand.Begin(ref call, handle.Connection!),
            Command.Hello => HelloCommand.Run(domain, ref call, handle, ref outcome),
            Command.BusMake => MakeCommands.BusMake(domain, ref call, handle),
            Command.EndpointMake => MakeCommands.EndpointMake(domain, ref call, handle, bus!),
            Command.EndpointUpdate => MakeCommands.EndpointUpdate(domain, ref call, handle.OwnedEndpoint!),
            _ => Errno.ENOTTY,
        };
        outcome.Made = outcome.Result == Errno.OK && layout.Command is Command.BusMake or Command.EndpointMake or Command.Hello;
        return outcome;
    }
}
