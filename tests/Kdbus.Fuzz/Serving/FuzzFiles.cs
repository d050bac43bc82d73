using Kdbus.Linux;

namespace Kdbus.Fuzz.Serving;

/// <summary>The descriptors that every process has: what may be sent, what may not, and a socket on which descriptors are taken.</summary>
internal sealed class FuzzFiles : IDisposable
{
    /// <summary>Number of a descriptor that is readable now and then.</summary>
    public const int Switched = 0;

    /// <summary>Number of a descriptor that is readable.</summary>
    public const int Readable = 1;

    /// <summary>Number of a descriptor that must not be waited for.</summary>
    public const int NotForPolling = 2;

    /// <summary>Number of a memfd with all seals.</summary>
    public const int Sealed = 3;

    /// <summary>Number of a memfd with none.</summary>
    public const int Unsealed = 4;

    /// <summary>Number of a unix socket. What is sent on it is thrown away, but not at once: it may be full.</summary>
    public const int Socket = 5;

    /// <summary>Bytes of the memfds.</summary>
    public const int MemfdSize = 20_000;

    private const int AllSeals = 0xf;

    private readonly Lock _lock = new();
    private readonly int _switched = EventFd.Create();
    private readonly int _readable = EventFd.Create();
    private readonly int _sealed = Memfd(AllSeals);
    private readonly int _unsealed = Memfd(seals: 0);
    private int _socket = -1;
    private int _otherEnd = -1;

    public FuzzFiles()
    {
        EventFd.Signal(_readable);
        Drain();
    }

    /// <summary>A byte of the memfds.</summary>
    public static byte MemfdAt(ulong position) => (byte)((position * 7) + (position >> 8));

    /// <summary>A copy of a descriptor, or -1.</summary>
    public int Copy(int number)
    {
        using (_lock.EnterScope())
        {
            var descriptor = number switch
            {
                Switched => _switched,
                Readable => _readable,
                Sealed => _sealed,
                Unsealed => _unsealed,
                Socket => _socket,
                _ => -1,
            };
            return descriptor < 0 ? -1 : FileDescriptor.Duplicate(descriptor);
        }
    }

    /// <summary>Makes <see cref="Switched"/> readable, or not readable again.</summary>
    public void Switch()
    {
        if (EventFd.Drain(_switched) <= 0) EventFd.Signal(_switched);
    }

    /// <summary>Somebody takes what was sent on <see cref="Socket"/>.</summary>
    public void Drain()
    {
        using (_lock.EnterScope())
        {
            CloseSocket();
            if (DescriptorSocket.CreatePair(out _socket, out _otherEnd) < 0) (_socket, _otherEnd) = (-1, -1);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CloseSocket();
        foreach (var descriptor in new[] { _switched, _readable, _sealed, _unsealed }) FileDescriptor.Close(descriptor);
    }

    private static int Memfd(int seals)
    {
        var descriptor = MemFd.Create("fuzz");
        var content = new byte[MemfdSize];
        for (var i = 0; i < content.Length; i++) content[i] = MemfdAt((ulong)i);
        FileDescriptor.Pwrite(descriptor, content, 0);
        if (seals != 0) MemFd.AddSeals(descriptor, seals);
        return descriptor;
    }

    private void CloseSocket()
    {
        if (_socket >= 0) FileDescriptor.Close(_socket);
        if (_otherEnd >= 0) FileDescriptor.Close(_otherEnd);
    }
}
