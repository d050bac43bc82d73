using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Kdbus.Generators.Tests;

/// <summary>Compiles code with the generator, as a project that references the client library does.</summary>
internal static class Compiler
{
    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.Text.Json.Serialization;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using Kdbus.Client;
        """;

    private static readonly CSharpParseOptions s_language = new(LanguageVersion.CSharp13);

    private static readonly ImmutableArray<MetadataReference> s_references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(static path => !Path.GetFileName(path).StartsWith("Kdbus.Generators", StringComparison.Ordinal))
            .Select(static path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>Code as a compilation.</summary>
    public static CSharpCompilation Compile(string code) => CSharpCompilation.Create(
        "Test", [Parse(Usings, "Usings.cs"), Parse(code, "Test.cs")], s_references, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));

    /// <summary>The generator, that remembers.</summary>
    public static GeneratorDriver NewDriver() => CSharpGeneratorDriver.Create(
        [new ServiceGenerator().AsSourceGenerator()], parseOptions: s_language, driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    /// <summary>Generates: what the generator says, the code, and what the compiler says of all of it.</summary>
    public static Generated Generate(string code)
    {
        GeneratorDriver driver = NewDriver().RunGeneratorsAndUpdateCompilation(Compile(code), out Compilation output, out ImmutableArray<Diagnostic> diagnostics, TestContext.Current.CancellationToken);
        string generated = string.Concat(driver.GetRunResult().GeneratedTrees.Select(static tree => tree.ToString()));
        ImmutableArray<Diagnostic> complaints = output.GetDiagnostics(TestContext.Current.CancellationToken).RemoveAll(static diagnostic => diagnostic.Severity == DiagnosticSeverity.Hidden);
        return new Generated(diagnostics, generated, complaints);
    }

    private static SyntaxTree Parse(string code, string path) => CSharpSyntaxTree.ParseText(code, s_language, path);
}

/// <summary>What came of it.</summary>
/// <param name="Diagnostics">Of the generator.</param>
/// <param name="Code">That it generated.</param>
/// <param name="Complaints">Of the compiler, warnings and errors.</param>
internal sealed record Generated(ImmutableArray<Diagnostic> Diagnostics, string Code, ImmutableArray<Diagnostic> Complaints);
