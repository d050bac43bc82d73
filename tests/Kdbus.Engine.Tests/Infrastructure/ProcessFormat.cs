using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>What is known of processes, in the bytes of an <see cref="InputLog"/>: nothing takes no more than a byte.</summary>
internal static class ProcessFormat
{
    private const AttachFlags Detailed = AttachMask.Process & ~(AttachFlags.Creds | AttachFlags.Pids | AttachMask.Extensions);

    public static void WriteRecord(this BinaryWriter to, ProcessRecord? record)
    {
        to.Write(record != null);
        if (record == null) return;
        var kinds = record.Kinds;
        to.Write7BitEncodedInt64((long)kinds);
        if (kinds.HasFlag(AttachFlags.Creds)) to.WriteValue(record.Creds);
        if (kinds.HasFlag(AttachFlags.Pids)) to.WriteNamed(new NamedProcesses(Found: true, record.Process, record.Thread, record.Parent));
        if (kinds.HasFlag(AttachFlags.PidfsId)) to.Write(record.PidfsId);
        if (kinds.HasFlag(AttachFlags.StartTime)) to.Write(record.StartTime);
        if (record.Details is not { } details) return;
        if (kinds.HasFlag(AttachFlags.AuxGroups)) to.WriteBytes(MemoryMarshal.AsBytes(details.AuxGroups.Span));
        foreach (var text in new[] { details.TidComm, details.PidComm, details.Exe, details.Cmdline, details.Cgroup, details.Seclabel }) to.WriteBytes(text.Span);
        if (kinds.HasFlag(AttachFlags.Exe)) to.WriteValue(details.Root);
        if (kinds.HasFlag(AttachFlags.Caps)) to.WriteValue(details.Caps);
        to.Write7BitEncodedInt64((long)details.UserNamespace);
        to.Write7BitEncodedInt((int)details.AuditSession);
        to.Write7BitEncodedInt((int)details.LoginUid);
    }

    public static ProcessRecord? ReadRecord(this BinaryReader from)
    {
        if (!from.ReadBoolean()) return null;
        var kinds = (AttachFlags)from.Read7BitEncodedInt64();
        var creds = kinds.HasFlag(AttachFlags.Creds) ? from.ReadValue<TaskCreds>() : default;
        var pids = kinds.HasFlag(AttachFlags.Pids) ? from.ReadNamed() : default;
        return new ProcessRecord
        {
            Kinds = kinds,
            Creds = creds,
            Process = pids.Process,
            Thread = pids.Thread,
            Parent = pids.Parent,
            PidfsId = kinds.HasFlag(AttachFlags.PidfsId) ? from.ReadUInt64() : 0,
            StartTime = kinds.HasFlag(AttachFlags.StartTime) ? from.ReadUInt64() : 0,
            Details = (kinds & Detailed) == 0 ? null : new ProcessDetails
            {
                AuxGroups = kinds.HasFlag(AttachFlags.AuxGroups) ? MemoryMarshal.Cast<byte, uint>(from.ReadCounted()).ToArray() : default,
                TidComm = from.ReadCounted(),
                PidComm = from.ReadCounted(),
                Exe = from.ReadCounted(),
                Cmdline = from.ReadCounted(),
                Cgroup = from.ReadCounted(),
                Seclabel = from.ReadCounted(),
                Root = kinds.HasFlag(AttachFlags.Exe) ? from.ReadValue<RootDirectory>() : default,
                Caps = kinds.HasFlag(AttachFlags.Caps) ? from.ReadValue<CapabilitySets>() : default,
                UserNamespace = (ulong)from.Read7BitEncodedInt64(),
                AuditSession = (uint)from.Read7BitEncodedInt(),
                LoginUid = (uint)from.Read7BitEncodedInt(),
            },
        };
    }

    public static void WriteView(this BinaryWriter to, in ReaderView view)
    {
        to.Write7BitEncodedInt64((long)view.UserNamespace);
        to.WriteMaps(view.Maps);
        to.Write7BitEncodedInt64((long)view.PidNamespace);
        to.Write(view.Root != default);
        if (view.Root != default) to.WriteValue(view.Root);
    }

    public static ReaderView ReadView(this BinaryReader from) => new()
    {
        UserNamespace = (ulong)from.Read7BitEncodedInt64(),
        Maps = from.ReadMaps(),
        PidNamespace = (ulong)from.Read7BitEncodedInt64(),
        Root = from.ReadBoolean() ? from.ReadValue<RootDirectory>() : default,
    };

    public static void WriteNamed(this BinaryWriter to, in NamedProcesses named)
    {
        to.Write(named != default);
        if (named == default) return;
        to.Write(named.Found);
        foreach (var each in new[] { named.Process, named.Thread, named.Parent })
        {
            to.WriteBytes(each == null ? [] : MemoryMarshal.AsBytes(each.Namespaces));
            to.WriteBytes(each == null ? [] : MemoryMarshal.AsBytes(each.Numbers));
        }
    }

    public static NamedProcesses ReadNamed(this BinaryReader from) =>
        from.ReadBoolean() ? new NamedProcesses(from.ReadBoolean(), from.ReadPid(), from.ReadPid(), from.ReadPid()) : default;

    public static void WriteMaps(this BinaryWriter to, IdMaps? maps)
    {
        to.Write(maps != null);
        if (maps == null) return;
        to.WriteBytes(MemoryMarshal.AsBytes(maps.Users.Span));
        to.WriteBytes(MemoryMarshal.AsBytes(maps.Groups.Span));
    }

    public static IdMaps? ReadMaps(this BinaryReader from) => from.ReadBoolean()
        ? new IdMaps(MemoryMarshal.Cast<byte, IdRange>(from.ReadCounted()).ToArray(), MemoryMarshal.Cast<byte, IdRange>(from.ReadCounted()).ToArray())
        : null;

    private static PidNumbers? ReadPid(this BinaryReader from)
    {
        var namespaces = MemoryMarshal.Cast<byte, ulong>(from.ReadCounted());
        var numbers = MemoryMarshal.Cast<byte, uint>(from.ReadCounted());
        return namespaces.IsEmpty ? null : new PidNumbers(namespaces, numbers);
    }

    private static void WriteBytes(this BinaryWriter to, ReadOnlySpan<byte> bytes)
    {
        to.Write7BitEncodedInt(bytes.Length);
        to.Write(bytes);
    }

    private static byte[] ReadCounted(this BinaryReader from) => from.ReadBytes(from.Read7BitEncodedInt());

    private static void WriteValue<T>(this BinaryWriter to, T value)
        where T : unmanaged => to.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    private static T ReadValue<T>(this BinaryReader from)
        where T : unmanaged => MemoryMarshal.Read<T>(from.ReadBytes(Unsafe.SizeOf<T>()));
}
