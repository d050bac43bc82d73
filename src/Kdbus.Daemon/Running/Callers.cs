using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>The threads that have called lately, so that they need not be opened anew each time. One that is being served is not in here.</summary>
internal sealed class Callers(int listener)
{
    // Two descriptors each.
    private const int MostKept = 128;

    private readonly Dictionary<int, Caller> _known = [];
    private readonly Lock _lock = new();

    /// <summary>Who makes a call, with his memory open: null if he cannot be reached or is gone. To be given back.</summary>
    internal Caller? Take(in TrappedCall call)
    {
        // Not visible from our pid namespace.
        if (call.ThreadId <= 0)
            return null;
        Caller? known;
        lock (_lock)
            _ = _known.Remove(call.ThreadId, out known);
        // A kept directory can be read only while its thread lives, and while it lives nobody else has its number.
        if (known is not null && known.OpenMemory())
            return known;
        known?.Dispose();

        Caller? caller = Caller.Open(call.ThreadId);
        if (caller is null)
            return null;
        // If the call waits still, its thread lived all the time and is the one that was opened.
        if (caller.OpenMemory() && SeccompListener.IsValid(listener, call.Id))
            return caller;
        caller.Dispose();
        return null;
    }

    /// <summary>Keeps somebody for the next time.</summary>
    internal void GiveBack(Caller caller)
    {
        caller.CloseMemory();
        Caller? surplus = null;
        lock (_lock)
        {
            if (!_known.TryAdd(caller.ThreadId, caller))
            {
                surplus = caller;
            }
            else if (_known.Count > MostKept)
            {
                // Any one but this: the dead among them go the same way.
                foreach (Caller other in _known.Values)
                {
                    surplus = other;
                    if (other != caller)
                        break;
                }
                _ = _known.Remove(surplus!.ThreadId);
            }
        }
        surplus?.Dispose();
    }
}
