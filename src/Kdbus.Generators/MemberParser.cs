using System.Collections.Generic;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Kdbus.Generators;

/// <summary>Reads a method of a service.</summary>
internal sealed class MemberParser(IMethodSymbol method, ServiceEncoding encoding, ErrorParser errors, Findings findings)
{
    public MemberModel Parse()
    {
        MemberShape shape = ShapeOf(method.ReturnType, out ITypeSymbol? value);
        if (method.RefKind != RefKind.None)
            findings.Add(Rules.ByReference, method.Locations, method.Name);
        if (value is not null)
            encoding.Check(value, method.Locations);
        List<ParameterModel> parameters = [];
        string? cancellation = null;
        foreach (IParameterSymbol parameter in method.Parameters)
        {
            if (parameter.RefKind != RefKind.None)
                findings.Add(Rules.ByReference, parameter.Locations, parameter.Name);
            if (parameter.Type.ToDisplayString() == KnownNames.CancellationToken)
            {
                cancellation = Escape(parameter.Name);
                if (parameter.Ordinal != method.Parameters.Length - 1)
                    findings.Add(Rules.CancellationNotLast, parameter.Locations, parameter.Name);
                continue;
            }
            encoding.Check(parameter.Type, parameter.Locations);
            bool mayBeNull = !parameter.Type.IsReferenceType || parameter.Type.NullableAnnotation != NullableAnnotation.NotAnnotated;
            parameters.Add(new ParameterModel(Escape(parameter.Name), parameter.Type.ToDisplayString(Formats.Type), DefaultOf(parameter), mayBeNull));
        }
        return new MemberModel(
            Escape(method.Name), BusName(), shape, method.ReturnType.ToDisplayString(Formats.Type), value?.ToDisplayString(Formats.Type), new(parameters), cancellation, errors.Parse(method));
    }

    private string BusName()
    {
        if (method.Find(KnownNames.BusMember) is not { } attribute)
            return method.Name.Length > 5 && method.Name.EndsWith("Async", System.StringComparison.Ordinal) ? method.Name.Substring(0, method.Name.Length - 5) : method.Name;
        string name = attribute.FirstArgument() as string ?? "";
        if (System.Text.Encoding.UTF8.GetByteCount(name) is 0 or > 255)
            findings.Add(Rules.MemberName, attribute, name, method.Name);
        return name;
    }

    private MemberShape ShapeOf(ITypeSymbol type, out ITypeSymbol? value)
    {
        value = null;
        string name = type.OriginalDefinition.ToDisplayString();
        switch (name)
        {
            case "System.Threading.Tasks.Task":
                return MemberShape.Task;
            case "System.Threading.Tasks.ValueTask":
                return MemberShape.ValueTask;
            case "System.Threading.Tasks.Task<TResult>" or "System.Threading.Tasks.ValueTask<TResult>":
                value = ((INamedTypeSymbol)type).TypeArguments[0];
                return name.Contains("ValueTask") ? MemberShape.ValueTask : MemberShape.Task;
            case "System.Collections.Generic.IAsyncEnumerable<T>":
                value = ((INamedTypeSymbol)type).TypeArguments[0];
                return MemberShape.Stream;
            case "void":
                return MemberShape.Synchronous;
        }
        // Things that are awaited, enumerated or pointed at, but not in a way that can cross.
        bool isTaskLike = type.GetMembers("GetAwaiter").Length > 0 || type.GetMembers("GetAsyncEnumerator").Length > 0;
        if (isTaskLike || type.IsRefLikeType || type is IPointerTypeSymbol or IFunctionPointerTypeSymbol)
            findings.Add(Rules.ReturnType, method.Locations, method.Name, type.ToDisplayString(Formats.Short));
        else
            value = type;
        return MemberShape.Synchronous;
    }

    private static string Escape(string name) => SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None ? "@" + name : name;

    private static string? DefaultOf(IParameterSymbol parameter)
    {
        if (!parameter.HasExplicitDefaultValue)
            return null;
        string type = parameter.Type.ToDisplayString(Formats.Type);
        return parameter.ExplicitDefaultValue switch
        {
            null => "default!",
            float and (float.NaN or float.PositiveInfinity or float.NegativeInfinity) and var number => NonFinite("float", number),
            double and (double.NaN or double.PositiveInfinity or double.NegativeInfinity) and var number => NonFinite("double", (double)number),
            decimal number => number.ToString(System.Globalization.CultureInfo.InvariantCulture) + "m",
            float number => $"{SymbolDisplay.FormatPrimitive(number, quoteStrings: true, useHexadecimalNumbers: false)}F",
            double number => $"{SymbolDisplay.FormatPrimitive(number, quoteStrings: true, useHexadecimalNumbers: false)}D",
            var value => $"({type})({SymbolDisplay.FormatPrimitive(value, quoteStrings: true, useHexadecimalNumbers: false)})",
        };
    }

    private static string NonFinite(string type, object number) =>
        $"{type}.{(number is float.NaN or double.NaN ? "NaN" : number is float.PositiveInfinity or double.PositiveInfinity ? "PositiveInfinity" : "NegativeInfinity")}";
}
