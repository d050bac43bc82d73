using Microsoft.CodeAnalysis;

namespace Kdbus.Generators;

/// <summary>What stands in attributes.</summary>
internal static class Attributes
{
    /// <summary>The first argument that a constructor was given, or null.</summary>
    public static object? FirstArgument(this AttributeData attribute) =>
        attribute.ConstructorArguments.Length > 0 && attribute.ConstructorArguments[0] is { Kind: not TypedConstantKind.Array } argument ? argument.Value : null;

    /// <summary>The attribute of this class, or null.</summary>
    public static AttributeData? Find(this ISymbol symbol, string attributeClass)
    {
        foreach (AttributeData attribute in symbol.GetAttributes())
        {
            if (attribute.AttributeClass?.ToDisplayString() == attributeClass)
                return attribute;
        }
        return null;
    }
}
