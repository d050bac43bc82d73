using System.Buffers;
using System.CommandLine;
using System.Text;
using System.Text.Json;
using Kdbus.Client;
using Kdbus.Linux;
using Microsoft.Win32.SafeHandles;

namespace Kdbus.Cli;

/// <summary>The options of commands that send something: where the payload comes from, what travels with it.</summary>
internal sealed class PayloadOptions
{
    // From here on a memfd is cheaper than two copies.
    private const int MemfdFrom = 512 << 10;

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789abcdefABCDEF");

    private readonly Argument<string?> _payload = new("PAYLOAD")
    {
        Description = "the payload; - is standard input, nothing is no payload", Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _file = new("--file", "-f") { Description = "take the payload from a file; - is standard input", HelpName = "FILE" };
    private readonly Option<string> _form = new("--as") { Description = "what the payload is written as: text is taken as it is, hex decoded, json checked and made compact", HelpName = "text|hex|json", DefaultValueFactory = static _ => "text" };
    private readonly Option<bool> _memfd = new("--memfd", "-m") { Description = "send it in a sealed memfd, without a copy and without a limit; so it is from 512 KiB on anyway" };
    private readonly Option<string[]> _descriptors = new("--fd") { Description = "send a descriptor along: its number here, or the path of a file, opened for reading; may be repeated", HelpName = "N|PATH", DefaultValueFactory = static _ => [] };
    private readonly Option<long> _priority = new("--priority", "-p") { Description = "priority; the smaller, the more urgent", HelpName = "N" };
    private readonly Option<ulong> _type = PayloadTypeNames.Option();

    /// <summary>Adds them to a command, the payload as its next argument.</summary>
    /// <param name="command">The command.</param>
    /// <param name="hasDescriptors">Whether descriptors can go along; they cannot with signals.</param>
    public void AddTo(Command command, bool hasDescriptors = true)
    {
        _ = _form.AcceptOnlyFromAmong("text", "hex", "json");
        command.Add(_payload);
        foreach (Option option in (Option[])[_file, _form, _type, _priority])
            command.Add(option);
        if (hasDescriptors)
        {
            command.Add(_memfd);
            command.Add(_descriptors);
        }
        command.Validators.Add(result =>
        {
            if (result.GetValue(_payload) is not null && result.GetValue(_file) is not null)
                result.AddError("The payload is given twice: as an argument and with --file.");
        });
    }

    /// <summary>Whether a payload was given at all.</summary>
    public bool IsGiven(Invocation invocation) => invocation.Get(_payload) is not null || invocation.Get(_file) is not null;

    /// <summary>Reads what was given.</summary>
    /// <exception cref="CommandException">It cannot be read, or is not what it was said to be.</exception>
    public OutgoingPayload Read(Invocation invocation, bool isSignal = false)
    {
        OutgoingPayload payload = ReadBytes(invocation, isSignal);
        try
        {
            payload.Options = new MessageOptions { PayloadType = invocation.Get(_type), Priority = invocation.Get(_priority) };
            foreach (string descriptor in isSignal ? [] : invocation.Get(_descriptors) ?? [])
                payload.Add(Open(descriptor));
            return payload;
        }
        catch
        {
            payload.Dispose();
            throw;
        }
    }

    private OutgoingPayload ReadBytes(Invocation invocation, bool isSignal)
    {
        string? argument = invocation.Get(_payload), file = invocation.Get(_file);
        string form = invocation.Get(_form)!;
        bool toMemfd = !isSignal && invocation.Get(_memfd);
        string? source = file ?? (argument == "-" ? "-" : null);
        if (source is not null && source != "-" && form == "text" && !isSignal)
        {
            using FileStream stream = OpenForReading(source);
            if (stream.CanSeek && (toMemfd || stream.Length >= MemfdFrom))
                return OutgoingPayload.InMemfd(stream, stream.Length, Path.GetFileName(source));
        }
        byte[] bytes = source is null ? Encoding.UTF8.GetBytes(argument ?? "") : ReadAll(source);
        bytes = form switch
        {
            "hex" => FromHex(bytes),
            "json" => FromJson(bytes),
            _ => bytes,
        };
        if (bytes.Length > 0 && (toMemfd || (!isSignal && bytes.Length >= MemfdFrom)))
            return OutgoingPayload.InMemfd(new MemoryStream(bytes), bytes.Length, null);
        return new OutgoingPayload(bytes);
    }

    private static byte[] ReadAll(string source)
    {
        try
        {
            using Stream stream = source == "-" ? Console.OpenStandardInput() : OpenForReading(source);
            using MemoryStream all = new();
            stream.CopyTo(all);
            return all.ToArray();
        }
        catch (IOException exception)
        {
            throw new CommandException(ExitCode.BadInput, $"cannot read {(source == "-" ? "standard input" : $"'{source}'")}: {exception.Message.TrimEnd('.')}");
        }
    }

    private static FileStream OpenForReading(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException(ExitCode.NotFound, $"cannot open '{path}': there is no such file (ENOENT)");
        }
        catch (UnauthorizedAccessException)
        {
            throw new CommandException(Directory.Exists(path) ? ExitCode.BadInput : ExitCode.NotPermitted, $"cannot open '{path}': {(Directory.Exists(path) ? "it is a directory (EISDIR)" : "not permitted (EACCES)")}");
        }
    }

    private static byte[] FromHex(byte[] text)
    {
        string digits = string.Concat(Encoding.Latin1.GetString(text).Where(static character => !char.IsWhiteSpace(character) && character != ':'));
        try
        {
            return Convert.FromHexString(digits);
        }
        catch (FormatException)
        {
            int wrong = digits.AsSpan().IndexOfAnyExcept(s_digits);
            throw new CommandException(
                ExitCode.BadInput, wrong < 0 ? $"the payload is no hexadecimal: {digits.Length} digits are half a byte too many" : $"the payload is no hexadecimal: '{Escaped.Text(digits.AsSpan(wrong, 1))}' is no digit");
        }
    }

    private static byte[] FromJson(byte[] text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            using MemoryStream compact = new();
            using (Utf8JsonWriter writer = new(compact))
                document.WriteTo(writer);
            return compact.ToArray();
        }
        catch (JsonException exception)
        {
            throw new CommandException(ExitCode.BadInput, $"the payload is no JSON: {exception.Message.TrimEnd('.')}");
        }
    }

    private static SafeFileHandle Open(string descriptor)
    {
        if (!int.TryParse(descriptor, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number))
        {
            int opened = FileDescriptor.Open(descriptor, OpenFlags.ReadOnly);
            return opened >= 0 ? new SafeFileHandle(opened, ownsHandle: true)
                : throw new CommandException(opened == -SystemError.ENOENT ? ExitCode.NotFound : ExitCode.Refused, $"cannot open '{descriptor}' to send it: {SystemError.Describe(opened)}");
        }
        return FileDescriptor.IsOpen(number) ? new SafeFileHandle(number, ownsHandle: false)
            : throw new CommandException(ExitCode.BadInput, $"cannot send descriptor {number}: it is not open here (EBADF)", $"open it in the shell: {number}</path/to/file");
    }
}
