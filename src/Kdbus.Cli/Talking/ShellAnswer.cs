using System.Diagnostics;
using System.Globalization;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>An answer that a shell command makes.</summary>
internal static class ShellAnswer
{
    private const int MostErrorText = 1024;

    /// <summary>Runs the command with the payload of a message as its standard input.</summary>
    /// <returns>What it writes to standard output; an error if it does not end with 0.</returns>
    public static async Task<ServedAnswer> RunAsync(string command, Message message, CancellationToken ending)
    {
        ProcessStartInfo start = new("/bin/sh") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(command);
        start.Environment["KDBUSCTL_SENDER"] = message.Sender.ToString(CultureInfo.InvariantCulture);
        start.Environment["KDBUSCTL_TYPE"] = PayloadTypeNames.Of(message.PayloadType);
        byte[] payload = message.ToArray();
        using Process process = Process.Start(start)!;
        try
        {
            // All three at once: a command may write before it has read everything.
            Task writing = WriteAsync(process.StandardInput.BaseStream, payload, ending);
            using MemoryStream output = new();
            Task reading = process.StandardOutput.BaseStream.CopyToAsync(output, ending);
            Task<string> errors = process.StandardError.ReadToEndAsync(ending);
            await Task.WhenAll(writing, reading, errors).ConfigureAwait(false);
            await process.WaitForExitAsync(ending).ConfigureAwait(false);
            if (process.ExitCode == 0)
                return new ServedAnswer(output.ToArray(), null);
            string said = (await errors.ConfigureAwait(false)).Trim();
            return new ServedAnswer([], $"the command ended with {process.ExitCode}{(said.Length == 0 ? "" : $": {said[..Math.Min(said.Length, MostErrorText)]}")}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static async Task WriteAsync(Stream input, byte[] payload, CancellationToken ending)
    {
        try
        {
            await input.WriteAsync(payload, ending).ConfigureAwait(false);
            await input.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // It does not want all of it.
        }
    }
}
