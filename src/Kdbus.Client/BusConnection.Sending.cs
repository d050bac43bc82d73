using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Client.Internal;
using Kdbus.Linux;

namespace Kdbus.Client;

public sealed partial class BusConnection
{
    /// <summary>Sends a message. The bus takes it, or refuses; nothing is waited for.</summary>
    /// <param name="to">To whom.</param>
    /// <param name="payload">Bytes; more than 2 MiB travel in a memfd.</param>
    /// <param name="options">What else it has.</param>
    /// <returns>The number that the message got.</returns>
    /// <exception cref="BusRefusedException">ESRCH, ENXIO: nobody is there. EPERM: policy. ENOBUFS, EXFULL: the receiver has no room for more from this user.</exception>
    public ulong Send(Destination to, ReadOnlySpan<byte> payload, in MessageOptions options = default)
    {
        Draft draft = NewDraft(to, payload, options);
        SendNow(draft, to);
        return draft.Header.Cookie;
    }

    /// <summary>Sends a message, and waits for room if the receiver has none.</summary>
    /// <inheritdoc cref="Send"/>
    public async ValueTask<ulong> SendAsync(Destination to, ReadOnlyMemory<byte> payload, MessageOptions options = default, CancellationToken cancellation = default)
    {
        long deadline = _file.Now + Nanoseconds(options.Timeout ?? Options.CallTimeout);

        // The bus does not say when there is room again: it is tried after 1, 2, 4 ... 64 ms.
        for (int pause = 1; ; pause = Math.Min(pause * 2, 64))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return Send(to, payload.Span, options);
            }
            catch (BusRefusedException refusal) when (refusal.Error is Errno.ENOBUFS or Errno.EXFULL && _file.Now < deadline)
            {
                await Task.Delay(pause, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Sends a request; the answer comes later. Any number can be under way at a time.</summary>
    /// <param name="to">To whom.</param>
    /// <param name="payload">The request, copied or sent before this returns.</param>
    /// <param name="options">What else it has, and how long to wait.</param>
    /// <param name="cancellation">Gives up waiting; the service is told, so that it can stop working at it.</param>
    /// <returns>The answer, to be given back. On the receiving thread the request goes out when that becomes free, or with <see cref="Flush"/>.</returns>
    /// <exception cref="PeerFailedException">The service answered with an error, not in time, or is gone.</exception>
    /// <exception cref="BusRefusedException">As for <see cref="Send"/>.</exception>
    public ValueTask<Message> CallAsync(Destination to, ReadOnlySpan<byte> payload, in MessageOptions options = default, CancellationToken cancellation = default)
    {
        ThrowIfEnded();
        Receiver.Start();
        Draft draft = NewRequest(to, payload, options);
        return Calls.Begin(ref draft, to, cancellation);
    }

    /// <summary>Sends a request and waits for the answer, in one system call: the fastest way, for threads that have nothing else to do.</summary>
    /// <inheritdoc cref="CallAsync"/>
    public Message Call(Destination to, ReadOnlySpan<byte> payload, in MessageOptions options = default, CancellationToken cancellation = default)
    {
        ThrowIfEnded();
        cancellation.ThrowIfCancellationRequested();
        Receiver.Flush();
        Draft draft = NewRequest(to, payload, options);
        int result;
        MessageSlot? answer;
        if (!cancellation.CanBeCanceled)
        {
            result = Wire.Call(draft, -1, out answer);
        }
        else
        {
            using CancelDescriptor descriptor = new(cancellation);
            result = Wire.Call(draft, descriptor.Number, out answer);
            if (result == -(int)Errno.ECANCELED)
            {
                SendCancel(to, draft.Header.Cookie);
                throw new OperationCanceledException(cancellation);
            }
        }
        if (result < 0)
            throw CallFailed(to, result);
        return Succeeded(new Message(answer!));
    }

    /// <summary>
    /// Sends at once what was put off. On the receiving thread, requests and answers wait until it becomes free and then go out together; code that does something
    /// lengthy behind them may not want that.
    /// </summary>
    public void Flush() => Receiver.Flush();

    internal void Reply(Message request, ReadOnlySpan<byte> payload, in MessageOptions options)
    {
        if (!request.IsRequest)
            throw new InvalidOperationException("The message is no request, so nobody waits for an answer.");
        Draft draft = NewDraft(Destination.Connection(request.Sender), payload, options);
        draft.Header.CookieReply = request.Cookie;
        if (Receiver.TryPutOff(ref draft, this))
            return;
        SendNow(draft, draft.Header.DstId, "reply to");
    }

    /// <summary>Tells a service that the answer to a request is not wanted any more. That it cannot be told is no failure: then it has ended.</summary>
    internal void SendCancel(Destination service, ulong cookie)
    {
        Draft draft = NewDraft(service, MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in cookie)), new MessageOptions { PayloadType = PayloadTypes.Cancel, NoAutoStart = true });
        _ = Wire.Send(draft);
    }

    void ISender.NotSent(ReadOnlySpan<byte> message, int error)
    {
        // An answer that nobody waits for any more: its caller has gone, or was faster to give up.
        Interlocked.Increment(ref _unsentReplies);
    }

    /// <summary>The answer if it is one; if it is an error, that is thrown.</summary>
    internal static Message Succeeded(Message answer)
    {
        if (answer.PayloadType != PayloadTypes.Error)
            return answer;
        using (answer)
            throw ErrorPayload.Read(answer.Payload);
    }

    private static BusException CallFailed(Destination to, int result) => (Errno)(-result) switch
    {
        Errno.ETIMEDOUT => Failures.NoAnswer(PeerFailure.TimedOut, to),
        Errno.EPIPE => Failures.NoAnswer(PeerFailure.Died, to),
        _ => Failures.Refused($"call {to}", result),
    };

    private void SendNow(in Draft draft, Destination to, string verb = "send to")
    {
        ThrowIfEnded();
        Receiver.Flush();
        int result = Wire.Send(draft);
        if (result < 0)
            throw Failures.Refused($"{verb} {to}", result);
    }

    private Draft NewDraft(Destination to, ReadOnlySpan<byte> payload, in MessageOptions options) => new()
    {
        Header = new KdbusMsg
        {
            Flags = (ulong)(options.NoAutoStart ? MessageFlags.NoAutoStart : MessageFlags.None),
            Priority = options.Priority,
            DstId = to.Id,
            PayloadType = options.PayloadType == 0 ? PayloadTypes.Bytes : options.PayloadType,
            Cookie = NextCookie(),
        },
        Name = to.Name,
        Payload = payload,
        Memfds = options.Memfds,
        Descriptors = options.Descriptors,
    };

    private Draft NewRequest(Destination to, ReadOnlySpan<byte> payload, in MessageOptions options)
    {
        Draft draft = NewDraft(to, payload, options);
        draft.Header.Flags |= (ulong)MessageFlags.ExpectReply;
        draft.Header.TimeoutNs = (ulong)(_file.Now + Nanoseconds(options.Timeout ?? Options.CallTimeout));
        return draft;
    }

    private static long Nanoseconds(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        return time.Ticks > long.MaxValue / 400 ? long.MaxValue / 4 : time.Ticks * 100;
    }

    // An eventfd that becomes readable when a token is cancelled, by which the bus ends a call.
    private readonly struct CancelDescriptor : IDisposable
    {
        private readonly CancellationTokenRegistration _registration;

        public CancelDescriptor(CancellationToken cancellation)
        {
            Number = EventFd.Create();
            Failures.Check(Number, "make a descriptor by which the call can be cancelled");
            _registration = cancellation.UnsafeRegister(static number => EventFd.Signal((int)number!), Number);
        }

        public int Number { get; }

        public void Dispose()
        {
            _registration.Dispose();
            _ = FileDescriptor.Close(Number);
        }
    }
}
