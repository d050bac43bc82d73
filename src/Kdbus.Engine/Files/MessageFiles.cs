using Kdbus.Abi;
using Kdbus.Engine.Commands;
using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Files;

/// <summary>
/// The files that came with one SEND, shared by all places the message goes to. They are closed when nobody holds them any more; until
/// it is decided where the message goes, the call itself does.
/// </summary>
internal sealed class MessageFiles
{
    private readonly Domain _domain;
    private readonly User _user;
    private readonly SentFile[] _found;
    private readonly List<ulong> _fds = [];
    private readonly List<CarriedMemfd> _memfds = [];
    private byte[] _items = [];
    private KdbusMsg _header;
    private int _taken;
    private int _holders = 1;

    private MessageFiles(Domain domain, User user, ReadOnlySpan<SentFile> found, ulong pidfd)
    {
        _domain = domain;
        _user = user;
        _found = found.ToArray();
        Pidfd = pidfd;
        Count = _found.Count(static file => file.Found == Errno.OK) + (pidfd != 0 ? 1 : 0);
        user.Files += Count;
    }

    /// <summary>How many files there are.</summary>
    public int Count { get; }

    /// <summary>The files of the FDS item, in its order.</summary>
    public IReadOnlyList<ulong> Fds => _fds;

    /// <summary>The memfds that are payload, in the order of their items.</summary>
    public IReadOnlyList<CarriedMemfd> Memfds => _memfds;

    /// <summary>A pidfd of the sender, for those who are told of it; 0 if there is none.</summary>
    public ulong Pidfd { get; }

    /// <summary>What came with a SEND; null if nothing did.</summary>
    public static MessageFiles? Of(Domain domain, User user, scoped in Invocation call) =>
        call.Files.IsEmpty && call.Pidfd == 0 ? null : new MessageFiles(domain, user, call.Files, call.Pidfd);

    /// <summary>What was found behind the next number that the message names; it is the message's business to walk in the same order.</summary>
    public SentFile Next() => _taken < _found.Length ? _found[_taken++] : new SentFile(Errno.EBADF, 0);

    public void AddFd(ulong file) => _fds.Add(file);

    public void AddMemfd(ulong file, in KdbusMemfd item) => _memfds.Add(new CarriedMemfd(file, item.Start, item.Size));

    /// <summary>The message is good: what it says is kept, should it have to be written in another form.</summary>
    public void Keep(in KdbusMsg header, ReadOnlySpan<byte> items)
    {
        _header = header;
        _items = items.ToArray();
    }

    /// <summary>Header and items of the message as receivers get them.</summary>
    public MessageFront Front
    {
        get
        {
            var name = CommandFrame.TryFind(_items, ItemType.DstName, out var item) ? item.String : default;
            return new MessageFront(_header, _items, name, _fds.Count);
        }
    }

    /// <summary>One place more has them.</summary>
    public void Hold() => _holders++;

    /// <summary>One place less does.</summary>
    public void Release()
    {
        if (--_holders > 0) return;
        foreach (var file in _found)
        {
            if (file.Found == Errno.OK) _domain.Effects.CloseFile(file.File);
        }

        if (Pidfd != 0) _domain.Effects.CloseFile(Pidfd);
        _user.Files -= Count;
    }
}

/// <summary>A range of a sealed memfd that is payload.</summary>
/// <param name="File">The file.</param>
/// <param name="Start">Its first byte in the file.</param>
/// <param name="Size">Its bytes.</param>
internal readonly record struct CarriedMemfd(ulong File, ulong Start, ulong Size);
