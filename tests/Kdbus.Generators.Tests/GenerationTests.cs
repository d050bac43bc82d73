using Microsoft.CodeAnalysis;

namespace Kdbus.Generators.Tests;

/// <summary>What is generated for correct interfaces, that it compiles without a warning, and when it is generated anew.</summary>
public sealed class GenerationTests
{
    private const string Clock = """
        namespace Example;

        [BusError("org.example.Clock.Error.TooEarly")]
        public sealed class TooEarlyException(string message) : PeerFailedException("org.example.Clock.Error.TooEarly", message);

        [BusService("org.example.Clock"), BusErrors(typeof(TooEarlyException))]
        public interface IClock
        {
            Task<DateTimeOffset> NowAsync(CancellationToken cancellation);
            ValueTask SetAsync(DateTimeOffset time, string? reason = null);
            long Add(long a, long b);
            IAsyncEnumerable<int> TicksAsync(int every = 5, CancellationToken cancellation = default);
        }
        """;

    private const string Unusual = """
        namespace Example;

        public enum Color : byte { Red, Green }

        public static class Outer
        {
            [BusService("org.example.Unusual", Serializer = typeof(J))]
            internal interface IUnusual
            {
                const int Most = 5;
                void @class(int @int, int call, string? @string = "a\"\\\n", Color color = Color.Green, params int[] rest);
                decimal Numbers(double a = double.NaN, float b = float.NegativeInfinity, float c = 1.5f, decimal d = 1.50m, long e = long.MinValue, char f = '\'', double g = 1e300);
                [Obsolete("old")] Task OldAsync(Guid id = default, int? none = null, int? some = 5);
                [BusMember("Übung")] ValueTask<List<string?>?> Async(byte[] bytes, Uri? uri, Example.P[] ps);
                int Helper() => Most;
                static int Shared() => 1;
            }
        }

        public record P(int X);
        """;

    private const string Packed = """
        namespace Example;

        public struct Point { public int X; }

        [BusService("org.example.Packed", Serializer = typeof(MemoryPackBusSerializer))]
        public interface IPacked
        {
            Dictionary<string, List<Point>> Do(Point? point, (int, string) pair, DateTime[][] times);
        }
        """;

    public static TheoryData<string, string> Services => new()
    {
        { "Clock", Clock },
        { "Unusual", Unusual.Replace("namespace Example;", "namespace Example;" + Contexts.Of("[JsonSerializable(typeof(P[]))]"), StringComparison.Ordinal) },
        { "Packed", Packed },
    };

    [Theory]
    [MemberData(nameof(Services))]
    public void Code_compiles_without_a_warning(string name, string code)
    {
        Generated generated = Compiler.Generate(code);
        Assert.Empty(generated.Diagnostics);
        Assert.Empty(generated.Complaints);
        Snapshot.Matches(generated.Code, name);
    }

    [Fact]
    public void An_interface_that_did_not_change_is_not_read_anew()
    {
        Compilation compilation = Compiler.Compile(Clock);
        GeneratorDriver driver = Compiler.NewDriver().RunGenerators(compilation, TestContext.Current.CancellationToken);
        compilation = compilation.AddSyntaxTrees(Compiler.Compile("class Other;").SyntaxTrees.Last());
        GeneratorRunResult second = Assert.Single(driver.RunGenerators(compilation, TestContext.Current.CancellationToken).GetRunResult().Results);
        Assert.All(second.TrackedSteps[ServiceGenerator.ParseStep].SelectMany(static step => step.Outputs), static output =>
            Assert.True(output.Reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged));
        Assert.All(second.TrackedOutputSteps.SelectMany(static step => step.Value).SelectMany(static step => step.Outputs), static output =>
            Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
    }

    [Fact]
    public void An_interface_that_changed_is()
    {
        Compilation compilation = Compiler.Compile(Clock);
        GeneratorDriver driver = Compiler.NewDriver().RunGenerators(compilation, TestContext.Current.CancellationToken);
        GeneratorRunResult second = Assert.Single(
            driver.RunGenerators(Compiler.Compile(Clock.Replace("Add(", "Sum(", StringComparison.Ordinal)), TestContext.Current.CancellationToken).GetRunResult().Results);
        Assert.Contains("Sum(", Assert.Single(second.GeneratedSources).SourceText.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Simple_types_are_those_that_the_library_knows()
    {
        Type[] structs =
        [
            typeof(bool), typeof(sbyte), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long), typeof(ulong), typeof(float), typeof(double), typeof(decimal),
            typeof(char), typeof(Guid), typeof(DateTime), typeof(DateTimeOffset), typeof(DateOnly), typeof(TimeOnly), typeof(TimeSpan),
        ];
        Type[] classes = [typeof(string), typeof(Uri), typeof(Version), typeof(byte[])];
        Type[] others = [typeof(object), typeof(Half), typeof(nint), typeof(int[][]), typeof(int[,]), typeof(List<List<int>>), typeof(int?[]), typeof(IReadOnlyList<int>), typeof(Index)];
        Type[] all =
        [
            .. structs, .. classes, .. others,
            .. structs.Select(static type => typeof(Nullable<>).MakeGenericType(type)),
            .. structs.Concat(classes).Select(static type => type.MakeArrayType()),
            .. structs.Concat(classes).Select(static type => typeof(List<>).MakeGenericType(type)),
        ];
        System.Reflection.MethodInfo knows = typeof(Client.JsonBusSerializer).GetMethod(nameof(Client.JsonBusSerializer.Knows))!;
        Compilation compilation = Compiler.Compile("");
        foreach (Type type in all)
        {
            bool known = (bool)knows.MakeGenericMethod(type).Invoke(Client.JsonBusSerializer.Simple, null)!;
            Assert.True(known == SimpleTypes.IsKnown(SymbolOf(compilation, type)), $"{type} is{(known ? "" : " not")} known to the library");
        }
    }

    private static ITypeSymbol SymbolOf(Compilation compilation, Type type)
    {
        if (type.IsArray)
            return compilation.CreateArrayTypeSymbol(SymbolOf(compilation, type.GetElementType()!), type.GetArrayRank());
        if (type.IsGenericType)
            return compilation.GetTypeByMetadataName(type.GetGenericTypeDefinition().FullName!)!.Construct(SymbolOf(compilation, type.GetGenericArguments()[0]));
        return compilation.GetTypeByMetadataName(type.FullName!)!;
    }
}
