using System.Globalization;
using System.Text.Json.Nodes;
using Kdbus.Client;
using Microsoft.Win32.SafeHandles;

namespace Kdbus.Cli;

/// <summary>Descriptors that came with a message.</summary>
internal static class ReceivedDescriptors
{
    /// <summary>A line for each: what it is.</summary>
    public static IEnumerable<string> Describe(Message message)
    {
        for (int i = 0; i < message.Descriptors.Count; i++)
            yield return $"descriptor {i}: {Escaped.Text(NameOf(message.Descriptors[i]))}";
        if (message.IsIncomplete)
            yield return "some descriptors did not arrive: this process had no room for them, or the server cannot hand them over";
    }

    /// <summary>What they are.</summary>
    public static JsonArray ToJson(Message message) => new([.. message.Descriptors.Select(static descriptor => (JsonNode?)JsonValue.Create(NameOf(descriptor)))]);

    /// <summary>Copies what is in them to files called by their numbers.</summary>
    /// <exception cref="CommandException">It cannot be read, or not be written.</exception>
    public static void Save(Message message, string directory)
    {
        try
        {
            _ = Directory.CreateDirectory(directory);
            for (int i = 0; i < message.Descriptors.Count; i++)
            {
                using FileStream from = new($"/proc/self/fd/{message.Descriptors[i].DangerousGetHandle()}", FileMode.Open, FileAccess.Read);
                using FileStream to = File.Create(Path.Combine(directory, i.ToString(CultureInfo.InvariantCulture)));
                from.CopyTo(to);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.CannotWrite, $"cannot save the descriptors to '{directory}': {exception.Message.TrimEnd('.')}");
        }
    }

    private static string NameOf(SafeFileHandle descriptor) =>
        descriptor.IsInvalid ? "did not arrive" : new FileInfo($"/proc/self/fd/{descriptor.DangerousGetHandle()}").LinkTarget ?? "?";
}
