using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Kdbus.Abi;
using Kdbus.Client.Internal;

namespace Kdbus.Client;

public sealed partial class BusConnection : ISender
{
    private readonly Inbox<Message> _inbox;
    private readonly ConcurrentQueue<ulong> _freeSlices = new();
    private readonly Stack<MessageSlot> _spareSlots = new();
    private IMessageRoute[] _routes = [];
    private long _unsentReplies;

    /// <summary>Answers that the bus did not take because nobody waited for them any more.</summary>
    public long UnwantedReplies => Interlocked.Read(ref _unsentReplies);

    /// <summary>Nothing is received until what is there has been taken; but answers must be able to come.</summary>
    internal bool HasEnoughToDo => _inbox.Count >= Options.InboxCapacity && !Calls.Any;

    /// <summary>Receives the next message that is no answer to a call, no signal, and not for a service of this connection.</summary>
    /// <returns>The message, to be given back.</returns>
    /// <exception cref="InvalidOperationException">Somebody receives already: one at a time.</exception>
    /// <exception cref="BusBrokenException">The connection is at its end.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Message> ReceiveAsync(CancellationToken cancellation = default)
    {
        Receiver.Start();
        Message message;
        while (!_inbox.TryTake(out message))
        {
            ObjectDisposedException.ThrowIf(!await _inbox.WaitAsync(cancellation).ConfigureAwait(false), this);
        }
        return message;
    }

    /// <summary>All messages as they come, until the connection is closed; each is to be given back. See <see cref="ReceiveAsync"/>.</summary>
    public async IAsyncEnumerable<Message> ReceiveAllAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        Receiver.Start();
        while (await _inbox.WaitAsync(cancellation).ConfigureAwait(false))
        {
            while (_inbox.TryTake(out Message message))
                yield return message;
        }
    }

    /// <summary>Of an activator: waits until something was sent to the name.</summary>
    public async ValueTask WaitForActivationAsync(CancellationToken cancellation = default)
    {
        if (Options.Kind != ConnectionKind.Activator)
            throw new InvalidOperationException("Only an activator waits for its activation.");
        using CancellationTokenRegistration registration = cancellation.UnsafeRegister(static file => ((IEndpointFile)file!).Wake(), _file);
        await Task.Factory.StartNew(
            () =>
            {
                while (!cancellation.IsCancellationRequested && !IsEnding)
                {
                    if (HasMessage())
                        return;
                    _ = _file.Wait(-1);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        ThrowIfEnded();
    }

    /// <summary>Adds somebody who is asked for each message before it comes into the inbox.</summary>
    internal void AddRoute(IMessageRoute route)
    {
        lock (_endLock)
        {
            ThrowIfEnded();
            Volatile.Write(ref _routes, [.. _routes, route]);
        }
        Receiver.Start();
    }

    /// <summary>A message has been received. Runs on the receiving thread.</summary>
    internal void HandOut(MessageSlot slot)
    {
        var message = new Message(slot);
        var flags = (MessageFlags)slot.Header.Flags;
        try
        {
            if (Options.Kind == ConnectionKind.Monitor)
                Put(message);
            else if (slot.Header.SrcId == Constants.SrcIdKernel)
                HandOutNotification(message);
            else if ((flags & MessageFlags.Signal) != 0)
                HandOutSignal(message);
            else if ((flags & MessageFlags.ExpectReply) == 0 && slot.Header.CookieReply != 0)
                HandOutAnswer(message);
            else if (slot.Header.PayloadType == PayloadTypes.Cancel)
                HandOutCancel(message);
            else
                HandOutMessage(message);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // Code that was resumed here and let something escape: its own fault, and no reason for the others to wait for ever.
            ThreadPool.UnsafeQueueUserWorkItem(static fault => System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(fault), fault, preferLocal: false);
        }
    }

    internal MessageSlot NewSlot()
    {
        lock (_spareSlots)
            return _spareSlots.TryPop(out MessageSlot? slot) ? slot : new MessageSlot(this);
    }

    internal void Close(MessageSlot slot, int use)
    {
        if (!slot.Close(use))
            return;
        lock (_spareSlots)
        {
            if (_spareSlots.Count < 256)
                _spareSlots.Push(slot);
        }
    }

    /// <summary>Gives a place in the pool back: on the receiving thread with its next command, elsewhere at once.</summary>
    internal void FreeSlice(ulong offset)
    {
        if (IsEnding)
        {
            // The whole pool goes.
        }
        else if (UsesExchange && Receiver.IsHere)
        {
            _freeSlices.Enqueue(offset);
        }
        else
        {
            var free = new KdbusCmdFree { Size = (ulong)Unsafe.SizeOf<KdbusCmdFree>(), Offset = offset };
            _ = Wire.Issue(Command.Free, ref free);
        }
        _pool.Release();
    }

    /// <summary>Puts places that are to be given back into a command.</summary>
    internal void WriteFreeItem(ref ItemWriter items)
    {
        const int Most = 16;
        Span<ulong> offsets = stackalloc ulong[Most];
        int count = 0;
        while (count < Most && _freeSlices.TryDequeue(out ulong offset))
            offsets[count++] = offset;
        if (count > 0)
            items.Write(ItemType.Free, System.Runtime.InteropServices.MemoryMarshal.AsBytes(offsets[..count]));
    }

    private void HandOutAnswer(Message answer)
    {
        if (answer.PayloadType == PayloadTypes.Error)
            Calls.Fail(answer);
        else
            Calls.Complete(answer.ReplyCookie, answer);
    }

    private void HandOutCancel(Message message)
    {
        using (message)
        {
            if (message.Payload is { IsSingleSegment: true, Length: sizeof(ulong) } payload)
                Requests.Cancel(message.Sender, BitConverter.ToUInt64(payload.FirstSpan));
        }
    }

    private void HandOutMessage(Message message)
    {
        if (message.IsRequest)
            Requests.Add(message.Slot);
        foreach (IMessageRoute route in Volatile.Read(ref _routes))
        {
            if (route.TryTake(message))
                return;
        }
        Put(message);
    }

    private void Put(Message message)
    {
        if (!_inbox.TryPut(message))
            message.Dispose();
    }

    private unsafe bool HasMessage()
    {
        var list = new KdbusCmdRecv { Size = (ulong)sizeof(KdbusCmdRecv), Flags = (ulong)RecvFlags.Peek };
        if (Wire.Issue(Command.Recv, ref list) != 0)
            return false;
        _pool.Use();
        FreeSlice(list.Msg.Offset);
        return true;
    }
}
