using Microsoft.CodeAnalysis;

namespace Kdbus.Generators.Tests;

/// <summary>Each mistake is told where it is, with what to write instead.</summary>
public sealed class DiagnosticTests
{
    private const string Errors = """
        public class NoBase { }
        public class NoName(string text) : PeerFailedException("a.b", text);
        [BusError("a.b")] public class NoText() : PeerFailedException("a.b", "");
        [BusError("a.b")] public abstract class Abstract(string text) : PeerFailedException("a.b", text);
        """;

    public static TheoryData<string, string, string, string> Mistakes => new()
    {
        // id, code, where it is, part of the text
        { "KDBUS001", """[BusService("a.b")] public interface IA<T> { }""", "IA", "is generic: make it" },
        { "KDBUS001", """public class Outer { [BusService("a.b")] private interface IA { } }""", "IA", "not visible" },
        { "KDBUS001", """[BusService("a.b")] file interface IA { }""", "IA", "local to a file" },
        { "KDBUS001", """public class Outer<T> { [BusService("a.b")] public interface IA { } }""", "IA", "generic" },
        { "KDBUS002", """[BusService("clock")] public interface IClock { }""", "BusService(\"clock\")", "[BusService(\"org.example.Clock\")]" },
        { "KDBUS002", """[BusService("a.1b")] public interface IA { }""", "BusService(\"a.1b\")", "none beginning with a digit" },
        { "KDBUS002", """[BusService("")] public interface IA { }""", "BusService(\"\")", "no name" },
        { "KDBUS003", """[BusService("a.b")] public interface IA { void Do(); Task DoAsync(); }""", "DoAsync", "[BusMember(\"Do2\")]" },
        { "KDBUS003", """[BusService("a.b")] public interface IA { void Do(); void Do(int x); }""", "Do", "two members Do" },
        { "KDBUS004", """[BusService("a.b")] public interface IA { ConfiguredTaskAwaitableLike Do(); } public class ConfiguredTaskAwaitableLike { public int GetAwaiter() => 0; }""", "Do", "return Task" },
        { "KDBUS004", """[BusService("a.b")] public interface IA { Span<byte> Do(); }""", "Do", "returns Span<byte>" },
        { "KDBUS005", """[BusService("a.b")] public interface IA { void Do(ref int x); }""", "x", "passed by reference" },
        { "KDBUS005", """[BusService("a.b")] public interface IA { void Do(out int x); }""", "x", "pass it by value" },
        { "KDBUS005", """[BusService("a.b")] public interface IA { void Do(in int x); }""", "x", "pass it by value" },
        { "KDBUS006", """[BusService("a.b")] public interface IA { int Value { get; } }""", "Value", "a property: write a method" },
        { "KDBUS006", """[BusService("a.b")] public interface IA { event EventHandler Done; }""", "Done", "an event: write a method" },
        { "KDBUS006", """[BusService("a.b")] public interface IA { void Do<T>(); }""", "Do", "generic" },
        { "KDBUS006", """[BusService("a.b")] public interface IA { static abstract void Do(); }""", "Do", "static" },
        { "KDBUS007", """[BusService("a.b")] public interface IA { Task DoAsync(CancellationToken stop, int x); }""", "stop", "move stop to the end" },
        { "KDBUS008", """public record P(int X); [BusService("a.b")] public interface IA { void Do(P p); }""", "p", "[JsonSerializable(typeof(P))] partial class AJson" },
        { "KDBUS008", """[BusService("a.b")] public interface IA { Task<object> DoAsync(); }""", "DoAsync", "object is no simple type" },
        { "KDBUS008", """[BusService("a.b")] public interface IA { IAsyncEnumerable<Dictionary<int, int>> Do(); }""", "Do", "no simple type" },
        { "KDBUS010", """public class P; [BusService("a.b", Serializer = typeof(MemoryPackBusSerializer))] public interface IA { void Do(List<P> p); }""", "p", "[MemoryPackable]" },
        { "KDBUS011", """[BusService("a.b", Serializer = typeof(string))] public interface IA { }""", "BusService(\"a.b\", Serializer = typeof(string))", "string is no serializer" },
        { "KDBUS011", """public class Outer { private class S; [BusService("a.b", Serializer = typeof(S))] public interface IA { } }""", "BusService(\"a.b\", Serializer = typeof(S))", "public or internal" },
        { "KDBUS012", Errors + """[BusService("a.b"), BusErrors(typeof(NoBase))] public interface IA { }""", "BusErrors(typeof(NoBase))", "derive it from PeerFailedException" },
        { "KDBUS012", Errors + """[BusService("a.b"), BusErrors(typeof(NoName))] public interface IA { }""", "BusErrors(typeof(NoName))", "[BusError(\"org.example.Error.NoName\")]" },
        { "KDBUS012", Errors + """[BusService("a.b")] public interface IA { [BusErrors(typeof(NoText))] void Do(); }""", "BusErrors(typeof(NoText))", "(string message)" },
        { "KDBUS012", Errors + """[BusService("a.b"), BusErrors(typeof(Abstract))] public interface IA { }""", "BusErrors(typeof(Abstract))", "of which there can be objects" },
        { "KDBUS013", """[BusService("a.b")] public interface IA { [BusMember("")] void Do(); }""", "BusMember(\"\")", "[BusMember(\"Do\")]" },
        { "KDBUS014", """[BusService("a.b")] public interface IA : IDisposable { }""", "IA", "inherits System.IDisposable" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_told(string id, string code, string place, string text)
    {
        Generated generated = Compiler.Generate(code);
        Diagnostic diagnostic = Assert.Single(generated.Diagnostics);
        Assert.Equal((id, DiagnosticSeverity.Error), (diagnostic.Id, diagnostic.Severity));
        Assert.Contains(text, diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        Assert.Equal("Test.cs", diagnostic.Location.GetLineSpan().Path);
        Assert.Equal(place, code.Substring(diagnostic.Location.SourceSpan.Start, diagnostic.Location.SourceSpan.Length));
        Assert.Empty(generated.Code);
    }

    [Fact]
    public void A_type_that_a_context_lacks_is_told_with_the_line_to_add()
    {
        Generated generated = Compiler.Generate(Contexts.Of("[JsonSerializable(typeof(Q))]") + """
            public record P(int X);
            public record Q(int X);
            [BusService("a.b", Serializer = typeof(J))] public interface IA { Task<List<P>?> DoAsync(Q q, Guid simple); }
            """);
        Diagnostic diagnostic = Assert.Single(generated.Diagnostics);
        Assert.Equal("KDBUS009", diagnostic.Id);
        Assert.Equal("J does not know List<P>: add [JsonSerializable(typeof(List<P>))] to it", diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void All_mistakes_of_an_interface_are_told_at_once()
    {
        Generated generated = Compiler.Generate("""[BusService("a")] public interface IA { int P { get; } void Do(ref object x); }""");
        Assert.Equal(["KDBUS002", "KDBUS005", "KDBUS006", "KDBUS008"], generated.Diagnostics.Select(static diagnostic => diagnostic.Id).Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }
}
