using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Processes;

/// <summary>
/// A <see cref="ProcessRecord"/> as items, in the words of who reads them: ids by the names of his user namespace, processes by the
/// numbers of his pid namespace. What only makes sense where the process is, is told only there.
/// </summary>
internal static class ProcessItems
{
    /// <summary>Four sets of two words each, whatever the last capability is.</summary>
    private const int CapsSize = 4 + (4 * 8);

    /// <summary>An id that is none, in every namespace.</summary>
    private const uint NoId = uint.MaxValue;

    /// <summary>What must be known about a reader before he can be told of these kinds.</summary>
    public static CallerFacts FactsToTell(AttachFlags kinds)
    {
        const AttachFlags byUser = AttachFlags.Creds | AttachFlags.AuxGroups | AttachFlags.Caps | AttachFlags.Audit;
        var facts = CallerFacts.None;
        if ((kinds & byUser) != 0) facts |= CallerFacts.UserNamespace;
        if (kinds.HasFlag(AttachFlags.Pids)) facts |= CallerFacts.PidNamespace;
        if (kinds.HasFlag(AttachFlags.Exe)) facts |= CallerFacts.Root;
        return facts;
    }

    /// <summary>Bytes of the items of these kinds, all of them recorded, if none is kept from the reader.</summary>
    public static int Size(ProcessRecord record, AttachFlags kinds)
    {
        var size = 0;
        if (kinds.HasFlag(AttachFlags.Creds)) size += SizeOf<KdbusCreds>();
        if (kinds.HasFlag(AttachFlags.Pids)) size += SizeOf<KdbusPids>();
        if (record.Details is { } details) size += Size(details, kinds);
        return size;
    }

    /// <summary>Bytes of the items of <see cref="AttachMask.Extensions"/>, which come behind all others.</summary>
    public static int ExtensionSize(AttachFlags kinds)
    {
        var size = 0;
        if (kinds.HasFlag(AttachFlags.PidfsId)) size += SizeOf<ulong>();
        if (kinds.HasFlag(AttachFlags.StartTime)) size += SizeOf<ulong>();
        if (kinds.HasFlag(AttachFlags.Pidfd)) size += SizeOf<int>();
        return size;
    }

    /// <summary>Writes the items of these kinds, all of them recorded, but those that the reader is not told.</summary>
    public static void Write(ref ItemWriter items, ProcessRecord record, AttachFlags kinds, in ReaderView view, OverflowIds overflow)
    {
        var seesIds = view.UserNamespace != 0;
        if (seesIds && kinds.HasFlag(AttachFlags.Creds)) items.Write(ItemType.Creds, Translate(record.Creds, view, overflow));
        if (view.PidNamespace != 0 && kinds.HasFlag(AttachFlags.Pids))
        {
            items.Write(ItemType.Pids, new KdbusPids
            {
                Pid = record.Process?.In(view.PidNamespace) ?? 0,
                Tid = record.Thread?.In(view.PidNamespace) ?? 0,
                Ppid = record.Parent?.In(view.PidNamespace) ?? 0,
            });
        }

        if (record.Details is { } details) Write(ref items, details, kinds, view, overflow);
    }

    /// <summary>Writes the items of <see cref="AttachMask.Extensions"/>. The pidfd is last, and -1 until the reader says which number it got.</summary>
    public static void WriteExtensions(ref ItemWriter items, ProcessRecord record, AttachFlags kinds)
    {
        if (kinds.HasFlag(AttachFlags.PidfsId)) items.Write(ItemType.PidfsId, record.PidfsId);
        if (kinds.HasFlag(AttachFlags.StartTime)) items.Write(ItemType.StartTime, record.StartTime);
        if (kinds.HasFlag(AttachFlags.Pidfd)) items.Write(ItemType.Pidfd, -1);
    }

    private static int Size(ProcessDetails details, AttachFlags kinds)
    {
        var size = 0;
        if (kinds.HasFlag(AttachFlags.AuxGroups)) size += Item.SizeInChain(details.AuxGroups.Length * sizeof(ulong));
        if (kinds.HasFlag(AttachFlags.TidComm)) size += SizeOfText(details.TidComm);
        if (kinds.HasFlag(AttachFlags.PidComm)) size += SizeOfText(details.PidComm);
        if (kinds.HasFlag(AttachFlags.Exe)) size += SizeOfText(details.Exe);
        if (kinds.HasFlag(AttachFlags.Cmdline)) size += SizeOfText(details.Cmdline);
        if (kinds.HasFlag(AttachFlags.Cgroup)) size += SizeOfText(details.Cgroup);
        if (kinds.HasFlag(AttachFlags.Caps)) size += Item.SizeInChain(CapsSize);
        if (kinds.HasFlag(AttachFlags.Seclabel)) size += SizeOfText(details.Seclabel);
        if (kinds.HasFlag(AttachFlags.Audit)) size += SizeOf<KdbusAudit>();
        return size;
    }

    private static void Write(ref ItemWriter items, ProcessDetails details, AttachFlags kinds, in ReaderView view, OverflowIds overflow)
    {
        var seesIds = view.UserNamespace != 0;
        if (seesIds && kinds.HasFlag(AttachFlags.AuxGroups)) WriteGroups(ref items, details.AuxGroups.Span, view, overflow);
        if (kinds.HasFlag(AttachFlags.TidComm)) items.WriteString(ItemType.TidComm, details.TidComm.Span);
        if (kinds.HasFlag(AttachFlags.PidComm)) items.WriteString(ItemType.PidComm, details.PidComm.Span);
        if (kinds.HasFlag(AttachFlags.Exe) && view.Root != default && view.Root == details.Root) items.WriteString(ItemType.Exe, details.Exe.Span);
        if (kinds.HasFlag(AttachFlags.Cmdline)) items.WriteString(ItemType.Cmdline, details.Cmdline.Span);
        if (kinds.HasFlag(AttachFlags.Cgroup)) items.WriteString(ItemType.Cgroup, details.Cgroup.Span);
        if (seesIds && kinds.HasFlag(AttachFlags.Caps) && view.UserNamespace == details.UserNamespace) WriteCaps(ref items, details.Caps);
        if (kinds.HasFlag(AttachFlags.Seclabel)) items.WriteString(ItemType.Seclabel, details.Seclabel.Span);
        if (seesIds && kinds.HasFlag(AttachFlags.Audit))
        {
            // Nobody logged in and somebody without a name here look the same.
            var loginUid = Translate(view.Maps?.Users, details.LoginUid, NoId);
            items.Write(ItemType.Audit, new KdbusAudit { SessionId = details.AuditSession, LoginUid = loginUid });
        }
    }

    private static KdbusCreds Translate(in TaskCreds creds, in ReaderView view, OverflowIds overflow)
    {
        var users = view.Maps?.Users;
        var groups = view.Maps?.Groups;
        return new KdbusCreds
        {
            Uid = Translate(users, creds.Uid, overflow.User),
            Euid = Translate(users, creds.Euid, overflow.User),
            Suid = Translate(users, creds.Suid, overflow.User),
            Fsuid = Translate(users, creds.Fsuid, overflow.User),
            Gid = Translate(groups, creds.Gid, overflow.Group),
            Egid = Translate(groups, creds.Egid, overflow.Group),
            Sgid = Translate(groups, creds.Sgid, overflow.Group),
            Fsgid = Translate(groups, creds.Fsgid, overflow.Group),
        };
    }

    private static uint Translate(ReadOnlyMemory<IdRange>? ranges, uint id, uint unnamed)
    {
        if (ranges is not { } known || id == NoId) return id;
        return IdMaps.TryMapIn(known, id, out var inside) ? inside : unnamed;
    }

    private static void WriteGroups(ref ItemWriter items, ReadOnlySpan<uint> groups, in ReaderView view, OverflowIds overflow)
    {
        var numbers = MemoryMarshal.Cast<byte, ulong>(items.Begin(ItemType.AuxGroups, groups.Length * sizeof(ulong)));
        for (var i = 0; i < groups.Length; i++) numbers[i] = Translate(view.Maps?.Groups, groups[i], overflow.Group);
    }

    private static void WriteCaps(ref ItemWriter items, in CapabilitySets caps)
    {
        var payload = items.Begin(ItemType.Caps, CapsSize);
        MemoryMarshal.Write(payload, caps.LastCap);
        MemoryMarshal.Write(payload[4..], caps.Inheritable);
        MemoryMarshal.Write(payload[12..], caps.Permitted);
        MemoryMarshal.Write(payload[20..], caps.Effective);
        MemoryMarshal.Write(payload[28..], caps.Bounding);
    }

    private static int SizeOf<T>()
        where T : unmanaged => Item.SizeInChain(Unsafe.SizeOf<T>());

    private static int SizeOfText(ReadOnlyMemory<byte> text) => Item.SizeInChain(text.Length + 1);
}
