namespace Kdbus.Generators.Tests;

/// <summary>A JSON context as its generator, which does not run in these tests, leaves it.</summary>
internal static class Contexts
{
    public static string Of(string attributes) => attributes + """
        public class J : JsonSerializerContext
        {
            public J() : base(null) { }
            public static J Default { get; } = new();
            protected override System.Text.Json.JsonSerializerOptions? GeneratedSerializerOptions => null;
            public override System.Text.Json.Serialization.Metadata.JsonTypeInfo? GetTypeInfo(Type type) => null;
        }

        """;
}
