using System.Buffers;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>A connection that calls another one.</summary>
/// <param name="connection">The connection; it is somebody else's.</param>
/// <param name="to">The other one.</param>
/// <param name="ending">Ends a call that waits.</param>
internal sealed class BenchBus(BusConnection connection, ulong to, CancellationToken ending) : IBenchLink
{
    /// <inheritdoc/>
    public void Call(ReadOnlySpan<byte> payload, int answer, bool asMemfd)
    {
        if (!asMemfd)
        {
            connection.Call(to, payload, new MessageOptions { PayloadType = (ulong)answer }, ending).Dispose();
            return;
        }
        using MemfdPayload memfd = MemfdPayload.Create(payload);
        connection.Call(to, [], new MessageOptions { PayloadType = (ulong)answer, Memfds = [memfd] }, ending).Dispose();
    }

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> payload) => connection.SendAsync(to, payload.ToArray(), default, ending).AsTask().GetAwaiter().GetResult();

    /// <summary>The connection is somebody else's.</summary>
    public void Dispose()
    {
    }

    /// <summary>Answers calls until the connection ends: as many bytes as the payload type says.</summary>
    public static async Task ServeAsync(BusConnection connection, CancellationToken ending)
    {
        byte[] taken = [], answer = [];
        try
        {
            await foreach (Message message in connection.ReceiveAllAsync(ending).ConfigureAwait(false))
            {
                using (message)
                {
                    // Read as somebody who wants it reads it: a socket's bytes are copied, too.
                    ReadOnlySequence<byte> payload = message.Payload;
                    if (taken.Length < payload.Length)
                        taken = new byte[payload.Length];
                    payload.CopyTo(taken);
                    if (!message.IsRequest)
                        continue;
                    int wanted = (int)message.PayloadType;
                    if (answer.Length < wanted)
                        answer = new byte[wanted];
                    message.Reply(answer.AsSpan(0, wanted));
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or BusBrokenException or ObjectDisposedException)
        {
            // It is over.
        }
    }
}
