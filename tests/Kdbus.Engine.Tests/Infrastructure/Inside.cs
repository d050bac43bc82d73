using System.Runtime.CompilerServices;
using Kdbus.Engine.Files;
using Kdbus.Engine.Matching;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Names;
using Kdbus.Engine.Processes;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>Looks at state that nobody but a test has reason to see.</summary>
internal static class Inside
{
    /// <summary>Users somebody is charged on, or was and has been forgotten to be forgotten.</summary>
    public static int KnownUsers(Domain domain) => ByUid(domain.Users).Count;

    /// <summary>The users that are known.</summary>
    public static IReadOnlyCollection<User> Users(Domain domain) => ByUid(domain.Users).Values;

    /// <summary>The number that was drawn last.</summary>
    public static ulong LastId(Domain domain) => Last(domain);

    /// <summary>Nothing stands in the index, nor in any of its parts.</summary>
    public static bool IsEmpty(MatchIndex index) =>
        index.Count == 0 && Everything(index).Count == 0 && AnySignal(index).Count == 0 && Older(index).Count == 0
        && Numbered(index).Count == 0 && Named(index).Values.All(names => names.Count == 0)
        && Newest(index).All(bucket => bucket is null or { Count: 0 });

    /// <summary>The user of a uid that is known already.</summary>
    public static User UserOf(this Domain domain, uint uid) => ByUid(domain.Users)[uid];

    /// <summary>Calls that wait.</summary>
    public static int WaitingCalls(Domain domain) => Waiting(domain.Replies).Count;

    /// <summary>Bytes accounted on a receiver.</summary>
    public static ulong AccountedBytes(Connection connection) => Accounted(connection.Quota);

    /// <summary>Bytes of a pool that are free.</summary>
    public static ulong FreeBytes(Pool pool) => Free(pool).Aggregate(0UL, (sum, range) => sum + range.Size);

    /// <summary>Number of free ranges.</summary>
    public static int FreeRanges(Pool pool) => Free(pool).Count;

    /// <summary>The slices in use.</summary>
    public static IReadOnlyCollection<Slice> UsedSlices(Pool pool) => Used(pool).Values;

    /// <summary>The process that metadata tells of.</summary>
    public static ProcessRecord? ProcessOf(Metadata metadata) => Process(ref metadata);

    /// <summary>The names that metadata tells of, as text.</summary>
    public static IEnumerable<string> NamesOf(Metadata metadata) =>
        (Names(ref metadata) ?? []).Select(name => $"{System.Text.Encoding.ASCII.GetString(name.Name)}/{name.Flags}");

    /// <summary>How many places have the files of a message.</summary>
    public static int HoldersOf(MessageFiles files) => Holders(files);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_holders")]
    private static extern ref int Holders(MessageFiles files);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_process")]
    private static extern ref ProcessRecord? Process(ref Metadata metadata);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_names")]
    private static extern ref OwnedName[]? Names(ref Metadata metadata);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_byUid")]
    private static extern ref Dictionary<uint, User> ByUid(Users users);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_lastId")]
    private static extern ref ulong Last(Domain domain);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_everything")]
    private static extern ref Bucket Everything(MatchIndex index);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_anySignal")]
    private static extern ref Bucket AnySignal(MatchIndex index);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_older")]
    private static extern ref Dictionary<ulong, int> Older(MatchIndex index);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_newest")]
    private static extern ref Bucket?[] Newest(MatchIndex index);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_numbered")]
    private static extern ref Dictionary<BucketKey, Bucket> Numbered(MatchIndex index);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_named")]
    private static extern ref Dictionary<ItemType, Dictionary<byte[], Bucket>> Named(MatchIndex index);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_waiting")]
    private static extern ref Dictionary<ulong, ReplyTracker> Waiting(Replies replies);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_accounted")]
    private static extern ref ulong Accounted(Quota quota);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_free")]
    private static extern ref List<Slice> Free(Pool pool);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_used")]
    private static extern ref Dictionary<ulong, Slice> Used(Pool pool);
}
