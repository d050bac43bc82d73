using Kdbus.Abi;

namespace Kdbus.Client;

/// <summary>
/// Values of <c>kdbus_msg.payload_type</c> that this library gives a meaning. They are eight ASCII characters each, the first one in the highest
/// byte. Any other value but 0 is free for whoever agrees on it. docs/dotnet-protocol.md says what stands in the payloads.
/// </summary>
public static class PayloadTypes
{
    /// <summary>"raw.data": bytes, of which the library knows nothing. What a message has if nothing else is said.</summary>
    public const ulong Bytes = 0x7261772e64617461;

    /// <summary>"bus.fail": the answer to a request is an error; it has a name and a text.</summary>
    public const ulong Error = 0x6275732e6661696c;

    /// <summary>"bus.stop": the sender does not want the answer to a request any more; the payload is its cookie, 8 bytes.</summary>
    public const ulong Cancel = 0x6275732e73746f70;

    /// <summary>"bus.call": a request to a typed service, or the answer to it.</summary>
    public const ulong Call = 0x6275732e63616c6c;

    /// <summary>"bus.news": a signal of a typed topic.</summary>
    public const ulong Signal = 0x6275732e6e657773;

    /// <summary>D-Bus messages, "DBusDBus".</summary>
    public const ulong DBus = Constants.PayloadDBus;
}
