using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Kdbus.Generators;

/// <summary>Reads an interface: a model of it, and whatever is wrong with it. Without a fault there is a model.</summary>
internal sealed class Parser(INamedTypeSymbol service, AttributeData attribute, Compilation compilation, CancellationToken cancellation)
{
    private readonly Findings _findings = new();

    public ParseResult Parse()
    {
        CheckReachable();
        foreach (INamedTypeSymbol inherited in service.Interfaces)
            _findings.Add(Rules.Inherits, service.Locations, service.Name, inherited.ToDisplayString());
        string name = attribute.FirstArgument() as string ?? "";
        if (!IsWellKnownName(name))
            _findings.Add(Rules.InterfaceName, attribute, name, service.Name.TrimStart('I'));
        ServiceEncoding encoding = ServiceEncoding.Of(service, attribute, compilation, _findings);
        var errors = new ErrorParser(compilation, _findings);
        List<MemberModel> members = [];
        HashSet<string> names = [];
        foreach (ISymbol symbol in service.GetMembers())
        {
            cancellation.ThrowIfCancellationRequested();
            if (!IsWireMember(symbol))
                continue;
            MemberModel member = new MemberParser((IMethodSymbol)symbol, encoding, errors, _findings).Parse();
            if (!names.Add(member.BusName))
                _findings.Add(Rules.SameName, symbol.Locations, member.BusName);
            members.Add(member);
        }
        EquatableArray<ErrorModel> common = errors.Parse(service);
        ServiceModel? model = _findings.Any ? null
            : new ServiceModel(service.ToDisplayString(Formats.Type), ClassName(), name, encoding.Expression, new(members), common);
        return new ParseResult(model, new(_findings.Diagnostics));
    }

    private void CheckReachable()
    {
        string? fault = null;
        for (INamedTypeSymbol? type = service; type is not null && fault is null; type = type.ContainingType)
        {
            fault = type.IsGenericType ? "generic"
                : type.IsFileLocal ? "local to a file"
                : type.DeclaredAccessibility is not (Accessibility.Public or Accessibility.Internal or Accessibility.ProtectedOrInternal) ? "not visible to the generated code"
                : null;
        }
        if (fault is not null)
            _findings.Add(Rules.Unreachable, service.Locations, service.Name, fault);
    }

    // Methods with a body stay what they are in the client too. Accessors are spoken of with what they belong to.
    private bool IsWireMember(ISymbol symbol)
    {
        if (symbol is INamedTypeSymbol or IFieldSymbol || (!symbol.IsAbstract && symbol is IMethodSymbol or IPropertySymbol { IsAbstract: false } or IEventSymbol { IsAbstract: false }))
            return false;
        string? kind = symbol switch
        {
            IPropertySymbol => "a property",
            IEventSymbol => "an event",
            { IsStatic: true } => "static",
            IMethodSymbol { IsGenericMethod: true } => "generic",
            _ => null,
        };
        if (kind is not null)
            _findings.Add(Rules.MemberKind, symbol.Locations, symbol.Name, kind);
        return kind is null && symbol is IMethodSymbol { MethodKind: MethodKind.Ordinary };
    }

    // The whole name, so that there are not two: a letter more where a dot or an underscore was.
    private string ClassName()
    {
        StringBuilder name = new();
        foreach (char letter in service.ToDisplayString(SymbolDisplayFormat.CSharpErrorMessageFormat))
        {
            if (letter is '.' or '+')
                name.Append('_');
            else if (letter == '_')
                name.Append("__");
            else if (SyntaxFacts.IsIdentifierPartCharacter(letter))
                name.Append(letter);
        }
        return name.Append("Contract").ToString();
    }

    private static bool IsWellKnownName(string name)
    {
        string[] words = name.Split('.');
        return name.Length <= 255 && words.Length > 1 && words.All(static word => word.Length > 0 && !IsDigit(word[0]) && word.All(static letter => IsLetter(letter) || IsDigit(letter)));

        static bool IsDigit(char letter) => letter is >= '0' and <= '9';
        static bool IsLetter(char letter) => letter is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '_' or '-';
    }
}

/// <summary>What was found to be wrong.</summary>
internal sealed class Findings
{
    private readonly List<DiagnosticModel> _diagnostics = [];

    public bool Any => _diagnostics.Count > 0;

    public IReadOnlyList<DiagnosticModel> Diagnostics => _diagnostics;

    public void Add(DiagnosticDescriptor rule, IReadOnlyList<Location> locations, params string[] arguments) =>
        _diagnostics.Add(new DiagnosticModel(rule.Id, LocationModel.Of(locations.Count > 0 ? locations[0] : null), new(arguments)));

    public void Add(DiagnosticDescriptor rule, AttributeData attribute, params string[] arguments) =>
        Add(rule, attribute.ApplicationSyntaxReference is { } syntax ? [Location.Create(syntax.SyntaxTree, syntax.Span)] : Array.Empty<Location>(), arguments);
}

/// <summary>How types are written.</summary>
internal static class Formats
{
    /// <summary>In generated code: from the root of all namespaces, with ? where that may be null.</summary>
    public static readonly SymbolDisplayFormat Type =
        SymbolDisplayFormat.FullyQualifiedFormat.AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    /// <summary>For people.</summary>
    public static readonly SymbolDisplayFormat Short = SymbolDisplayFormat.MinimallyQualifiedFormat;
}
