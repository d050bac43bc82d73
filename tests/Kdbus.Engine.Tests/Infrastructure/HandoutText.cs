using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>What is handed out with a result, as text; nothing is no text.</summary>
internal static class HandoutText
{
    public static string Of(Handout? handout) => handout == null
        ? ""
        : $" with {handout.Offset}: files {string.Join(' ', handout.Files)} at {string.Join(' ', handout.NumberPositions)}, contents {string.Join(' ', handout.Contents)}";
}
