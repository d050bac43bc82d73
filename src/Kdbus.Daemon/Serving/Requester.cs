using Kdbus.Abi;
using Kdbus.Daemon.Serving.Processes;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// For whom a command is issued, and where its descriptors go: nearly always the calling thread and nowhere, and otherwise what the
/// extensions ON_BEHALF and FD_SOCKET say. Memory and descriptors are the calling thread's in any case.
/// </summary>
internal readonly struct Requester : IDisposable
{
    private readonly Represented? _represented;

    private Requester(int thread, int fdSocket, Represented? represented)
    {
        Thread = thread;
        FdSocket = fdSocket;
        _represented = represented;
    }

    /// <summary>Whose identity and namespaces count.</summary>
    public int Thread { get; }

    /// <summary>The number of the socket on which the caller takes descriptors; -1 if there is none.</summary>
    public int FdSocket { get; }

    /// <summary>The calling thread issues it for another one.</summary>
    public bool IsRepresented => _represented != null;

    /// <summary>What was found out by the number of the thread is true of it.</summary>
    public bool IsThere => _represented is not { IsAlive: false };

    /// <summary>Reads it out of a command that nobody has checked yet: EXDEV if the caller may not act for whom he names.</summary>
    public static Errno Of(ICallers callers, int caller, CommandLayout layout, Span<byte> frame, out Requester requester)
    {
        requester = new Requester(caller, -1, null);
        if (frame.Length == layout.FixedSize || layout.Command is not (Command.Recv or Command.Send)) return Errno.OK;
        var items = frame[layout.FixedSize..];
        var socket = CommandFetch.TryFind(items, ItemType.FdSocket, out var item) ? item.As<int>() : -1;
        Represented? represented = null;
        if (CommandFetch.TryFind(items, ItemType.OnBehalf, out item))
        {
            represented = callers.FindRepresented(caller, item.As<int>());
            if (represented == null) return Errno.EXDEV;
        }

        requester = new Requester(represented?.Thread ?? caller, socket, represented);
        return Errno.OK;
    }

    /// <summary>Reads it out of the items of a command that nobody issues for others.</summary>
    public static Requester Of(int caller, ReadOnlySpan<byte> items) =>
        new(caller, CommandFetch.TryFind(items, ItemType.FdSocket, out var item) ? item.As<int>() : -1, represented: null);

    public void Dispose() => _represented?.Dispose();
}
