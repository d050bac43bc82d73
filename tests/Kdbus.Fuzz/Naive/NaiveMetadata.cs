using System.Text;
using Kdbus.Engine;
using Kdbus.Engine.Processes;

namespace Kdbus.Fuzz.Naive;

/// <summary>What is told about a process, one kind after the other, each made from nothing.</summary>
internal static class NaiveMetadata
{
    /// <summary>The items in their order, as their reader is told them.</summary>
    public static List<(ItemType Type, byte[] Payload)> Read(ProcessRecord record, AttachFlags kinds, in ReaderView view, OverflowIds overflow)
    {
        List<(ItemType Type, byte[] Payload)> items = [];
        var seesIds = view.UserNamespace != 0;
        var (users, groups) = (view.Maps?.Users, view.Maps?.Groups);
        for (var bit = 1; bit < 35; bit++)
        {
            var kind = (AttachFlags)(1UL << bit);
            if ((kinds & record.Kinds & kind) == 0) continue;
            var payload = kind switch
            {
                AttachFlags.Creds => seesIds ? Creds(record.Creds, users, groups, overflow) : null,
                AttachFlags.Pids => view.PidNamespace != 0 ? Longs(Pid(record.Process, view), Pid(record.Thread, view), Pid(record.Parent, view)) : null,
                AttachFlags.PidfsId => Longs(record.PidfsId),
                AttachFlags.StartTime => Longs(record.StartTime),
                AttachFlags.Pidfd => [0xff, 0xff, 0xff, 0xff],
                _ => Detail(record.Details!, kind, view, overflow),
            };
            if (payload != null) items.Add(((ItemType)(0x1000 + bit), payload));
        }

        return items;
    }

    /// <summary>Whom the CREDS of a HELLO mean, or null if one of them is nobody.</summary>
    public static TaskCreds? ReadCreds(ulong[] given, IdMaps? maps)
    {
        var ids = new uint[8];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = (uint)given[i];
            if (ids[i] != uint.MaxValue && !NaiveIds.TryMapOut(i < 4 ? maps?.Users : maps?.Groups, ref ids[i])) return null;
        }

        return new TaskCreds(ids[0], ids[1], ids[2], ids[3], ids[4], ids[5], ids[6], ids[7]);
    }

    private static byte[]? Detail(ProcessDetails details, AttachFlags kind, in ReaderView view, OverflowIds overflow)
    {
        var seesIds = view.UserNamespace != 0;
        var maps = view.Maps;
        switch (kind)
        {
            case AttachFlags.AuxGroups:
                return seesIds ? Longs([.. details.AuxGroups.ToArray().Select(id => Named(maps?.Groups, id, overflow.Group))]) : null;
            case AttachFlags.TidComm: return Text(details.TidComm);
            case AttachFlags.PidComm: return Text(details.PidComm);
            case AttachFlags.Exe: return view.Root != default && view.Root == details.Root ? Text(details.Exe) : null;
            case AttachFlags.Cmdline: return Text(details.Cmdline);
            case AttachFlags.Cgroup: return Text(details.Cgroup);
            case AttachFlags.Seclabel: return Text(details.Seclabel);
            case AttachFlags.Caps when seesIds && view.UserNamespace == details.UserNamespace:
                var caps = details.Caps;
                return [.. BitConverter.GetBytes(caps.LastCap), .. Longs(caps.Inheritable, caps.Permitted, caps.Effective, caps.Bounding)];
            case AttachFlags.Audit when seesIds:
                return [.. BitConverter.GetBytes(details.AuditSession), .. BitConverter.GetBytes((uint)Named(maps?.Users, details.LoginUid, uint.MaxValue))];
            default: return null;
        }
    }

    private static byte[] Creds(in TaskCreds creds, ReadOnlyMemory<IdRange>? users, ReadOnlyMemory<IdRange>? groups, OverflowIds overflow)
    {
        uint[] ids = [creds.Uid, creds.Euid, creds.Suid, creds.Fsuid, creds.Gid, creds.Egid, creds.Sgid, creds.Fsgid];
        return Longs([.. ids.Select((id, i) => Named(i < 4 ? users : groups, id, i < 4 ? overflow.User : overflow.Group))]);
    }

    private static ulong Named(ReadOnlyMemory<IdRange>? ranges, uint id, uint unnamed)
    {
        if (id == uint.MaxValue) return id;
        return NaiveIds.TryMapIn(ranges, ref id) ? id : unnamed;
    }

    private static ulong Pid(PidNumbers? process, in ReaderView view)
    {
        for (var level = 0; process != null && level < process.Namespaces.Length; level++)
        {
            if (process.Namespaces[level] == view.PidNamespace) return process.Numbers[level];
        }

        return 0;
    }

    private static byte[] Text(ReadOnlyMemory<byte> text) => [.. Encoding.Latin1.GetString(text.Span).Select(each => (byte)each), 0];

    private static byte[] Longs(params ulong[] numbers) => [.. numbers.SelectMany(BitConverter.GetBytes)];
}
