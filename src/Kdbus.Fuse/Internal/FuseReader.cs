using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Kdbus.Fuse.Internal;

/// <summary>
/// One reader thread's belongings: its buffers, the request it is serving, and the word that says whether it has the turn and whether it is inside
/// a blocking section. Only the reader itself changes that word, with one exception: the watchdog adds Lost to Blocking, by a compare-and-swap that
/// fails if the section is over. So a reader outside a section cannot lose the turn, and the order in which requests take effect is the order of reading.
/// </summary>
internal sealed unsafe class FuseReader : IDisposable
{
    private const nuint PageSize = 4096;

    private const long KindMask = 3;
    private const long Blocking = 1;
    private const long Lost = 2;
    private const long OneSection = 4;

    private readonly int _size;
    private byte* _input;
    private byte* _scratch;
    private long _state;

    /// <param name="session">Whose reader this is; blocking sections of another session are no business of this one.</param>
    /// <param name="size">Bytes of each of the two buffers; a multiple of the page size. Untouched pages cost nothing.</param>
    /// <param name="slot">For the first request.</param>
    public FuseReader(FuseSession session, int size, ReplySlot slot)
    {
        Session = session;
        Slot = slot;
        _size = size;
        _input = (byte*)NativeMemory.AlignedAlloc((nuint)size, PageSize);
        _scratch = (byte*)NativeMemory.AlignedAlloc((nuint)size, PageSize);
    }

    public FuseSession Session { get; }

    /// <summary>Holds the request being served, or the next one.</summary>
    public ReplySlot Slot { get; set; }

    /// <summary>Raised when this parked reader gets the turn or is told to end.</summary>
    public AutoResetEvent Granted { get; } = new(initialState: false);

    /// <summary>On whose account the current or last section was entered. Stable while the section lasts.</summary>
    public BlockingCaller Caller { get; private set; }

    /// <summary>The user this reader counts against since it lost the turn. Guarded by the roster's lock.</summary>
    public uint LostOnBehalfOf { get; set; }

    /// <summary>The watchdog's notes on the section it saw last; nobody else touches them.</summary>
    public WatchNotes Notes { get; } = new();

    public Span<byte> Input => new(_input, _size);

    public Span<byte> Scratch => new(_scratch, _size);

    public bool HasLostTurn => (Volatile.Read(ref _state) & Lost) != 0;

    /// <summary>The number of the section the reader is in or was in last.</summary>
    public long Section => Volatile.Read(ref _state) / OneSection;

    public void Enter(in BlockingCaller caller)
    {
        long state = _state;
        if ((state & Blocking) != 0)
            throw new FuseBugException("EnterBlocking inside a blocking section: sections do not nest.");
        Caller = caller;
        Slot.Tag = caller.Tag;
        // A full fence: either the watchdog, going to sleep, sees the section, or we see that it is asleep.
        Interlocked.Exchange(ref _state, (state | Blocking) + OneSection);
    }

    public void Leave()
    {
        // One step, so that a turn taken at this very moment is either taken before, and stays taken, or not at all.
        long before = Interlocked.And(ref _state, ~Blocking);
        if ((before & Blocking) == 0)
            throw new FuseBugException("LeaveBlocking without EnterBlocking.");
    }

    /// <summary>The watchdog's look: is the reader in a section, in which, and on whose account?</summary>
    public bool IsBlocking(out long section, out bool lost)
    {
        long state = Volatile.Read(ref _state);
        section = state / OneSection;
        lost = (state & Lost) != 0;
        return (state & Blocking) != 0;
    }

    /// <summary>The watchdog takes the turn, if the reader is still in that section.</summary>
    public bool TryTakeTurn(long section)
    {
        long state = (section * OneSection) | Blocking;
        return Interlocked.CompareExchange(ref _state, state | Lost, state) == state;
    }

    /// <summary>The reader has served the request with which it lost the turn.</summary>
    public void ClearLost()
    {
        Debug.Assert((_state & KindMask) == Lost, "only a reader that lost the turn and left its section can be cleared");
        Volatile.Write(ref _state, _state & ~KindMask);
    }

    /// <summary>The handler returned inside a section.</summary>
    public bool LeaveForgotten()
    {
        if ((Volatile.Read(ref _state) & Blocking) == 0)
            return false;
        Leave();
        return true;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_input);
        NativeMemory.AlignedFree(_scratch);
        _input = null;
        _scratch = null;
        Granted.Dispose();
    }
}

/// <summary>What the watchdog remembers of a reader between two looks. Times are those of <see cref="Stopwatch.GetTimestamp"/>.</summary>
internal sealed class WatchNotes
{
    public long Section { get; set; } = -1;

    public long Since { get; set; }

    public long NextReport { get; set; }
}
