using System.Buffers;
using Kdbus.Abi;
using Kdbus.Client.Internal;
using Microsoft.Win32.SafeHandles;

namespace Kdbus.Client;

/// <summary>
/// A received message, where the bus put it. Whoever receives it gives it back with <see cref="Dispose"/>, and its room is used again: then its payload, memfds
/// and descriptors (but for those taken) are gone, and every member throws <see cref="ObjectDisposedException"/>. Copies of this struct are the same message.
/// </summary>
public readonly struct Message : IDisposable, IEquatable<Message>
{
    private readonly MessageSlot? _slot;
    private readonly int _use;

    internal Message(MessageSlot slot)
    {
        _slot = slot;
        _use = slot.Use;
    }

    /// <summary>The unique id of who sent it; 0 for the bus itself.</summary>
    public ulong Sender => Slot.Header.SrcId;

    /// <summary>The id of whom it was sent to; 0 if it was sent to a name, all ones if to everybody.</summary>
    public ulong Receiver => Slot.Header.DstId;

    /// <summary>The name it was sent to, or null.</summary>
    public string? Name
    {
        get
        {
            foreach (Item item in new ItemChain(Slot.Items))
            {
                if (item.Type == ItemType.DstName)
                    return Internal.Names.Read(item.Payload);
            }
            return null;
        }
    }

    /// <summary>The sender's number for it.</summary>
    public ulong Cookie => Slot.Header.Cookie;

    /// <summary>The number of the request that it answers; 0 if it answers none.</summary>
    public ulong ReplyCookie => IsRequest ? 0 : Slot.Header.CookieReply;

    /// <summary>What the payload is; see <see cref="PayloadTypes"/>.</summary>
    public ulong PayloadType => Slot.Header.PayloadType;

    /// <summary>How urgent; smaller is more urgent.</summary>
    public long Priority => Slot.Header.Priority;

    /// <summary>Whether the sender waits for an answer.</summary>
    public bool IsRequest => ((MessageFlags)Slot.Header.Flags & MessageFlags.ExpectReply) != 0;

    /// <summary>Whether it is a signal.</summary>
    public bool IsSignal => ((MessageFlags)Slot.Header.Flags & MessageFlags.Signal) != 0;

    /// <summary>Whether the bus itself sent it.</summary>
    public bool IsNotification => Slot.Header.SrcId == Constants.SrcIdKernel;

    /// <summary>Of a request: until when its sender waits, as CLOCK_MONOTONIC in nanoseconds.</summary>
    public long Deadline => IsRequest ? (long)Slot.Header.TimeoutNs : 0;

    /// <summary>The payload, where it lies; good until the message is given back. Where one segment ends and the next begins means nothing.</summary>
    /// <exception cref="IOException">A memfd of it cannot be mapped, or did not arrive.</exception>
    public ReadOnlySequence<byte> Payload => Slot.Payload;

    /// <summary>Payload that came in memfds. They belong to the message, and are parts of <see cref="Payload"/> too.</summary>
    public IReadOnlyList<MemfdPayload> Memfds => Slot.Memfds;

    /// <summary>Descriptors that came along, closed with the message; invalid ones did not arrive. <see cref="TakeDescriptor"/> keeps one.</summary>
    public IReadOnlyList<SafeFileHandle> Descriptors => Slot.Descriptors;

    /// <summary>Some descriptors or memfds did not arrive: this process had no room for them, or no way to get them.</summary>
    public bool IsIncomplete => Slot.IsIncomplete;

    /// <summary>What the message says about its sender: what was asked for (<see cref="BusConnectionOptions.ReceiveMetadata"/>) and granted.</summary>
    public Metadata Metadata => new(Slot.Items, Slot.Process);

    /// <summary>Of a request: cancelled when its sender does not want the answer any more. It says nothing after the message was given back.</summary>
    public CancellationToken Canceled => Slot.CancellationSource.Token;

    /// <summary>The connection that received it.</summary>
    public BusConnection Connection => Slot.Connection;

    internal MessageSlot Slot
    {
        get
        {
            if (_slot is null || _slot.Use != _use)
                ThrowDisposed();
            return _slot!;
        }
    }

    /// <summary>The payload as an array of its own.</summary>
    public byte[] ToArray() => Slot.Payload.ToArray();

    /// <summary>A descriptor that now belongs to the caller and stays open.</summary>
    /// <param name="index">Which one, from 0.</param>
    public SafeFileHandle TakeDescriptor(int index) => Slot.TakeDescriptor(index);

    /// <summary>Answers a request.</summary>
    /// <param name="payload">The answer.</param>
    /// <param name="options">What else it has.</param>
    /// <exception cref="InvalidOperationException">It is no request.</exception>
    /// <exception cref="BusRefusedException">EPERM: nobody waits for the answer any more. ENOBUFS and others as for sending.</exception>
    public void Reply(ReadOnlySpan<byte> payload, in MessageOptions options = default) => Slot.Connection.Reply(this, payload, options);

    /// <summary>Answers a request with an error, which its caller gets as a <see cref="PeerFailedException"/>.</summary>
    /// <param name="errorName">What kind of error, in the form of a well-known name.</param>
    /// <param name="text">For people.</param>
    public void ReplyError(string errorName, string text)
    {
        Span<byte> room = stackalloc byte[ErrorPayload.Room];
        Slot.Connection.Reply(this, ErrorPayload.Write(room, errorName, text), new MessageOptions { PayloadType = PayloadTypes.Error });
    }

    /// <summary>Gives it back. Twice is once.</summary>
    public void Dispose()
    {
        if (_slot is not null && _slot.Use == _use)
            _slot.Connection.Close(_slot, _use);
    }

    /// <summary>The same message.</summary>
    public static bool operator ==(Message left, Message right) => left.Equals(right);

    /// <summary>Another message.</summary>
    public static bool operator !=(Message left, Message right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(Message other) => _slot == other._slot && _use == other._use;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Message other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_slot, _use);

    private static void ThrowDisposed() => throw new ObjectDisposedException(nameof(Message), "The message has been given back.");
}
