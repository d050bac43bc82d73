using System.Text;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>From where somebody looks at what he is told.</summary>
/// <param name="Task">The one who picks it up.</param>
/// <param name="Wanted">
/// The kinds for whose sake he is looked at. One who waits for an answer is looked at when he begins to, for what he wants by then.
/// </param>
internal readonly record struct ViewModel(TaskModel Task, AttachFlags Wanted)
{
    private const AttachFlags ByUser = AttachFlags.Creds | AttachFlags.AuxGroups | AttachFlags.Caps | AttachFlags.Audit;

    /// <summary>He is told the ids of others in the words of his user namespace, or not at all.</summary>
    public bool SeesUsers => (Wanted & ByUser) != 0;

    public bool SeesPids => Wanted.HasFlag(AttachFlags.Pids);

    public bool SeesRoot => Wanted.HasFlag(AttachFlags.Exe);
}

/// <summary>
/// What is told of a task and a connection, as it was when that was agreed: to whom it is told, and in whose words, is another
/// matter.
/// </summary>
internal sealed class MetadataModel
{
    /// <summary>What stands for ids without a name: users and groups.</summary>
    public static readonly OverflowIds Overflow = new(65534, 65533);

    /// <summary>Kinds that nobody objects to.</summary>
    public required AttachFlags Agreed { get; init; }

    public TaskModel? Task { get; init; }

    /// <summary>The names owned, oldest ownership first, with the flags of then.</summary>
    public IReadOnlyList<(string Name, NameFlags Flags)> Names { get; init; } = [];

    public string Description { get; init; } = "";

    public (ulong Sequence, Instant Time)? Sent { get; init; }

    /// <summary>Those of them that there is something to say of, about the task.</summary>
    public AttachFlags OfTask => Task == null ? 0 : Agreed & Task.Kinds;

    /// <summary>What a domain with this mask lets through: beyond the fourteen kinds nothing is masked but with PIDS.</summary>
    public static AttachFlags LetThrough(AttachFlags mask)
    {
        const AttachFlags known = (AttachFlags)0x3fff;
        return mask.HasFlag(AttachFlags.Pids) ? (mask & known) | (AttachFlags)(7UL << 32) : mask & known;
    }

    /// <summary>Bytes if nothing is kept from the reader, by the table of sizes.</summary>
    public int Estimate()
    {
        var size = 0;
        var told = OfTask;
        if (told.HasFlag(AttachFlags.Creds)) size += 80;
        if (told.HasFlag(AttachFlags.Pids)) size += 40;
        if (told.HasFlag(AttachFlags.AuxGroups)) size += 16 + (8 * Task!.Groups.Length);
        if (told.HasFlag(AttachFlags.TidComm)) size += SizeOf(Task!.TidComm);
        if (told.HasFlag(AttachFlags.PidComm)) size += SizeOf(Task!.PidComm);
        if (told.HasFlag(AttachFlags.Exe)) size += SizeOf(Task!.Exe);
        if (told.HasFlag(AttachFlags.Cmdline)) size += SizeOf(Task!.Cmdline);
        if (told.HasFlag(AttachFlags.Cgroup)) size += SizeOf(Task!.Cgroup);
        if (told.HasFlag(AttachFlags.Caps)) size += MessageModel.Align(52);
        if (told.HasFlag(AttachFlags.Seclabel)) size += SizeOf(Task!.Seclabel);
        if (told.HasFlag(AttachFlags.Audit)) size += 24;
        if (told.HasFlag(AttachFlags.PidfsId)) size += 24;
        if (told.HasFlag(AttachFlags.StartTime)) size += 24;
        if (told.HasFlag(AttachFlags.Pidfd)) size += MessageModel.Align(20);
        if (Agreed.HasFlag(AttachFlags.Names)) size += Names.Sum(name => MessageModel.Align(24 + name.Name.Length + 1));
        if (Agreed.HasFlag(AttachFlags.ConnDescription) && Description.Length > 0) size += SizeOf(Description);
        if (Agreed.HasFlag(AttachFlags.Timestamp) && Sent != null) size += 40;
        return size;
    }

    /// <summary>The items as one reader finds them.</summary>
    public byte[] Items(in ViewModel view)
    {
        var bytes = new MemoryStream();
        var to = new BinaryWriter(bytes);
        var told = OfTask;
        if (Task is { } task && told != 0) Write(to, task, told, view);
        if (Agreed.HasFlag(AttachFlags.Names))
        {
            foreach (var (name, flags) in Names) Item(to, ItemType.OwnedName, [.. BitConverter.GetBytes((ulong)flags), .. Encoding.ASCII.GetBytes(name), 0]);
        }

        if (Agreed.HasFlag(AttachFlags.ConnDescription) && Description.Length > 0) Text(to, ItemType.ConnDescription, Description);
        if (Agreed.HasFlag(AttachFlags.Timestamp) && Sent is var (sequence, time))
        {
            Item(to, ItemType.Timestamp, [.. BitConverter.GetBytes(sequence), .. BitConverter.GetBytes(time.Monotonic), .. BitConverter.GetBytes(time.Realtime)]);
        }

        if (told.HasFlag(AttachFlags.PidfsId)) Item(to, ItemType.PidfsId, BitConverter.GetBytes(Task!.PidfsId));
        if (told.HasFlag(AttachFlags.StartTime)) Item(to, ItemType.StartTime, BitConverter.GetBytes(Task!.StartTime));
        if (told.HasFlag(AttachFlags.Pidfd)) Item(to, ItemType.Pidfd, BitConverter.GetBytes(-1));
        return bytes.ToArray();
    }

    public static void Text(BinaryWriter to, ItemType type, string text) => Item(to, type, [.. Encoding.ASCII.GetBytes(text), 0]);

    private static void Write(BinaryWriter to, TaskModel task, AttachFlags told, in ViewModel view)
    {
        var (users, groups) = (view.Task.Users.Users, view.Task.Users.Groups);
        if (told.HasFlag(AttachFlags.Creds) && view.SeesUsers)
        {
            var ids = task.Ids.Select((id, i) => id == uint.MaxValue ? (ulong)id : Named(i < 4 ? users : groups, id, i < 4 ? Overflow.User : Overflow.Group));
            Item(to, ItemType.Creds, [.. ids.SelectMany(BitConverter.GetBytes)]);
        }

        if (told.HasFlag(AttachFlags.Pids) && view.SeesPids)
        {
            var from = view.Task.PidNamespace;
            ulong[] numbers = [task.Process?.In(from) ?? 0, task.Thread?.In(from) ?? 0, task.Parent?.In(from) ?? 0];
            Item(to, ItemType.Pids, [.. numbers.SelectMany(BitConverter.GetBytes)]);
        }

        if (told.HasFlag(AttachFlags.AuxGroups) && view.SeesUsers)
        {
            Item(to, ItemType.AuxGroups, [.. task.Groups.SelectMany(id => BitConverter.GetBytes((ulong)Named(groups, id, Overflow.Group)))]);
        }

        if (told.HasFlag(AttachFlags.TidComm)) Text(to, ItemType.TidComm, task.TidComm);
        if (told.HasFlag(AttachFlags.PidComm)) Text(to, ItemType.PidComm, task.PidComm);
        if (told.HasFlag(AttachFlags.Exe) && view.SeesRoot && view.Task.Root == task.Root) Text(to, ItemType.Exe, task.Exe);
        if (told.HasFlag(AttachFlags.Cmdline)) Text(to, ItemType.Cmdline, task.Cmdline);
        if (told.HasFlag(AttachFlags.Cgroup)) Text(to, ItemType.Cgroup, task.Cgroup);
        if (told.HasFlag(AttachFlags.Caps) && view.SeesUsers && view.Task.Users.Number == task.Users.Number) Item(to, ItemType.Caps, Sets(task.Caps));
        if (told.HasFlag(AttachFlags.Seclabel)) Text(to, ItemType.Seclabel, task.Seclabel);
        if (told.HasFlag(AttachFlags.Audit) && view.SeesUsers)
        {
            var login = task.LoginUid == uint.MaxValue ? uint.MaxValue : Named(users, task.LoginUid, uint.MaxValue);
            Item(to, ItemType.Audit, [.. BitConverter.GetBytes(task.AuditSession), .. BitConverter.GetBytes(login)]);
        }
    }

    private static uint Named(IdRange[]? ranges, uint id, uint unnamed) => UserNamespaceModel.Inside(ranges, id) ?? unnamed;

    /// <summary>Words of 32 bits, the low one first.</summary>
    private static byte[] Sets(in CapabilitySets caps)
    {
        ulong[] sets = [caps.Inheritable, caps.Permitted, caps.Effective, caps.Bounding];
        return [.. BitConverter.GetBytes(caps.LastCap), .. sets.SelectMany(set => new[] { (uint)set, (uint)(set >> 32) }).SelectMany(BitConverter.GetBytes)];
    }

    private static void Item(BinaryWriter to, ItemType type, byte[] payload)
    {
        to.Write((ulong)(16 + payload.Length));
        to.Write((ulong)type);
        to.Write(payload);
        to.Write(new byte[MessageModel.Align(payload.Length) - payload.Length]);
    }

    private static int SizeOf(string text) => MessageModel.Align(16 + text.Length + 1);
}
