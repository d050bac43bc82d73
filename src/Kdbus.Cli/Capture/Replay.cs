using System.Buffers;
using Kdbus.Abi;
using Kdbus.Cli.Watching;
using Kdbus.Client;
using Kdbus.Linux;

namespace Kdbus.Cli.Capture;

/// <summary>A request that was sent again, with what came of it.</summary>
internal sealed record Outcome(Turn Turn, Answer Captured, Answer Now, ulong LatencyNs);

/// <summary>Sends a conversation again, to whoever is said. Cookies and ids are new ones.</summary>
/// <param name="bus">From here.</param>
/// <param name="to">To whom.</param>
/// <param name="timeout">How long each answer may take.</param>
internal sealed class Replay(BusConnection bus, Destination to, TimeSpan timeout)
{
    private readonly List<Outcome> _outcomes = [];
    private int _attempts;

    /// <summary>Requests with what came of them, in order.</summary>
    public IReadOnlyList<Outcome> Outcomes => _outcomes;

    /// <summary>Plain messages sent.</summary>
    public int Messages { get; private set; }

    /// <summary>Plain messages that the bus did not take.</summary>
    public List<(Turn Turn, Answer Why)> Refused { get; } = [];

    /// <summary>One after the other: the next one goes when the answer is there.</summary>
    public async Task RunAsync(IEnumerable<Turn> turns, CancellationToken ending)
    {
        foreach (Turn turn in turns)
        {
            ending.ThrowIfCancellationRequested();
            if (turn.Message.Kind == MessageKind.Call)
                _outcomes.Add(await CallAsync(turn, ending).ConfigureAwait(false));
            else
                await SendAsync(turn, ending).ConfigureAwait(false);
        }
    }

    /// <summary>At the distances in time that the capture has; the next one does not wait for the answer.</summary>
    public async Task RunTimedAsync(IReadOnlyList<Turn> turns, CancellationToken ending)
    {
        List<Task<Outcome>> calls = [];
        long began = Clock.MonotonicNanoseconds;
        foreach (Turn turn in turns)
        {
            long due = began + (long)(turn.Message.MonotonicNs - Math.Min(turn.Message.MonotonicNs, turns[0].Message.MonotonicNs));
            if (due - Clock.MonotonicNanoseconds is > 0 and var wait)
                await Task.Delay(TimeSpan.FromTicks(wait / 100), ending).ConfigureAwait(false);
            if (turn.Message.Kind == MessageKind.Call)
                calls.Add(CallAsync(turn, ending));
            else
                await SendAsync(turn, ending).ConfigureAwait(false);
        }
        _outcomes.AddRange(await Task.WhenAll(calls).ConfigureAwait(false));
    }

    private async Task<Outcome> CallAsync(Turn turn, CancellationToken ending)
    {
        long began = Clock.MonotonicNanoseconds;
        bool isFirst = _attempts++ == 0;
        Answer now;
        try
        {
            using Parts parts = new(turn.Message, timeout);
            using Message answer = await bus.CallAsync(to, parts.Bytes, parts.Options, ending).ConfigureAwait(false);
            now = Answer.Of(answer);
        }
        catch (PeerFailedException failure)
        {
            now = Answer.OfError(failure);
        }
        catch (BusRefusedException refused) when (!isFirst)
        {
            // The very first one tells that all of it is wrong, and ends it; a later one is something that was different then.
            now = new Answer(AnswerKind.Refused, Error: $"{refused.Error}");
        }
        return new Outcome(turn, Answer.Of(turn), now, (ulong)(Clock.MonotonicNanoseconds - began));
    }

    private async Task SendAsync(Turn turn, CancellationToken ending)
    {
        bool isFirst = _attempts++ == 0;
        try
        {
            using Parts parts = new(turn.Message, timeout);
            _ = await bus.SendAsync(to, parts.Bytes, parts.Options, ending).ConfigureAwait(false);
            Messages++;
        }
        catch (BusRefusedException refused) when (!isFirst)
        {
            Refused.Add((turn, new Answer(AnswerKind.Refused, Error: $"{refused.Error}")));
        }
    }

    /// <summary>What is sent: bytes, and memfds behind them where the message had them so; else all of it as bytes.</summary>
    private sealed class Parts : IDisposable
    {
        private readonly List<MemfdPayload> _memfds = [];

        public Parts(WatchedMessage message, TimeSpan timeout)
        {
            IReadOnlyList<PayloadPiece> pieces = message.Pieces;
            int first = pieces.TakeWhile(static piece => piece.Kind != PieceSource.Memfd).Count();
            bool areLast = pieces.Skip(first).All(static piece => piece.Kind == PieceSource.Memfd);
            Bytes = PayloadBytes.Join([.. pieces.Take(areLast ? first : pieces.Count)]).ToArray();
            try
            {
                foreach (PayloadPiece piece in areLast ? pieces.Skip(first) : [])
                    _memfds.Add(MemfdPayload.Create(piece.Bytes.Span));
            }
            catch
            {
                Dispose();
                throw;
            }
            Options = new MessageOptions
            {
                PayloadType = message.Header.PayloadType,
                Priority = message.Header.Priority,
                NoAutoStart = ((MessageFlags)message.Header.Flags & MessageFlags.NoAutoStart) != 0,
                Timeout = timeout,
                Memfds = _memfds.Count == 0 ? null : _memfds,
            };
        }

        public byte[] Bytes { get; }

        public MessageOptions Options { get; }

        public void Dispose() => _memfds.ForEach(static memfd => memfd.Dispose());
    }
}
