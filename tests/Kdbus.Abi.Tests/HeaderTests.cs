using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Kdbus.Abi.Tests;

/// <summary>The C header and the C# types were written apart from each other; here the C compiler compares them.</summary>
public partial class HeaderTests
{
    [Fact]
    public void Every_constant_has_the_same_value_in_C_and_in_CSharp()
    {
        var pairs = Constants().ToArray();
        Assert.True(pairs.Length > 100, $"only {pairs.Length} constants found");
        Compare(pairs);
    }

    [Fact]
    public void Every_errno_is_the_one_of_this_platform() =>
        Compare([.. Enum.GetValues<Errno>().Where(value => value != Errno.OK).Select(value => (value.ToString(), (ulong)value))]);

    [Fact]
    public void Every_identifier_of_the_C_header_exists_in_CSharp_too()
    {
        var known = Constants().Select(pair => pair.Identifier.Split('(')[0]).ToHashSet(StringComparer.Ordinal);
        var only = new HashSet<string>(StringComparer.Ordinal)
        {
            // Borders of number ranges, which are values of other names at the same time.
            "_KDBUS_ITEM_USER_BASE", "_KDBUS_ITEM_ATTACH_BASE", "_KDBUS_ITEM_POLICY_BASE", "_KDBUS_ITEM_KERNEL_BASE",
        };
        var defined = Definition().Matches(CHeader.Text).Select(match => match.Groups["name"].Value)
            .Where(name => name is not ("KDBUS_H" or "KDBUS_LIMITS_H" or "KDBUS_ALIGNED")).ToArray();
        Assert.True(defined.Length > 100, $"only {defined.Length} identifiers found");
        Assert.Empty(defined.Except(known, StringComparer.Ordinal).Except(only, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_member_of_every_struct_has_the_same_offset_and_size()
    {
        var pairs = new List<(string, ulong)>();
        foreach (var type in CNames.Structs)
        {
            foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Instance))
            {
                var (name, member) = (CNames.OfStruct(type), CNames.OfField(field));
                var offset = field.GetCustomAttribute<FieldOffsetAttribute>()!.Value;
                pairs.Add(($"offsetof({name}, {member})", (ulong)offset));
                pairs.Add(($"sizeof((({name} *)0)->{member})", (ulong)SizeOf(field.FieldType)));
            }
        }

        Assert.True(pairs.Count > 150, $"only {pairs.Count} facts about members found");
        Compare(pairs);
    }

    [Fact]
    public void Every_struct_ends_where_its_variable_part_begins()
    {
        var pairs = new List<(string, ulong)>();
        foreach (var type in CNames.Structs)
        {
            var name = CNames.OfStruct(type);
            var tail = VariablePart(type);
            pairs.Add((tail is null ? $"sizeof({name})" : $"offsetof({name}, {tail})", (ulong)SizeOf(type)));
        }

        Assert.True(pairs.Count > 20, $"only {pairs.Count} structs found");
        Compare(pairs);
    }

    [Fact]
    public void Every_struct_of_the_C_header_exists_in_CSharp_too()
    {
        var known = CNames.Structs.Select(CNames.OfStruct).ToHashSet(StringComparer.Ordinal);
        var defined = StructDefinition().Matches(CHeader.Text).Select(match => "struct " + match.Groups["name"].Value).ToArray();
        Assert.True(defined.Length > 20, $"only {defined.Length} structs found");
        Assert.Empty(defined.Except(known, StringComparer.Ordinal));
    }

    [Fact]
    public void A_struct_with_a_variable_part_counts_none_of_it() =>
        Compare([.. CNames.Structs.Where(type => VariablePart(type) is not null && type != typeof(KdbusItem) && type != typeof(KdbusCaps))
            .Select(type => ($"sizeof({CNames.OfStruct(type)})", (ulong)SizeOf(type)))]);

    [Theory]
    [InlineData(80)]
    [InlineData(1024)]
    [InlineData(16376)]
    public void The_room_of_an_EXCHANGE_is_part_of_its_number(int room) =>
        Compare([($"KDBUS_CMD_EXCHANGE({room})", (ulong)Command.Exchange | ((ulong)room << 16))]);

    [Fact]
    public void All_views_of_an_item_begin_behind_its_header()
    {
        string[] views =
        [
            "data", "data32", "data64", "str", "fds", "id", "vec", "memfd", "bloom_parameter", "bloom_filter", "name", "policy_access",
            "timestamp", "creds", "pids", "caps", "audit", "id_change", "name_change",
        ];
        Compare([.. views.Select(view => ($"offsetof(struct kdbus_item, {view})", (ulong)Item.HeaderSize))]);
        Compare([("sizeof(struct kdbus_item)", 80), ("sizeof(struct kdbus_caps)", 8)]);
    }

    [Theory]
    [InlineData("cc", "c", "c99")]
    [InlineData("cc", "c", "c11")]
    [InlineData("cc", "c", "gnu17")]
    [InlineData("c++", "cc", "c++11")]
    [InlineData("c++", "cc", "c++17")]
    [InlineData("c++", "cc", "c++20")]
    public void The_headers_compile_without_a_warning(string compiler, string extension, string standard) =>
        CHeader.Check(
            compiler,
            """
            #include <kdbus.h>
            #include <kdbus-limits.h>
            unsigned long long use(const struct kdbus_item *item, const struct kdbus_cmd_hello *hello);
            unsigned long long use(const struct kdbus_item *item, const struct kdbus_cmd_hello *hello)
            {
            	return item->type == KDBUS_ITEM_NAME ? item->str[0] + hello->items[0].vec.offset : KDBUS_CMD_HELLO + _KDBUS_ATTACH_ANY;
            }

            """,
            $"header.{extension}",
            $"-std={standard}",
            "-Wall",
            "-Wextra",
            "-pedantic",
            "-Werror");

    [Fact]
    public void A_program_may_include_the_headers_twice_and_define_limits_of_its_own() =>
        CHeader.Check(
            "cc",
            """
            #include <kdbus.h>
            #include <kdbus.h>
            #define KDBUS_CONN_MAX_MSGS 17
            int limit(void);
            int limit(void) { return KDBUS_CONN_MAX_MSGS; }

            """,
            "twice.c",
            "-Wall",
            "-Werror");

    [Fact]
    public void The_C_that_the_readme_shows_compiles()
    {
        var readme = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "README.md"));
        var code = CodeBlock().Match(readme).Groups["code"].Value;
        Assert.Contains("KDBUS_CMD_HELLO", code, StringComparison.Ordinal);
        CHeader.Check(
            "cc",
            $$"""
            #include <fcntl.h>
            #include <poll.h>
            #include <stdio.h>
            #include <sys/mman.h>
            #include <kdbus.h>
            int main(void)
            {
            {{code}}
            }

            """,
            "readme.c",
            "-Wall",
            "-Werror");
    }

    private static void Compare(IReadOnlyCollection<(string Expression, ulong Value)> pairs)
    {
        var inC = CHeader.Evaluate([.. pairs.Select(pair => pair.Expression)]);
        Assert.Equal(pairs, pairs.Zip(inC, (pair, value) => (pair.Expression, value)));
    }

    private static IEnumerable<(string Identifier, ulong Value)> Constants()
    {
        foreach (var type in CNames.Enums)
        {
            foreach (var member in Enum.GetNames(type))
            {
                if (CNames.Of(type, member) is { } identifier)
                    yield return (identifier, Convert.ToUInt64(Enum.Parse(type, member), CultureInfo.InvariantCulture));
            }
        }

        foreach (var field in new[] { typeof(Constants), typeof(Limits) }.SelectMany(type => type.GetFields()))
        {
            if (CNames.Of(field) is { } identifier)
                yield return (identifier, Convert.ToUInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture));
        }
    }

    private static int SizeOf(Type type) =>
        type.StructLayoutAttribute is { Value: LayoutKind.Explicit } layout ? layout.Size
        : type == typeof(Id128) ? 16
        : Marshal.SizeOf(type.IsEnum ? Enum.GetUnderlyingType(type) : type);

    private static string? VariablePart(Type type) => type.Name switch
    {
        nameof(KdbusItem) or nameof(KdbusBloomFilter) => "data",
        nameof(KdbusName) or nameof(KdbusNotifyNameChange) => "name",
        nameof(KdbusCaps) => "caps",
        nameof(KdbusMsg) or nameof(KdbusInfo) => "items",
        nameof(KdbusMsgInfo) => null,
        _ => type.Name.StartsWith("KdbusCmd", StringComparison.Ordinal) ? "items" : null,
    };

    [GeneratedRegex(@"^(?:#define\s+|\t)(?<name>_?KDBUS_[A-Z0-9_]+)(?:\s*=|\s|\()", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Definition();

    [GeneratedRegex(@"^```c\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"^struct (?<name>\w+) \{", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex StructDefinition();
}
