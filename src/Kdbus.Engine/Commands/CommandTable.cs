using Kdbus.Abi;

namespace Kdbus.Engine.Commands;

/// <summary>The commands by number: the generic checks that all share, then the command itself.</summary>
internal static class CommandTable
{
    /// <summary>False for a number that is no command, or none that this domain has.</summary>
    public static bool IsKnown(uint ioctl) => (Command)ioctl is
        Command.Send or Command.Recv or Command.Free or Command.List or Command.ConnInfo or Command.BusCreatorInfo
        or Command.Update or Command.Byebye or Command.Hello
        or Command.BusMake or Command.EndpointMake or Command.EndpointUpdate;

    /// <summary>Runs an admitted command.</summary>
    public static Outcome Run(Domain domain, Handle handle, ref Invocation call)
    {
        var outcome = default(Outcome);
        var layout = CommandLayout.Of(call.Ioctl)!;
        outcome.Result = GenericStage.Check(layout, call.Frame, ref outcome, out var negotiated);
        if (outcome.Result != Errno.OK || negotiated) return outcome;

        outcome.Result = layout.Command switch
        {
            Command.Send => SendCommand.Run(domain, ref call, handle.Connection!, ref outcome),
            Command.Recv => RecvCommand.Run(domain, ref call, handle.Connection!, ref outcome),
            Command.Free => ConnectionCommands.Free(ref call, handle.Connection!),
            Command.List => InfoCommands.List(ref call, handle.Connection!, ref outcome),
            Command.ConnInfo => InfoCommands.ConnInfo(domain, ref call, handle.Connection!, ref outcome),
            Command.BusCreatorInfo => InfoCommands.BusCreatorInfo(ref call, handle.Connection!, ref outcome),
            Command.Update => ConnectionCommands.Update(ref call, handle.Connection!),
            Command.Byebye => ConnectionCommands.Byebye(domain, ref call, handle.Connection!),
            Command.Hello => HelloCommand.Run(domain, ref call, handle, ref outcome),
            Command.BusMake => MakeCommands.BusMake(domain, ref call, handle),
            Command.EndpointMake => MakeCommands.EndpointMake(domain, ref call, handle),
            Command.EndpointUpdate => MakeCommands.EndpointUpdate(ref call, handle.OwnedEndpoint!),
            _ => Errno.ENOTTY,
        };
        outcome.Made = outcome.Result == Errno.OK && layout.Command is Command.BusMake or Command.EndpointMake or Command.Hello;
        return outcome;
    }
}
