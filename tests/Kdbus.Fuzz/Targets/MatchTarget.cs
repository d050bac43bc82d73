using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Engine;
using Kdbus.Engine.Matching;
using Kdbus.Fuzz.Grammar;
using Kdbus.Fuzz.Naive;
using Kdbus.Fuzz.Serving;

namespace Kdbus.Fuzz.Targets;

/// <summary>
/// Matches of several connections, good and damaged, that come and go: what MATCH_ADD says to each, and whom the index finds
/// for signals and notifications, beside a scan of all of them.
/// </summary>
internal sealed class MatchTarget : IFuzzTarget
{
    private const int Peers = 5;
    private const ulong BusOwner = 1;

    private static readonly string[] Names = ["a.b", "a.c", "org.example.name"];

    public string Name => "match";

    public void Run(Dice dice, List<byte[]> inputs)
    {
        var effects = new NoEffects();
        var bloomSize = dice.Of(BusWords.BloomSize, BusWords.BloomSize, 8);
        var domain = new Domain(effects, new DomainLimits { Matches = dice.Of(Limits.MatchMax, 6) });
        var caller = new Caller(1000, 1000, 1000, 1000, CapIpcOwner: false, Pid: 1);
        domain.Open(BusOwner, null, caller);
        Require(Errno.OK, Execute(BusOwner, Command.BusMake, Frame.Of(
            new KdbusCmd(),
            Frame.Item(ItemType.MakeName, "1000-bus"),
            Frame.Item(ItemType.BloomParameter, new KdbusBloomParameter { Size = (ulong)bloomSize, NHash = 1 }))), "BUS_MAKE");
        var bus = domain.FindBus("1000-bus")!;
        for (var handle = BusOwner + 1; handle <= BusOwner + Peers; handle++)
        {
            domain.Open(handle, bus.DefaultEndpoint, caller);
            Require(Errno.OK, Execute(handle, Command.Hello, Frame.Of(new KdbusCmdHello { PoolSize = 65536 })), "HELLO");
        }

        var ids = bus.Connections.Select(connection => connection.Id).ToList();
        var naive = bus.Connections.ToDictionary(connection => connection, _ => new List<NaiveMatch>());
        for (var i = 0; i < 80; i++)
        {
            var handle = BusOwner + 1 + (ulong)dice.Below(Peers);
            var connection = domain.FindConnection(handle)!;
            switch (dice.Below(8))
            {
                case 0:
                    var cookie = (ulong)dice.Below(4);
                    var gone = connection.Alive ? naive[connection].RemoveAll(match => match.Cookie == cookie) : 0;
                    var removed = Execute(handle, Command.MatchRemove, Frame.Of(new KdbusCmdMatch { Cookie = cookie }));
                    Require(!connection.Alive ? Errno.ECONNRESET : gone > 0 ? Errno.OK : Errno.EBADSLT, removed, "MATCH_REMOVE");
                    break;
                case 1:
                    Execute(handle, dice.Of(Command.NameAcquire, Command.NameAcquire, Command.NameRelease), Frame.Of(new KdbusCmd(), Frame.Item(ItemType.Name, dice.Of(Names))));
                    break;
                case 2 when dice.OneIn(8):
                    if (connection.Queued == 0 && Execute(handle, Command.Byebye, Frame.Of(new KdbusCmd())) == Errno.OK) naive.Remove(connection);
                    break;
                default:
                    AddMatch(handle, connection);
                    break;
            }

            Require(naive.Values.Sum(matches => matches.Count), bus.Matching.Count, "matches in the index");
            for (var asked = 0; asked < 6; asked++) Ask(dice, bus, naive, ids, bloomSize);
        }

        domain.Close(BusOwner, default);
        if (!Inside.IsEmpty(bus.Matching)) throw new FuzzFailure("The index of a bus that has ended is not empty.");

        void AddMatch(ulong handle, Connection connection)
        {
            List<byte[]> items = [];
            MatchGrammar.Add(dice, ids, items);
            if (dice.OneIn(20)) items.Insert(dice.Below(items.Count + 1), Frame.Item(ItemType.Negotiate, dice.Bytes(8 * dice.Below(3))));
            if (dice.OneIn(40)) items.Add(Frame.Item((ItemType)dice.Wild(), dice.Bytes(dice.Below(20))));
            var flags = dice.OneIn(40) ? dice.Wild() : dice.OneIn(60) ? Constants.FlagNegotiate : (ulong)dice.Below(2);
            var frame = Frame.Of(new KdbusCmdMatch { Cookie = (ulong)dice.Below(4), Flags = flags }, [.. items]);
            if (dice.OneIn(6)) frame = Whole(Damage.Do(dice, frame));
            inputs.Add(frame);

            var given = (byte[])frame.Clone();
            var result = Execute(handle, Command.MatchAdd, frame);
            if (!connection.Alive)
            {
                Require(Errno.ECONNRESET, result, "MATCH_ADD of the dead");
                return;
            }

            var expected = NaiveMatch.Read(given, bloomSize, out var match);
            if (match != null)
            {
                if (match.Replaces) naive[connection].RemoveAll(other => other.Cookie == match.Cookie);
                if (naive[connection].Count < domain.Limits.Matches) naive[connection].Add(match);
                else expected = Errno.EMFILE;
            }

            Require(expected, result, "MATCH_ADD " + Convert.ToHexString(given));
        }

        Errno Execute(ulong handle, Command command, byte[] frame)
        {
            var call = new Invocation
            {
                Handle = handle, Request = 1, Ioctl = (uint)command, Caller = caller, Now = default, Frame = frame, Pool = new ArrayPool(65536),
            };
            return domain.Execute(ref call).Result;
        }
    }

    private static void Ask(Dice dice, Bus bus, Dictionary<Connection, List<NaiveMatch>> naive, List<ulong> ids, int bloomSize)
    {
        var found = new List<Connection>();
        IEnumerable<Connection> expected;
        if (dice.OneIn(2) && bus.Connections.Count > 0)
        {
            var sender = dice.Of(bus.Connections.ToList());
            var generation = BusWords.Generation(dice);
            var filter = BusWords.Filter(dice);
            Array.Resize(ref filter, bloomSize);
            bus.Matching.Collect(MatchSubject.Signal(sender, generation, filter), found);
            expected = Passing(match => match.PassesSignal(sender.Id, name => sender.Owns(Encoding.Latin1.GetBytes(name)), filter, generation));
            foreach (var (connection, matches) in naive)
            {
                var passes = matches.Exists(match => match.PassesSignal(sender.Id, name => sender.Owns(Encoding.Latin1.GetBytes(name)), filter, generation));
                Require(passes, connection.Matches.Passes(MatchSubject.Signal(sender, generation, filter)), "a unicast signal");
            }
        }
        else if (dice.OneIn(2))
        {
            var type = dice.Of(ItemType.NameAdd, ItemType.NameRemove, ItemType.NameChange);
            var (before, after, name) = (type == ItemType.NameAdd ? 0 : dice.Of(ids), type == ItemType.NameRemove ? 0 : dice.Of(ids), dice.Of(Names));
            bus.Matching.Collect(MatchSubject.OfName(type, before, after, Encoding.Latin1.GetBytes(name)), found);
            expected = Passing(match => match.PassesNotification(type, before, after, name));
        }
        else
        {
            var (type, id) = (dice.Of(ItemType.IdAdd, ItemType.IdRemove), dice.Of(ids));
            bus.Matching.Collect(MatchSubject.OfId(type, id), found);
            expected = Passing(match => match.PassesNotification(type, 0, id, null));
        }

        Require(Text(expected), Text(found), "who is told");

        IEnumerable<Connection> Passing(Predicate<NaiveMatch> passes) => naive.Where(owned => owned.Value.Exists(passes)).Select(owned => owned.Key);

        static string Text(IEnumerable<Connection> connections) => string.Join(' ', connections.Select(connection => connection.Id).Order());
    }

    /// <summary>The daemon hands over what is as long as it says.</summary>
    private static byte[] Whole(byte[] damaged)
    {
        var whole = damaged.Length < 32 ? new byte[32] : damaged;
        damaged.CopyTo(whole, 0);
        MemoryMarshal.Write(whole, (ulong)whole.Length);
        return whole;
    }

    private static void Require<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual)) throw new FuzzFailure($"{what}: {actual} instead of {expected}");
    }
}
