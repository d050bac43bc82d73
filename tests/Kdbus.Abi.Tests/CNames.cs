using System.Globalization;
using System.Reflection;
using System.Text;

namespace Kdbus.Abi.Tests;

/// <summary>
/// How names of C# become names of C: <c>HelloFlags.AcceptFd</c> is <c>KDBUS_HELLO_ACCEPT_FD</c>, the field
/// <c>KdbusCmdHello.PoolSize</c> is the member <c>pool_size</c> of <c>struct kdbus_cmd_hello</c>. Few names break the rule.
/// </summary>
internal static class CNames
{
    private static readonly Dictionary<Type, string> Prefixes = new()
    {
        [typeof(Command)] = "KDBUS_CMD_",
        [typeof(ItemType)] = "KDBUS_ITEM_",
        [typeof(MakeFlags)] = "KDBUS_MAKE_",
        [typeof(HelloFlags)] = "KDBUS_HELLO_",
        [typeof(MessageFlags)] = "KDBUS_MSG_",
        [typeof(SendFlags)] = "KDBUS_SEND_",
        [typeof(RecvFlags)] = "KDBUS_RECV_",
        [typeof(ExchangeFlags)] = "KDBUS_EXCHANGE_",
        [typeof(RecvReturnFlags)] = "KDBUS_RECV_RETURN_",
        [typeof(InfoReturnFlags)] = "KDBUS_INFO_RETURN_",
        [typeof(ListFlags)] = "KDBUS_LIST_",
        [typeof(MatchFlags)] = "KDBUS_MATCH_",
        [typeof(NameFlags)] = "KDBUS_NAME_",
        [typeof(AttachFlags)] = "KDBUS_ATTACH_",
        [typeof(PolicyAccessType)] = "KDBUS_POLICY_ACCESS_",
        [typeof(PolicyAccessLevel)] = "KDBUS_POLICY_",
    };

    private static readonly Dictionary<string, string> Exceptions = new(StringComparer.Ordinal)
    {
        ["Command.Exchange"] = "KDBUS_CMD_EXCHANGE(0)",
        ["ItemType.None"] = "_KDBUS_ITEM_NULL",
        ["ItemType.AuxGroups"] = "KDBUS_ITEM_AUXGROUPS",
        ["AttachFlags.AuxGroups"] = "KDBUS_ATTACH_AUXGROUPS",
        ["AttachFlags.All"] = "_KDBUS_ATTACH_ALL",
        ["AttachFlags.Any"] = "_KDBUS_ATTACH_ANY",
        ["PolicyAccessType.None"] = "_KDBUS_POLICY_ACCESS_NULL",
        ["Constants.PayloadDBus"] = "KDBUS_PAYLOAD_DBUS",
        ["Constants.FileSystemMagic"] = "KDBUS_SUPER_MAGIC",
        ["Limits.SysNameMaxLen"] = "KDBUS_SYSNAME_MAX_LEN",
        ["KdbusTimestamp.SeqNum"] = "seqnum",
        ["KdbusAudit.SessionId"] = "sessionid",
        ["KdbusAudit.LoginUid"] = "loginuid",
        ["KdbusMemfd.Pad"] = "__pad",
        ["KdbusFdMessage.Pad"] = "__pad",
    };

    private static readonly Type[] InCSharpOnly = [typeof(Errno), typeof(ItemCount), typeof(PieceKind)];

    /// <summary>All types of the interface that are structs laid out for the wire.</summary>
    public static IEnumerable<Type> Structs { get; } =
        [.. typeof(KdbusCmd).Assembly.GetExportedTypes().Where(type => type is { IsExplicitLayout: true, IsValueType: true })];

    /// <summary>All enumerations of the interface except errno and those that exist in C# only.</summary>
    public static IEnumerable<Type> Enums { get; } =
        [.. typeof(KdbusCmd).Assembly.GetExportedTypes().Where(type => type.IsEnum && !InCSharpOnly.Contains(type))];

    /// <summary>The identifier of an enumeration's member, or null if C has no name for it (no flags at all).</summary>
    public static string? Of(Type enumeration, string member)
    {
        if (Exceptions.TryGetValue($"{enumeration.Name}.{member}", out var exception)) return exception;
        return member == "None" ? null : Prefixes[enumeration] + Upper(member);
    }

    /// <summary>The identifier of a constant, or null if it exists in C# only.</summary>
    public static string? Of(FieldInfo constant)
    {
        var name = $"{constant.DeclaringType!.Name}.{constant.Name}";
        if (name == "Constants.OffsetNone") return null;
        return Exceptions.TryGetValue(name, out var exception) ? exception : "KDBUS_" + Upper(constant.Name);
    }

    /// <summary><c>struct kdbus_cmd_hello</c>.</summary>
    public static string OfStruct(Type type) => "struct " + Lower(type.Name);

    /// <summary>The member a field is.</summary>
    public static string OfField(FieldInfo field) =>
        Exceptions.TryGetValue($"{field.DeclaringType!.Name}.{field.Name}", out var exception) ? exception : Lower(field.Name);

    private static string Upper(string name) => Lower(name).ToUpperInvariant();

    private static string Lower(string name)
    {
        var text = new StringBuilder();
        foreach (var character in name)
        {
            if (char.IsAsciiLetterUpper(character) && text.Length > 0) text.Append('_');
            text.Append(char.ToLower(character, CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }
}
