namespace Kdbus.Conformance.Words;

public sealed partial class Peer
{
    /// <summary>MATCH_ADD.</summary>
    public Errno AddMatch(Action<MatchRules> build, ulong cookie = 0, MatchFlags flags = 0)
    {
        WireStruct command = WireStruct.Of(new KdbusCmdMatch { Flags = (ulong)flags, Cookie = cookie });
        build(new MatchRules(command));
        return Handle.Run(Command.MatchAdd, command).Result;
    }

    /// <summary>MATCH_REMOVE.</summary>
    public Errno RemoveMatch(ulong cookie) => Handle.Run(Command.MatchRemove, WireStruct.Of(new KdbusCmdMatch { Cookie = cookie })).Result;

    /// <summary>MATCH_ADD that must succeed.</summary>
    public void Matches(Action<MatchRules> build, ulong cookie = 0, MatchFlags flags = 0) => Assert.Equal(Errno.OK, AddMatch(build, cookie, flags));

    /// <summary>MATCH_ADD, which must succeed, of a match without rules.</summary>
    public void MatchesEverything() => Matches(static _ => { });

    /// <summary>SEND of a signal to everybody. The filter is of zeros unless it is given.</summary>
    public Errno Broadcast(Action<OutgoingMessage>? build = null, byte[]? filter = null, ulong generation = 0) => Signal(
        message =>
        {
            message.To(Constants.DstIdBroadcast);
            build?.Invoke(message);
        },
        filter,
        generation);

    /// <summary>SEND of a signal to whom the message says.</summary>
    public Errno Signal(Action<OutgoingMessage> build, byte[]? filter = null, ulong generation = 0) => Send(
        message =>
        {
            message.Flags(MessageFlags.Signal).BloomFilter(filter ?? Bloom.Nothing, generation);
            build(message);
        });
}
