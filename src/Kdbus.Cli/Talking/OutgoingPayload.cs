using System.Runtime.InteropServices;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>What is sent: bytes, or a memfd with them, and what goes along.</summary>
internal sealed class OutgoingPayload(byte[] bytes) : IDisposable
{
    private readonly List<SafeHandle> _descriptors = [];
    private MemfdPayload? _memfd;
    private MessageOptions _options;

    /// <summary>The bytes that are copied.</summary>
    public byte[] Bytes => bytes;

    /// <summary>All bytes, copied or not.</summary>
    public long Length => bytes.Length + (_memfd?.Length ?? 0);

    /// <summary>Payload type, priority, memfd, descriptors.</summary>
    public MessageOptions Options
    {
        get => _options with { Memfds = _memfd is null ? null : [_memfd], Descriptors = _descriptors.Count == 0 ? null : _descriptors };
        set => _options = value;
    }

    /// <summary>Copies a stream into a sealed memfd; who watches sees how far it is.</summary>
    /// <param name="stream">Where from; closed at the end.</param>
    /// <param name="length">How many bytes it has.</param>
    /// <param name="title">What it is called beside the progress bar; null: no bar.</param>
    /// <exception cref="CommandException">It has more than 2 GiB, or cannot be read.</exception>
    public static OutgoingPayload InMemfd(Stream stream, long length, string? title)
    {
        if (length > int.MaxValue)
            throw new CommandException(ExitCode.BadInput, $"the payload has {Sizes.Text(length)}; a memfd of a message can have 2 GiB");
        if (length == 0)
            return new OutgoingPayload([]);
        try
        {
            using (stream)
                return new OutgoingPayload([]) { _memfd = MemfdPayload.Create(length, memory => Transfer.Read(stream, memory, title)) };
        }
        catch (EndOfStreamException)
        {
            throw new CommandException(ExitCode.BadInput, "the file became shorter while it was read");
        }
    }

    /// <summary>Sends a descriptor along.</summary>
    public void Add(SafeHandle descriptor) => _descriptors.Add(descriptor);

    /// <inheritdoc/>
    public void Dispose()
    {
        _memfd?.Dispose();
        _descriptors.ForEach(static descriptor => descriptor.Dispose());
    }
}
