namespace Kdbus.Cli.Watching;

/// <summary>What a message is.</summary>
internal enum MessageKind
{
    /// <summary>None of the others.</summary>
    Message,

    /// <summary>Its sender waits for an answer.</summary>
    Call,

    /// <summary>An answer.</summary>
    Reply,

    /// <summary>An answer that is an error.</summary>
    Error,

    /// <summary>A signal.</summary>
    Signal,

    /// <summary>The bus itself tells something.</summary>
    Notification,
}

/// <summary>Words for kinds.</summary>
internal static class MessageKinds
{
    /// <summary>What a filter can ask for. An error is a reply.</summary>
    public static string[] Words { get; } = ["call", "reply", "signal", "notification", "message"];

    /// <summary>The word for a kind.</summary>
    public static string Word(this MessageKind kind) => kind switch
    {
        MessageKind.Call => "call",
        MessageKind.Reply => "reply",
        MessageKind.Error => "error",
        MessageKind.Signal => "signal",
        MessageKind.Notification => "notification",
        _ => "message",
    };

    /// <summary>The word by which a filter asks for it.</summary>
    public static string FilterWord(this MessageKind kind) => kind == MessageKind.Error ? "reply" : kind.Word();

    /// <summary>Its colour on a terminal.</summary>
    public static string? Style(this MessageKind kind) => kind switch
    {
        MessageKind.Call => "yellow",
        MessageKind.Reply => "green",
        MessageKind.Error => "red",
        MessageKind.Signal => "magenta",
        MessageKind.Notification => "blue",
        _ => null,
    };
}
