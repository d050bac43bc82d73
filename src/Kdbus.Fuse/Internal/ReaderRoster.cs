namespace Kdbus.Fuse.Internal;

/// <summary>
/// The readers of a session and the right to read, the turn. At any time at most one reader has the turn; it can be nobody's only while a new
/// thread could not be had, and then the next reader to finish its request takes it. All of it is guarded by one lock, which no reader takes while it keeps the turn.
/// </summary>
internal sealed class ReaderRoster
{
    private readonly object _lock = new();
    private readonly FuseSessionOptions _options;
    private readonly IFuseTrace? _trace;
    private readonly Func<FuseReader> _make;
    private readonly Action<FuseReader> _serve;
    private readonly Stack<FuseReader> _parked = new();
    private FuseReader[] _readers = [];
    private int _stuck;
    private int _number;
    private bool _turnIsFree;
    private bool _isEnded;

    /// <param name="options">The limits.</param>
    /// <param name="make">Makes a reader with its buffers.</param>
    /// <param name="serve">What a reader's thread runs; begins with the turn and ends with <see cref="Remove"/>.</param>
    public ReaderRoster(FuseSessionOptions options, Func<FuseReader> make, Action<FuseReader> serve)
    {
        _options = options;
        _trace = options.Trace;
        _make = make;
        _serve = serve;
    }

    /// <summary>All readers there are; a snapshot, replaced whole.</summary>
    public FuseReader[] Readers => Volatile.Read(ref _readers);

    /// <summary>How many lost the turn and are still with their request.</summary>
    public int Stuck => Volatile.Read(ref _stuck);

    public bool IsEnded => Volatile.Read(ref _isEnded);

    /// <summary>Starts the first reader.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for a thread or its buffers.</exception>
    public void Begin()
    {
        lock (_lock)
            StartReader();
    }

    /// <summary>May this reader enter a blocking section on this user's account?</summary>
    public bool Admits(FuseReader reader, uint uid)
    {
        if (Stuck == 0)
            return _options.MaxStuck > 0 && _options.MaxStuckPerUser > 0;
        // Who has lost the turn already counts, and cannot lose it twice.
        if (reader.HasLostTurn)
            return true;
        lock (_lock)
        {
            if (_stuck >= _options.MaxStuck)
                return false;
            int same = 0;
            foreach (FuseReader other in _readers)
            {
                if (other.HasLostTurn && other.LostOnBehalfOf == uid)
                    same++;
            }
            return same < _options.MaxStuckPerUser;
        }
    }

    /// <summary>Takes the turn from a reader that is in this section and gives it to another one.</summary>
    /// <returns>Whether the reader was still in it.</returns>
    public bool HandOver(FuseReader reader, long section)
    {
        lock (_lock)
        {
            if (_isEnded)
                return false;
            reader.LostOnBehalfOf = reader.Caller.Uid;
            if (!reader.TryTakeTurn(section))
                return false;
            _stuck++;
            if (_parked.TryPop(out FuseReader? spare))
                spare.Granted.Set();
            else
                TryStartReader();
            return true;
        }
    }

    /// <summary>A reader that lost the turn has served its request.</summary>
    /// <returns>Whether it has the turn again; if not, its thread is to end.</returns>
    public bool RejoinOrLeave(FuseReader reader)
    {
        lock (_lock)
        {
            reader.ClearLost();
            _stuck--;
            if (_isEnded)
                return false;
            if (_turnIsFree)
            {
                _turnIsFree = false;
                return true;
            }
            if (_parked.Count >= _options.MaxSpareReaders)
                return false;
            _parked.Push(reader);
        }
        reader.Granted.WaitOne();
        return !IsEnded;
    }

    /// <summary>The session is over: parked readers are sent home, no turn is given any more.</summary>
    public void End()
    {
        lock (_lock)
        {
            if (_isEnded)
                return;
            Volatile.Write(ref _isEnded, true);
            foreach (FuseReader reader in _parked)
                reader.Granted.Set();
            _parked.Clear();
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Waits for the end, and then for the readers.</summary>
    /// <returns>How many are still with a request after the grace; they are background threads and keep their buffers.</returns>
    public int Join(TimeSpan grace)
    {
        lock (_lock)
        {
            while (!_isEnded)
                Monitor.Wait(_lock);
            long deadline = Environment.TickCount64 + (long)grace.TotalMilliseconds;
            while (_readers.Length > 0)
            {
                long left = deadline - Environment.TickCount64;
                if (left <= 0)
                    break;
                Monitor.Wait(_lock, TimeSpan.FromMilliseconds(left));
            }
            return _readers.Length;
        }
    }

    /// <summary>A reader's thread is through, in whatever way.</summary>
    public void Remove(FuseReader reader)
    {
        lock (_lock)
        {
            FuseReader[] rest = [.. _readers.Where(other => !ReferenceEquals(other, reader))];
            Volatile.Write(ref _readers, rest);
            Monitor.PulseAll(_lock);
        }
    }

    private void TryStartReader()
    {
        try
        {
            StartReader();
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            _turnIsFree = true;
            _trace?.Problem($"No spare reader could be started ({exception.Message}); the next reader to finish its request goes on.");
        }
    }

    private void StartReader()
    {
        FuseReader reader = _make();
        try
        {
            // The list first: the watchdog must know a reader before it can enter a section.
            Volatile.Write(ref _readers, [.. _readers, reader]);
            _number++;
            new Thread(() => _serve(reader)) { IsBackground = true, Name = $"fuse reader {_number}" }.Start();
        }
        catch
        {
            Volatile.Write(ref _readers, [.. _readers.Where(other => !ReferenceEquals(other, reader))]);
            reader.Dispose();
            throw;
        }
    }
}
