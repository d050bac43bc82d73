using Kdbus.Abi;
using Kdbus.Engine.Matching;

namespace Kdbus.Engine.Commands;

/// <summary>MATCH_ADD and MATCH_REMOVE.</summary>
internal static class MatchCommands
{
    public static Errno Add(Domain domain, ref Invocation call, Connection connection)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdMatch>();
        var rules = new List<MatchRule>();
        var items = new ItemReader(call.Frame.Items<KdbusCmdMatch>());
        while (items.TryRead(out var item))
        {
            if (item.Type == ItemType.Negotiate) continue;
            var result = MatchRule.Read(item, domain.Limits, (int)connection.Bus.Bloom.Size, out var rule);
            if (result != Errno.OK) return result;
            rules.Add(rule);
        }

        var matches = connection.Matches;
        if (((MatchFlags)cmd.Flags).HasFlag(MatchFlags.Replace)) matches.Remove(cmd.Cookie);
        if (matches.All.Count >= domain.Limits.Matches) return Errno.EMFILE;
        matches.Add(new Match(connection, cmd.Cookie, [.. rules]));
        return Errno.OK;
    }

    public static Errno Remove(ref Invocation call, Connection connection) =>
        connection.Matches.Remove(call.Frame.As<KdbusCmdMatch>().Cookie) > 0 ? Errno.OK : Errno.EBADSLT;
}
