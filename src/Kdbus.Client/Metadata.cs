using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;
using Kdbus.Client.Internal;
using Microsoft.Win32.SafeHandles;

namespace Kdbus.Client;

/// <summary>
/// What is told about a sender, or about a connection. Everything is as of the moment of sending, was seen by the bus and not said by the sender, and is null unless it
/// was asked for and granted. A view: it is good as long as what it was taken from.
/// </summary>
public readonly ref struct Metadata
{
    private readonly ItemReader _items;

    internal Metadata(ItemReader items, SafeFileHandle? process)
    {
        _items = items;
        Pidfd = process;
    }

    /// <summary>User and group ids (<see cref="AttachFlags.Creds"/>).</summary>
    public KdbusCreds? Credentials => Get<KdbusCreds>(ItemType.Creds);

    /// <summary>Process, thread and parent (<see cref="AttachFlags.Pids"/>).</summary>
    public KdbusPids? Process => Get<KdbusPids>(ItemType.Pids);

    /// <summary>Number and times of sending (<see cref="AttachFlags.Timestamp"/>).</summary>
    public KdbusTimestamp? Timestamp => Get<KdbusTimestamp>(ItemType.Timestamp);

    /// <summary>Audit session and login uid (<see cref="AttachFlags.Audit"/>).</summary>
    public KdbusAudit? Audit => Get<KdbusAudit>(ItemType.Audit);

    /// <summary>Supplementary groups (<see cref="AttachFlags.AuxGroups"/>); empty if not told.</summary>
    public IReadOnlyList<ulong> Groups
    {
        get
        {
            foreach (Item item in new ItemChain(_items))
            {
                if (item.Type == ItemType.AuxGroups)
                    return MemoryMarshal.Cast<byte, ulong>(item.Payload).ToArray();
            }
            return [];
        }
    }

    /// <summary>Well-known names owned (<see cref="AttachFlags.Names"/>); empty if not told.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            List<string>? names = null;
            foreach (Item item in new ItemChain(_items))
            {
                if (item.Type == ItemType.OwnedName)
                    (names ??= []).Add(Internal.Names.Read(item.Payload[Marshal.SizeOf<KdbusName>()..]));
            }
            return names ?? (IReadOnlyList<string>)[];
        }
    }

    /// <summary>Name of the thread (<see cref="AttachFlags.TidComm"/>).</summary>
    public string? ThreadName => Text(ItemType.TidComm);

    /// <summary>Name of the process (<see cref="AttachFlags.PidComm"/>).</summary>
    public string? ProcessName => Text(ItemType.PidComm);

    /// <summary>Path of the executable (<see cref="AttachFlags.Exe"/>).</summary>
    public string? Executable => Text(ItemType.Exe);

    /// <summary>The command line (<see cref="AttachFlags.Cmdline"/>), as much as the bus tells: kdbusfs, as kdbus, its first word. Empty if not told.</summary>
    public IReadOnlyList<string> CommandLine => Text(ItemType.Cmdline)?.TrimEnd('\0').Split('\0') ?? (IReadOnlyList<string>)[];

    /// <summary>Control group (<see cref="AttachFlags.Cgroup"/>).</summary>
    public string? ControlGroup => Text(ItemType.Cgroup);

    /// <summary>Security label (<see cref="AttachFlags.Seclabel"/>).</summary>
    public string? SecurityLabel => Text(ItemType.Seclabel);

    /// <summary>What the connection said it is (<see cref="AttachFlags.ConnDescription"/>): the only thing here that a peer says itself.</summary>
    public string? Description => Text(ItemType.ConnDescription);

    /// <summary>The effective capabilities, bit n for capability n (<see cref="AttachFlags.Caps"/>; capabilities(7)).</summary>
    public ulong? EffectiveCapabilities
    {
        get
        {
            foreach (Item item in new ItemChain(_items))
            {
                if (item.Type != ItemType.Caps)
                    continue;
                // Four sets - inheritable, permitted, effective, bounding - of so many words each.
                int words = (int)(item.As<KdbusCaps>().LastCap / 32) + 1;
                ReadOnlySpan<uint> sets = MemoryMarshal.Cast<byte, uint>(item.Payload[Marshal.SizeOf<KdbusCaps>()..]);
                ulong effective = sets[2 * words];
                return words > 1 ? effective | (ulong)sets[2 * words + 1] << 32 : effective;
            }
            return null;
        }
    }

    /// <summary>The number of the process that no other one gets until reboot (<see cref="AttachFlags.PidfsId"/>, an extension).</summary>
    public ulong? UniqueProcessId => Get<ulong>(ItemType.PidfsId);

    /// <summary>When the process was started, after boot (<see cref="AttachFlags.StartTime"/>, an extension).</summary>
    public TimeSpan? StartTime => Get<ulong>(ItemType.StartTime) is { } time ? TimeSpan.FromTicks((long)(time / 100)) : null;

    /// <summary>A pidfd of the process (<see cref="AttachFlags.Pidfd"/>, an extension), closed with the message; null if none came.</summary>
    public SafeFileHandle? Pidfd { get; }

    private T? Get<T>(ItemType type)
        where T : unmanaged
    {
        foreach (Item item in new ItemChain(_items))
        {
            if (item.Type == type)
                return item.As<T>();
        }
        return null;
    }

    private string? Text(ItemType type)
    {
        foreach (Item item in new ItemChain(_items))
        {
            if (item.Type == type)
                return Encoding.UTF8.GetString(item.String);
        }
        return null;
    }
}
