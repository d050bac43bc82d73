using System.Collections.Generic;
using Microsoft.CodeAnalysis;

namespace Kdbus.Generators;

/// <summary>What JsonBusSerializer knows by itself. The tests compare the two.</summary>
internal static class SimpleTypes
{
    private static readonly HashSet<string> s_structs =
    [
        "System.Guid", "System.DateTime", "System.DateTimeOffset", "System.DateOnly", "System.TimeOnly", "System.TimeSpan",
    ];

    private static readonly HashSet<string> s_classes = ["System.Uri", "System.Version"];

    /// <summary>Whether a type is simple, or an array or list of simple ones.</summary>
    public static bool IsKnown(ITypeSymbol type) => type switch
    {
        { TypeKind: TypeKind.Enum } => true,
        IArrayTypeSymbol { Rank: 1 } array => IsElement(array.ElementType),
        INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable => IsValue(nullable.TypeArguments[0]),
        INamedTypeSymbol { IsGenericType: true } list => list.OriginalDefinition.ToDisplayString() == "System.Collections.Generic.List<T>" && IsElement(list.TypeArguments[0]),
        _ => IsValue(type) || IsClass(type),
    };

    private static bool IsElement(ITypeSymbol type) => IsValue(type) || IsClass(type) || type is IArrayTypeSymbol { Rank: 1, ElementType.SpecialType: SpecialType.System_Byte };

    private static bool IsValue(ITypeSymbol type) => type.SpecialType switch
    {
        SpecialType.System_Boolean or SpecialType.System_Char or SpecialType.System_SByte or SpecialType.System_Byte or SpecialType.System_Int16 or SpecialType.System_UInt16
            or SpecialType.System_Int32 or SpecialType.System_UInt32 or SpecialType.System_Int64 or SpecialType.System_UInt64 or SpecialType.System_Single or SpecialType.System_Double
            or SpecialType.System_Decimal or SpecialType.System_DateTime => true,
        _ => s_structs.Contains(type.ToDisplayString()),
    };

    private static bool IsClass(ITypeSymbol type) =>
        type.SpecialType == SpecialType.System_String || s_classes.Contains(type.WithNullableAnnotation(NullableAnnotation.None).ToDisplayString());
}
