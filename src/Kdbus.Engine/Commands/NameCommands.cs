using Kdbus.Abi;
using Kdbus.Engine.Policy;

namespace Kdbus.Engine.Commands;

/// <summary>NAME_ACQUIRE and NAME_RELEASE.</summary>
internal static class NameCommands
{
    public static Errno Acquire(Domain domain, ref Invocation call, Connection connection, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmd>();
        var name = NameIn(call.Frame);
        if (!WellKnownName.IsValid(name, maxLength: domain.Limits.NameLength)) return Errno.EINVAL;
        if (connection.Names.Count >= domain.Limits.Names) return Errno.E2BIG;
        if (!Permission.MayOwn(connection, call.Caller, name)) return Errno.EPERM;

        var result = connection.Bus.Names.Acquire(connection, name, (NameFlags)cmd.Flags, call.Now, out var returned);
        if (returned == NameFlags.None) return result;
        cmd.ReturnFlags = (ulong)returned;
        outcome.StoreReturnFlags();
        return result;
    }

    /// <summary>A name that cannot be one is a name that nobody owns.</summary>
    public static Errno Release(ref Invocation call, Connection connection) =>
        connection.Bus.Names.Release(connection, NameIn(call.Frame), call.Now);

    private static ReadOnlySpan<byte> NameIn(Span<byte> frame)
    {
        CommandFrame.TryFind(frame.Items<KdbusCmd>(), ItemType.Name, out var item);
        return item.String;
    }
}
