using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Kdbus.Cli;

/// <summary>
/// Where a command says what it found: for people on a terminal, with colours and fitted to its width; plain in a pipe, nothing cut; as JSON if asked. Standard
/// output has nothing else in it.
/// </summary>
internal sealed class Output : IDisposable
{
    private const int PipeWidth = 10_000; // as good as no limit

    private static readonly JsonWriterOptions s_jsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Stream _stream;

    /// <summary>An output that writes to a stream.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="isJson">Whether JSON was asked for.</param>
    /// <param name="width">Columns of the terminal; null: it is none.</param>
    /// <param name="hasColors">Whether to use colours.</param>
    public Output(Stream stream, bool isJson, int? width, bool hasColors)
    {
        _stream = new BufferedStream(stream, 1 << 16);
        IsJson = isJson;
        Width = isJson ? null : width;
        Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = !isJson && (width is not null || hasColors) ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = hasColors && !isJson ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(new StreamWriter(_stream, new UTF8Encoding(false)) { AutoFlush = true }),
        });
        Console.Profile.Width = Width ?? PipeWidth;
        Console.Profile.Capabilities.Unicode = true;
        IsPlain = !Console.Profile.Capabilities.Ansi;
    }

    /// <summary>Results are JSON.</summary>
    public bool IsJson { get; }

    /// <summary>Columns of the terminal; null if nothing has to fit: it is a pipe, a file, or JSON.</summary>
    public int? Width { get; }

    /// <summary>A person looks at it.</summary>
    public bool IsTerminal => Width is not null;

    /// <summary>Draws here; for screens that change.</summary>
    public IAnsiConsole Console { get; }

    private bool IsPlain { get; }

    /// <summary>That of the process.</summary>
    /// <param name="isJson">Whether JSON was asked for.</param>
    /// <param name="color">auto, always or never.</param>
    public static Output ForStandardOutput(bool isJson, string? color)
    {
        bool isTerminal = !System.Console.IsOutputRedirected;
        bool hasColors = color switch
        {
            "always" => true,
            "never" => false,
            _ => isTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") is not ("dumb" or null),
        };
        return new Output(System.Console.OpenStandardOutput(), isJson, isTerminal ? Math.Max(20, System.Console.WindowWidth) : null, hasColors);
    }

    /// <summary>Shows a table: aligned columns, or an array of objects.</summary>
    public void Write<TRow>(Sheet<TRow> sheet, IReadOnlyList<TRow> rows)
    {
        if (IsJson)
            Json(new JsonArray([.. rows.Select(row => (JsonNode?)sheet.ToJson(row))]));
        else if (IsPlain)
            Plain(PlainTable.Of(sheet, rows));
        else
            Console.Write(Screen.Table(sheet, rows, Console));
        Flush();
    }

    /// <summary>Shows facts.</summary>
    public void Write(Facts facts)
    {
        if (IsJson)
            Json(facts.ToJson());
        else if (IsPlain)
            Plain(PlainTable.Of(facts));
        else
            Console.Write(Screen.Facts(facts));
        Flush();
    }

    /// <summary>Says a line to people; nothing in JSON.</summary>
    public void Line(string text = "", string? style = null)
    {
        Part(text, style);
        Part("\n");
        Flush();
    }

    /// <summary>Says part of a line to people; nothing in JSON.</summary>
    public void Part(string text, string? style = null)
    {
        if (IsJson)
            return;
        if (IsPlain || style is null)
            Plain(text);
        else
            Console.Write(new Text(text, Style.Parse(style)));
    }

    /// <summary>Writes one JSON value, on a line of its own.</summary>
    public void Json(JsonNode? value)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer, s_jsonOptions))
        {
            if (value is null)
                writer.WriteNullValue();
            else
                value.WriteTo(writer);
        }
        buffer.Write("\n"u8);
        Bytes(buffer.WrittenSpan);
        Flush();
    }

    /// <summary>Writes bytes as they are.</summary>
    /// <exception cref="NobodyReadsException">Whoever read has gone.</exception>
    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _stream.Write(bytes);
        }
        catch (IOException exception)
        {
            throw Lost(exception);
        }
    }

    /// <summary>Hands over what was written.</summary>
    /// <exception cref="NobodyReadsException">Whoever read has gone.</exception>
    public void Flush()
    {
        try
        {
            _stream.Flush();
        }
        catch (IOException exception)
        {
            throw Lost(exception);
        }
    }

    /// <summary>Nothing is flushed: what could not be handed over is lost with its reader.</summary>
    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
        }
    }

    private void Plain(string text) => Bytes(Encoding.UTF8.GetBytes(text));

    private static Exception Lost(IOException exception) =>
        (exception.HResult & 0xffff) == 32 /* EPIPE */ ? new NobodyReadsException() : new CommandException(ExitCode.CannotWrite, $"cannot write the output: {exception.Message.TrimEnd('.')}");
}

/// <summary>Whoever read our output has gone.</summary>
internal sealed class NobodyReadsException : Exception;
