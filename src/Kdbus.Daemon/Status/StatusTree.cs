using System.Text;
using Kdbus.Engine;
using Kdbus.Fuse;
using Kdbus.Fuse.Wire;

namespace Kdbus.Daemon.Status;

/// <summary>A place in <c>.status</c>: the directory itself, a bus's directory in it, or a file in either.</summary>
/// <param name="Bus">The bus, or null for what is about the domain.</param>
/// <param name="File">The file, or null for the directory.</param>
internal readonly record struct StatusPlace(Bus? Bus, StatusFile? File)
{
    /// <summary>It is a directory.</summary>
    public bool IsDirectory => File == null;

    /// <summary>Its bus has ended.</summary>
    public bool IsGone => Bus is { Alive: false };
}

/// <summary>
/// The names and attributes in <c>.status</c>. Who may read what is said by owners and modes alone, which the kernel
/// enforces: what is about the domain belongs to the daemon's user, what is about a bus to the owner of the bus, and what is about the server is for all. Guarded by
/// the lock of the engine.
/// </summary>
internal sealed class StatusTree(Domain domain, uint uid, uint gid)
{
    private const uint DirectoryType = 0x4000;
    private const uint FileType = 0x8000;
    private const uint RootPermissions = 0x16d; // r-xr-xr-x: the names of buses are in the root for all to see
    private const uint DirectoryPermissions = 0x140; // r-x------
    private const uint FilePermissions = 0x100; // r--------
    private const uint FilePermissionsForAll = 0x124; // r--r--r--

    /// <summary>Inode numbers of status files have this bit; the nodes of the domain count from 1.</summary>
    private const ulong InodeBit = 1UL << 40;

    /// <summary>So many numbers are for each bus: its directory, then its files.</summary>
    private const int InodesPerBus = 64;

    /// <summary>Offsets in a listing: the first ones are for files, buses follow by their inode numbers.</summary>
    private const ulong FirstBusOffset = 64;

    /// <summary>The name in the root directory, which does not list it.</summary>
    public static ReadOnlySpan<byte> Name => ".status"u8;

    /// <summary>What is behind a name, or null.</summary>
    public StatusPlace? Child(StatusPlace directory, ReadOnlySpan<byte> name)
    {
        if (directory.IsGone) return null;
        foreach (var file in FilesIn(directory))
        {
            if (Encoding.ASCII.GetString(name) == file.Name) return directory with { File = file };
        }

        if (directory.Bus != null) return null;
        return domain.FindBus(Encoding.ASCII.GetString(name)) is { } bus ? new StatusPlace(bus, null) : null;
    }

    /// <summary>Fills a directory, from an offset on that an entry before gave.</summary>
    public void List(StatusPlace directory, ulong offset, ref DirectoryBuffer buffer)
    {
        if (offset < 1 && !TryAdd(".", directory, 1, ref buffer)) return;
        if (offset < 2 && !TryAdd("..", default, 2, ref buffer)) return;
        var next = 2UL;
        foreach (var file in FilesIn(directory))
        {
            if (offset < ++next && !TryAdd(file.Name, directory with { File = file }, next, ref buffer)) return;
        }

        if (directory.Bus != null) return;
        foreach (var bus in domain.Buses.Where(bus => bus.Inode + FirstBusOffset > offset).OrderBy(bus => bus.Inode))
        {
            if (!TryAdd(bus.Name, new StatusPlace(bus, null), bus.Inode + FirstBusOffset, ref buffer)) return;
        }
    }

    /// <summary>Inode number, type, mode and owner. The size is 0, as that of all files of the mount.</summary>
    public FuseAttr AttributesOf(StatusPlace place) => new()
    {
        Ino = InodeBit + ((place.Bus?.Inode ?? 0) * InodesPerBus) + NumberOf(place),
        Mode = place switch
        {
            { File.IsForAll: true } => FileType | FilePermissionsForAll,
            { IsDirectory: false } => FileType | FilePermissions,
            { Bus: null } => DirectoryType | RootPermissions,
            _ => DirectoryType | DirectoryPermissions,
        },
        NLink = place.IsDirectory ? 2u : 1u,
        Uid = place.Bus?.Uid ?? uid,
        Gid = place.Bus?.Gid ?? gid,
    };

    private bool TryAdd(string name, StatusPlace place, ulong next, ref DirectoryBuffer buffer) =>
        buffer.TryAdd(Encoding.ASCII.GetBytes(name), new FuseEntryOut { Attr = AttributesOf(place) }, next);

    private static IReadOnlyList<StatusFile> FilesIn(StatusPlace directory) => directory.Bus == null ? StatusFile.OfDomain : StatusFile.OfBus;

    private static ulong NumberOf(StatusPlace place)
    {
        if (place.IsDirectory) return 0;
        var files = FilesIn(place);
        var number = 0;
        while (files[number] != place.File) number++;
        return (ulong)number + 1;
    }
}
