using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Kdbus.Generators;

/// <summary>What the parser found out about an interface: all that the emitter needs, and nothing that keeps a compilation alive.</summary>
/// <param name="TypeName">The interface, as it is named anywhere.</param>
/// <param name="ClassName">Name of the class to generate.</param>
/// <param name="BusName">Name on the bus.</param>
/// <param name="Serializer">An expression that makes the serializer.</param>
/// <param name="Members">Its members.</param>
/// <param name="Errors">Errors of all members.</param>
internal sealed record ServiceModel(
    string TypeName, string ClassName, string BusName, string Serializer, EquatableArray<MemberModel> Members, EquatableArray<ErrorModel> Errors);

/// <summary>A member.</summary>
/// <param name="MethodName">Name of the method, as it is written in code.</param>
/// <param name="BusName">Name on the bus.</param>
/// <param name="Shape">How it answers.</param>
/// <param name="ReturnType">What the method returns.</param>
/// <param name="ValueType">Type of the result or of the values of the stream; null if there is none.</param>
/// <param name="Parameters">What is sent.</param>
/// <param name="Cancellation">Name of the parameter for cancellation, or null.</param>
/// <param name="Errors">Errors of its own.</param>
internal sealed record MemberModel(
    string MethodName, string BusName, MemberShape Shape, string ReturnType, string? ValueType, EquatableArray<ParameterModel> Parameters, string? Cancellation,
    EquatableArray<ErrorModel> Errors);

/// <summary>A parameter that is sent.</summary>
/// <param name="Name">Its name, as it is written in code.</param>
/// <param name="Type">Its type.</param>
/// <param name="Default">Its default value as an expression, or null.</param>
/// <param name="MayBeNull">Whether null is a value of it, as far as the code says.</param>
internal sealed record ParameterModel(string Name, string Type, string? Default, bool MayBeNull);

/// <summary>An exception that has a name on the bus.</summary>
internal sealed record ErrorModel(string BusName, string TypeName);

/// <summary>How a member answers.</summary>
internal enum MemberShape
{
    Synchronous,
    Task,
    ValueTask,
    Stream,
}

/// <summary>What the parser has to say: a service, or why there is none.</summary>
internal sealed record ParseResult(ServiceModel? Service, EquatableArray<DiagnosticModel> Diagnostics);

/// <summary>A diagnostic that can be compared.</summary>
internal sealed record DiagnosticModel(string Id, LocationModel? Location, EquatableArray<string> Arguments)
{
    public Diagnostic ToDiagnostic() => Diagnostic.Create(Rules.ById(Id), Location?.ToLocation(), System.Linq.Enumerable.ToArray<object>(Arguments));
}

/// <summary>A place in a source file.</summary>
internal sealed record LocationModel(string Path, TextSpan Span, LinePositionSpan Lines)
{
    public static LocationModel? Of(Location? location) =>
        location?.SourceTree is { } tree ? new LocationModel(tree.FilePath, location.SourceSpan, location.GetLineSpan().Span) : null;

    public Location ToLocation() => Location.Create(Path, Span, Lines);
}
