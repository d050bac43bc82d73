using System.Buffers;
using System.Runtime.CompilerServices;
using Kdbus.Client.Internal;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client.Services;

/// <summary>A stream as its client sees it: opens it, asks for more one batch ahead, and ends it when it is not wanted any more.</summary>
internal static class StreamReader
{
    /// <summary>Enumerates a stream; each enumeration opens one.</summary>
    public static async IAsyncEnumerable<T> ReadAsync<T>(
        ServiceClient client, ServiceMember member, byte[] arguments, [EnumeratorCancellation] CancellationToken cancellation)
    {
        RpcSpan span = RpcSpan.StartClient(member);
        Batch<T> batch = await OpenAsync<T>(client, member, arguments, span, cancellation).ConfigureAwait(false);
        Task<Message>? more = null;
        bool isSpanOver = false;
        try
        {
            while (true)
            {
                for (int i = 0; i < batch.Values.Length; i++)
                {
                    if (i == batch.Values.Length - 1 && !batch.IsEnd)
                        more = Ask(client, member, batch, cancellation).AsTask();
                    yield return batch.Values[i];
                }
                if (batch.IsEnd)
                    break;
                Task<Message> answer = more ?? Ask(client, member, batch, cancellation).AsTask();
                (more, isSpanOver) = (null, true);
                batch = await NextAsync(client, member, answer, batch, span).ConfigureAwait(false);
                isSpanOver = false;
            }
        }
        finally
        {
            if (!batch.IsEnd)
            {
                Close(client, member, batch);
                if (more is not null)
                    _ = ForgetAsync(more);
                if (!isSpanOver)
                    span.End();
            }
        }
        if (batch.Error is { } error)
            ServiceClient.Throw(error, member, span);
        span.End();
    }

    private static async ValueTask<Batch<T>> OpenAsync<T>(ServiceClient client, ServiceMember member, byte[] arguments, RpcSpan span, CancellationToken cancellation)
    {
        try
        {
            using Message answer = await Open(client, member, arguments, span, cancellation).ConfigureAwait(false);
            return Batch<T>.Read(answer, client, member);
        }
        catch (Exception fault)
        {
            ServiceClient.Throw(fault, member, span);
            throw;
        }
    }

    private static ValueTask<Message> Open(ServiceClient client, ServiceMember member, byte[] arguments, RpcSpan span, CancellationToken cancellation)
    {
        PayloadWriter writer = PayloadWriter.Rent();
        ClientCall.WriteHeader(writer, member, span.Activity);
        writer.Write((uint)client.Window);
        writer.Write(arguments);
        ValueTask<Message> answer = client.Connection.CallAsync(client.Destination, writer.Written, client.Options, cancellation);
        writer.Return();
        return answer;
    }

    private static async ValueTask<Batch<T>> NextAsync<T>(ServiceClient client, ServiceMember member, Task<Message> more, Batch<T> before, RpcSpan span)
    {
        try
        {
            using Message answer = await more.ConfigureAwait(false);
            Batch<T> batch = Batch<T>.Read(answer, client, member);
            return batch.Service == before.Service && batch.Number == before.Number ? batch
                : throw ServiceClient.Malformed(member, new MalformedException("It is of another stream."));
        }
        catch (Exception fault)
        {
            ServiceClient.Throw(fault, member, span);
            throw;
        }
    }

    // The connection that opened it is asked, whoever owns the name now.
    private static ValueTask<Message> Ask<T>(ServiceClient client, ServiceMember member, Batch<T> batch, CancellationToken cancellation)
    {
        PayloadWriter writer = Write(member, CallKind.Next, batch.Number);
        writer.Write((uint)client.Window);
        ValueTask<Message> answer;
        try
        {
            answer = client.Connection.CallAsync(Destination.Connection(batch.Service), writer.Written, client.Options, cancellation);
        }
        catch (Exception fault) when (fault is BusException or ObjectDisposedException)
        {
            // Told when the values that are there have been taken.
            answer = ValueTask.FromException<Message>(fault);
        }
        writer.Return();
        return answer;
    }

    private static void Close<T>(ServiceClient client, ServiceMember member, Batch<T> batch)
    {
        PayloadWriter writer = Write(member, CallKind.Close, batch.Number);
        try
        {
            client.Connection.Send(Destination.Connection(batch.Service), writer.Written, client.Options);
            writer.Return();
        }
        catch (Exception fault) when (fault is BusException or ObjectDisposedException)
        {
            // The service has gone, or does not read: it ends the stream by itself.
        }
    }

    private static PayloadWriter Write(ServiceMember member, CallKind kind, ulong number)
    {
        PayloadWriter writer = PayloadWriter.Rent();
        writer.Write(member.RequestHeader);
        writer.Patch(1, (byte)kind);
        writer.Patch(6, 0);
        writer.Patch(7, 0);
        writer.Write(number);
        return writer;
    }

    private static async Task ForgetAsync(Task<Message> answer)
    {
        try
        {
            (await answer.ConfigureAwait(false)).Dispose();
        }
        catch (Exception fault) when (fault is BusException or ObjectDisposedException or OperationCanceledException)
        {
            // Nobody wants it any more.
        }
    }

    /// <summary>A batch that has come.</summary>
    private readonly record struct Batch<T>(ulong Service, ulong Number, T[] Values, bool IsEnd, PeerFailedException? Error)
    {
        public static Batch<T> Read(Message answer, ServiceClient client, ServiceMember member)
        {
            try
            {
                ReadOnlySequence<byte> body = AnswerWire.Open(answer, CallKind.Batch, client.Serializer.Id, out BatchFlags flags);
                var reader = new ValueReader(body);
                ulong number = 0;
                if (!reader.TryRead(out uint count) || !reader.TryRead(out number))
                    MalformedException.Throw("The batch is shorter than its header.");
                // Each value has a length of four bytes at least: nobody makes us reserve room for what does not come.
                if (count > body.Length / sizeof(uint))
                    MalformedException.Throw("The batch has fewer values than it says.");
                T[] values = new T[count];
                for (int i = 0; i < values.Length; i++)
                    values[i] = reader.ReadValue<T>(client.Serializer);
                PeerFailedException? error = (flags & BatchFlags.Failed) != 0 ? ErrorPayload.Read(reader.Rest) : null;
                return new Batch<T>(answer.Sender, number, values, (flags & BatchFlags.End) != 0, error);
            }
            catch (MalformedException fault)
            {
                throw ServiceClient.Malformed(member, fault);
            }
        }
    }
}
