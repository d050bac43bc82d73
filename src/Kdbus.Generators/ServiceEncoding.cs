using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace Kdbus.Generators;

/// <summary>The encoding of a service: how its serializer is made, and which types it knows.</summary>
internal abstract class ServiceEncoding(string expression)
{
    /// <summary>An expression that makes the serializer.</summary>
    public string Expression { get; } = expression;

    /// <summary>The encoding that an interface asks for.</summary>
    public static ServiceEncoding Of(INamedTypeSymbol service, AttributeData attribute, Compilation compilation, Findings findings)
    {
        TypedConstant given = attribute.NamedArguments.FirstOrDefault(static argument => argument.Key == "Serializer").Value;
        if (given.Kind == TypedConstantKind.Error || given.Value is null)
            return new SimpleJson(service, findings);
        if (given.Value is INamedTypeSymbol { IsAbstract: false, IsUnboundGenericType: false } type && compilation.IsSymbolAccessibleWithin(type, compilation.Assembly))
        {
            if (DerivesFrom(type, KnownNames.JsonSerializerContext))
                return new JsonContext(type, findings);
            bool canBeMade = type.InstanceConstructors.Any(constructor => constructor.Parameters.IsEmpty && compilation.IsSymbolAccessibleWithin(constructor, compilation.Assembly));
            if (canBeMade && type.AllInterfaces.Any(static contract => contract.ToDisplayString() == KnownNames.BusSerializer))
                return type.ToDisplayString() == KnownNames.MemoryPackBusSerializer ? new MemoryPack(type, findings) : new Other(type);
        }
        findings.Add(Rules.Serializer, attribute, given.Value is ITypeSymbol symbol ? symbol.ToDisplayString(Formats.Short) : "null");
        return new Unknown();
    }

    /// <summary>Sees to it that a type is known.</summary>
    public abstract void Check(ITypeSymbol type, IReadOnlyList<Location> locations);

    private static bool DerivesFrom(ITypeSymbol? type, string name)
    {
        for (; type is not null; type = type.BaseType)
        {
            if (type.ToDisplayString() == name)
                return true;
        }
        return false;
    }

    private sealed class SimpleJson(INamedTypeSymbol service, Findings findings) : ServiceEncoding("global::Kdbus.Client.JsonBusSerializer.Simple")
    {
        public override void Check(ITypeSymbol type, IReadOnlyList<Location> locations)
        {
            if (!SimpleTypes.IsKnown(type))
                findings.Add(Rules.UnknownToJson, locations, type.WithNullableAnnotation(NullableAnnotation.None).ToDisplayString(Formats.Short), service.Name.TrimStart('I'));
        }
    }

    private sealed class JsonContext : ServiceEncoding
    {
        private readonly INamedTypeSymbol _context;
        private readonly Findings _findings;
        private readonly HashSet<ISymbol> _known = new(SymbolEqualityComparer.Default);

        public JsonContext(INamedTypeSymbol context, Findings findings)
            : base($"new global::Kdbus.Client.JsonBusSerializer({context.ToDisplayString(Formats.Type)}.Default)")
        {
            _context = context;
            _findings = findings;
            foreach (AttributeData attribute in context.GetAttributes())
            {
                if (attribute.AttributeClass?.ToDisplayString() == KnownNames.JsonSerializable && attribute.FirstArgument() is ITypeSymbol type)
                    _known.Add(type);
            }
        }

        public override void Check(ITypeSymbol type, IReadOnlyList<Location> locations)
        {
            ITypeSymbol plain = type.WithNullableAnnotation(NullableAnnotation.None);
            if (!SimpleTypes.IsKnown(type) && !_known.Contains(plain))
                _findings.Add(Rules.NotInContext, locations, plain.ToDisplayString(Formats.Short), _context.ToDisplayString(Formats.Short));
        }
    }

    private sealed class MemoryPack(INamedTypeSymbol serializer, Findings findings) : ServiceEncoding($"new {serializer.ToDisplayString(Formats.Type)}()")
    {
        public override void Check(ITypeSymbol type, IReadOnlyList<Location> locations)
        {
            if (!IsKnown(type))
                findings.Add(Rules.NotMemoryPackable, locations, type.WithNullableAnnotation(NullableAnnotation.None).ToDisplayString(Formats.Short));
        }

        // Its own formatters are for types of the framework, of whatever they contain.
        private static bool IsKnown(ITypeSymbol type) => type switch
        {
            IArrayTypeSymbol array => IsKnown(array.ElementType),
            { TypeKind: TypeKind.Enum } => true,
            { IsUnmanagedType: true } => true,
            INamedTypeSymbol named when named.Find(KnownNames.MemoryPackable) is not null => true,
            INamedTypeSymbol named when named.SpecialType != SpecialType.System_Object && IsInSystem(named) => named.TypeArguments.All(IsKnown),
            _ => false,
        };

        private static bool IsInSystem(INamedTypeSymbol type)
        {
            INamespaceSymbol? space = type.ContainingNamespace;
            while (space is { ContainingNamespace: { IsGlobalNamespace: false } outer })
                space = outer;
            return space is { Name: "System" };
        }
    }

    private sealed class Other(INamedTypeSymbol serializer) : ServiceEncoding($"new {serializer.ToDisplayString(Formats.Type)}()")
    {
        public override void Check(ITypeSymbol type, IReadOnlyList<Location> locations)
        {
            // Only it can say.
        }
    }

    private sealed class Unknown() : ServiceEncoding("")
    {
        public override void Check(ITypeSymbol type, IReadOnlyList<Location> locations)
        {
            // The serializer has been complained about.
        }
    }
}
