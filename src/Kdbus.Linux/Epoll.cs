using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// epoll(7): many descriptors watched by one. The instance is a descriptor owned by whoever created it, and its waits are the only ones here
/// that may call into the watched files: a file whose poll does not answer (one of a FUSE mount) holds up <see cref="Wait"/>,
/// <see cref="Add"/> and <see cref="Remove"/> of the instance it is watched by.
/// </summary>
public static unsafe class Epoll
{
    private const int ControlAdd = 1;
    private const int ControlRemove = 2;

    // struct epoll_event is packed on x86_64 and nowhere else.
    private static readonly int s_size = RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 12 : 16;

    /// <summary>A new instance that watches nothing: its descriptor, or -errno.</summary>
    public static int Create() => Libc.Result(Libc.EpollCreate1(OpenFlags.CloseOnExec));

    /// <summary>
    /// Watches a descriptor, and asks its file whether it is ready right now: 0, or -errno (-EPERM: the file cannot be polled; -EBADF: not
    /// open, or O_PATH; -EEXIST: watched already; -ELOOP, -EINVAL: an epoll instance that would watch itself, or too deep; -ENOSPC: the
    /// user's limit of watches; -ENOMEM).
    /// </summary>
    /// <param name="epoll">The instance.</param>
    /// <param name="fd">What to watch; closing it ends the watch only if nobody else has the file open.</param>
    /// <param name="events">Bits of <see cref="EpollEvents"/>.</param>
    /// <param name="tag">Comes back with each event.</param>
    public static int Add(int epoll, int fd, uint events, ulong tag)
    {
        byte* entry = stackalloc byte[16];
        Span<byte> bytes = new(entry, s_size);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, events);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[^8..], tag);
        return Libc.Result(Libc.EpollCtl(epoll, ControlAdd, fd, entry));
    }

    /// <summary>Watches a descriptor no longer: 0, or -errno (-ENOENT: it was not watched).</summary>
    public static int Remove(int epoll, int fd) => Libc.Result(Libc.EpollCtl(epoll, ControlRemove, fd, null));

    /// <summary>Waits for events: how many were stored, 0 when the time is over, or -errno.</summary>
    /// <param name="epoll">The instance.</param>
    /// <param name="events">Room for at least one event and at most 64 that are used.</param>
    /// <param name="timeoutMilliseconds">-1 waits for ever.</param>
    public static int Wait(int epoll, Span<EpollEvent> events, int timeoutMilliseconds)
    {
        const int Most = 64;
        byte* entries = stackalloc byte[Most * 16];
        int count = Libc.Result(Libc.EpollWait(epoll, entries, Math.Min(events.Length, Most), timeoutMilliseconds));
        for (int i = 0; i < count; i++)
        {
            Span<byte> bytes = new(entries + (i * s_size), s_size);
            events[i] = new EpollEvent(BinaryPrimitives.ReadUInt32LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[^8..]));
        }
        return count;
    }
}

/// <summary>A descriptor that an epoll instance watches has become ready.</summary>
/// <param name="Events">Bits of <see cref="EpollEvents"/>.</param>
/// <param name="Tag">What was given to <see cref="Epoll.Add"/>.</param>
public readonly record struct EpollEvent(uint Events, ulong Tag);

/// <summary>Event bits of epoll(7).</summary>
public static class EpollEvents
{
#pragma warning disable CS1591 // epoll_ctl(2)'s own: EPOLLIN, EPOLLERR, EPOLLHUP. Error and hang-up are reported without being asked for.
    public const uint In = 0x001;
    public const uint Error = 0x008;
    public const uint HangUp = 0x010;
#pragma warning restore CS1591

    /// <summary>EPOLLET: an event is reported when something happens to the file, and when it is added, not for as long as it lasts.</summary>
    public const uint EdgeTriggered = 1u << 31;
}
