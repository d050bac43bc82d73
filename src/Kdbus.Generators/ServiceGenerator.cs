using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Kdbus.Generators;

/// <summary>Makes a client and a dispatcher for each interface with [BusService].</summary>
[Generator(LanguageNames.CSharp)]
public sealed class ServiceGenerator : IIncrementalGenerator
{
    /// <summary>Name of the step whose result is compared with that of the last time.</summary>
    internal const string ParseStep = "Parse";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<ParseResult> results = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                KnownNames.BusService,
                static (node, _) => node is InterfaceDeclarationSyntax,
                static (match, cancellation) => new Parser((INamedTypeSymbol)match.TargetSymbol, match.Attributes[0], match.SemanticModel.Compilation, cancellation).Parse())
            .WithTrackingName(ParseStep);
        context.RegisterSourceOutput(results, static (output, result) =>
        {
            foreach (DiagnosticModel diagnostic in result.Diagnostics)
                output.ReportDiagnostic(diagnostic.ToDiagnostic());
            if (result.Service is { } service)
                output.AddSource(service.ClassName + ".g.cs", SourceText.From(Emitter.Emit(service), Encoding.UTF8));
        });
    }
}
