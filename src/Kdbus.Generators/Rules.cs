using System.Linq;
using Microsoft.CodeAnalysis;

namespace Kdbus.Generators;

/// <summary>The diagnostics. Each says what to write instead.</summary>
internal static class Rules
{
    public static readonly DiagnosticDescriptor Unreachable = Rule("KDBUS001", "A service must be reachable",
        "{0} is {1}: make it a non-generic interface that is public or internal, and so is what it is nested in");

    public static readonly DiagnosticDescriptor InterfaceName = Rule("KDBUS002", "A service needs a name that the bus accepts",
        "\"{0}\" is no name of a service: write two words or more of letters, digits, _ and - with dots between them, none beginning with a digit, such as [BusService(\"org.example.{1}\")]");

    public static readonly DiagnosticDescriptor SameName = Rule("KDBUS003", "Members need different names",
        "There are two members {0}: give one of them another name on the bus, [BusMember(\"{0}2\")]");

    public static readonly DiagnosticDescriptor ReturnType = Rule("KDBUS004", "A member must return what can cross the bus",
        "{0} returns {1}: return Task, ValueTask, Task<T>, ValueTask<T> or IAsyncEnumerable<T>, or the result itself or void for a call that blocks");

    public static readonly DiagnosticDescriptor ByReference = Rule("KDBUS005", "Parameters go one way",
        "{0} is passed by reference: pass it by value, and return what comes back");

    public static readonly DiagnosticDescriptor MemberKind = Rule("KDBUS006", "Members are methods",
        "{0} is {1}: write a method instead");

    public static readonly DiagnosticDescriptor CancellationNotLast = Rule("KDBUS007", "The token comes last",
        "A member has at most one CancellationToken, and that is its last parameter: move {0} to the end");

    public static readonly DiagnosticDescriptor UnknownToJson = Rule("KDBUS008", "A type is not among the simple ones",
        "{0} is no simple type: make a context, [JsonSerializable(typeof({0}))] partial class {1}Json : JsonSerializerContext, and write [BusService(\"…\", Serializer = typeof({1}Json))]");

    public static readonly DiagnosticDescriptor NotInContext = Rule("KDBUS009", "A type is missing in the JSON context",
        "{1} does not know {0}: add [JsonSerializable(typeof({0}))] to it");

    public static readonly DiagnosticDescriptor NotMemoryPackable = Rule("KDBUS010", "A type is not known to MemoryPack",
        "MemoryPack does not know {0}: write [MemoryPackable] partial at its declaration");

    public static readonly DiagnosticDescriptor Serializer = Rule("KDBUS011", "A serializer must be one",
        "{0} is no serializer: give a JsonSerializerContext, or a class that implements IBusSerializer, both public or internal, the latter with a constructor without parameters");

    public static readonly DiagnosticDescriptor Error = Rule("KDBUS012", "An error must be one",
        "{0} cannot cross the bus: {1}");

    public static readonly DiagnosticDescriptor MemberName = Rule("KDBUS013", "A member needs a name",
        "\"{0}\" is no name of a member: write 1 to 255 bytes, [BusMember(\"{1}\")]");

    public static readonly DiagnosticDescriptor Inherits = Rule("KDBUS014", "A service stands alone",
        "{0} inherits {1}: write the members into it, or serve both interfaces");

    private static readonly DiagnosticDescriptor[] s_all =
    [
        Unreachable, InterfaceName, SameName, ReturnType, ByReference, MemberKind, CancellationNotLast, UnknownToJson, NotInContext, NotMemoryPackable, Serializer, Error, MemberName, Inherits,
    ];

    public static DiagnosticDescriptor ById(string id) => s_all.First(rule => rule.Id == id);

    private static DiagnosticDescriptor Rule(string id, string title, string message) => new(id, title, message, "Kdbus", DiagnosticSeverity.Error, isEnabledByDefault: true);
}
