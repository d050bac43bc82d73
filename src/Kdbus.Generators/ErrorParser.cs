using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace Kdbus.Generators;

/// <summary>Reads the lists of exceptions that have names on the bus.</summary>
internal sealed class ErrorParser(Compilation compilation, Findings findings)
{
    public EquatableArray<ErrorModel> Parse(ISymbol symbol)
    {
        List<ErrorModel> errors = [];
        foreach (AttributeData attribute in symbol.GetAttributes())
        {
            if (attribute.AttributeClass?.ToDisplayString() != KnownNames.BusErrors || attribute.ConstructorArguments.Length != 1)
                continue;
            TypedConstant types = attribute.ConstructorArguments[0];
            if (types.Kind != TypedConstantKind.Array || types.IsNull)
                continue;
            foreach (TypedConstant constant in types.Values)
            {
                if (constant.Value is ITypeSymbol type)
                    Parse(type, attribute, errors);
            }
        }
        return new(errors);
    }

    private void Parse(ITypeSymbol type, AttributeData list, List<ErrorModel> errors)
    {
        string? name = type.Find(KnownNames.BusError)?.FirstArgument() as string;
        string? fault = !DerivesFromPeerFailed(type) ? "derive it from PeerFailedException"
            : type.IsAbstract || type is INamedTypeSymbol { IsGenericType: true } ? "make it a class of which there can be objects, without type parameters"
            : string.IsNullOrEmpty(name) || name!.Length > 255 ? $"write [BusError(\"org.example.Error.{type.Name}\")] above it"
            : !compilation.IsSymbolAccessibleWithin(type, compilation.Assembly) ? "make it public or internal"
            : !HasTextConstructor(type) ? "give it a public or internal constructor for the text, (string message)"
            : null;
        if (fault is not null)
            findings.Add(Rules.Error, list, type.ToDisplayString(Formats.Short), fault);
        else
            errors.Add(new ErrorModel(name!, type.ToDisplayString(Formats.Type)));
    }

    private bool HasTextConstructor(ITypeSymbol type) =>
        ((INamedTypeSymbol)type).InstanceConstructors.Any(constructor =>
            constructor.Parameters.Length == 1 && constructor.Parameters[0] is { Type.SpecialType: SpecialType.System_String, RefKind: RefKind.None } && compilation.IsSymbolAccessibleWithin(constructor, compilation.Assembly));

    private static bool DerivesFromPeerFailed(ITypeSymbol? type)
    {
        for (; type is not null; type = type.BaseType)
        {
            if (type.ToDisplayString() == KnownNames.PeerFailedException)
                return true;
        }
        return false;
    }
}
