using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Client.Internal;

namespace Kdbus.Client;

public sealed partial class BusConnection
{
    private const int DefaultCapacity = 4096;

    private ISubscription[] _subscriptions = [];
    private ulong _lastMatch;

    /// <summary>Sends a signal to everybody who has a match for it, or to one connection if that has one.</summary>
    /// <param name="filter">What it is about.</param>
    /// <param name="payload">Bytes, at most 2 MiB.</param>
    /// <param name="to">One connection or name; the default is everybody.</param>
    /// <param name="options">What else it has; no descriptors if it is for everybody.</param>
    public void Emit(BloomBits filter, ReadOnlySpan<byte> payload, Destination to = default, in MessageOptions options = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        if (to == default)
            to = Destination.Everybody;
        Draft draft = NewDraft(to, payload, options);
        draft.Header.Flags |= (ulong)MessageFlags.Signal;
        draft.Filter = filter.Filter;
        SendNow(draft, to, "emit a signal to");
    }

    /// <summary>Receives the signals or news that a rule lets in, as messages to be given back. The match is installed when this returns.</summary>
    /// <param name="rule">What is wanted.</param>
    /// <param name="capacity">How many may wait to be taken.</param>
    public Subscription<Message> Subscribe(MatchRule rule, int capacity = DefaultCapacity) => Subscribe(rule, capacity, static message => (true, message));

    /// <summary>News of names: who has one, or any, from now on. See <see cref="WatchNameAsync"/> for who has it now.</summary>
    public Subscription<NameChange> SubscribeToNames(string? name = null, int capacity = DefaultCapacity) => Subscribe(MatchRule.NameChanges(name), capacity, ReadNameChange);

    internal Subscription<NameChange> SubscribeToOwnNames() => Subscribe(MatchRule.NameChangesOf(Id), DefaultCapacity, ReadNameChange);

    /// <summary>News of connections that come and go.</summary>
    /// <param name="id">Which one; 0 for all.</param>
    /// <param name="capacity">How many may wait to be taken.</param>
    public Subscription<PeerChange> SubscribeToPeers(ulong id = 0, int capacity = DefaultCapacity) => Subscribe(MatchRule.PeerChanges(id), capacity, ReadPeerChange);

    /// <summary>Who owns a name: first who does now, then everybody who gets it, and nobody (an <see cref="NameOwner.Owner"/> of 0) when it is given up.</summary>
    public IAsyncEnumerable<NameOwner> WatchNameAsync(string name, CancellationToken cancellation = default)
    {
        // Subscribed before it is asked for, so that nothing falls between the two.
        Subscription<NameChange> changes = SubscribeToNames(name);
        NameOwner present = GetOwner(name);
        return Watch(changes, present, cancellation);

        static async IAsyncEnumerable<NameOwner> Watch(Subscription<NameChange> changes, NameOwner present, [EnumeratorCancellation] CancellationToken cancellation)
        {
            await using (changes.ConfigureAwait(false))
            {
                yield return present;
                await foreach (NameChange change in changes.ReadAllAsync(cancellation).ConfigureAwait(false))
                {
                    NameOwner next = new(change.Name, change.NewOwner, change.IsActivator);
                    if (next != present)
                        yield return next;
                    present = next;
                }
            }
        }
    }

    internal Subscription<T> Subscribe<T>(MatchRule rule, int capacity, Func<Message, (bool Take, T Value)> read)
    {
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ThrowIfEnded();
        Subscription<T> subscription = new(this, rule, Interlocked.Increment(ref _lastMatch), capacity, read);

        // It is there before the match is, and the first signal finds it.
        lock (_endLock)
            Volatile.Write(ref _subscriptions, [.. _subscriptions, subscription]);
        try
        {
            foreach (byte[] items in rule.ToItems())
                Failures.Check(AddMatch(subscription.Cookie, items), "subscribe");
        }
        catch
        {
            Remove(subscription, subscription.Cookie);
            throw;
        }
        Receiver.Start();
        return subscription;
    }

    internal void Remove(ISubscription subscription, ulong cookie)
    {
        lock (_endLock)
            Volatile.Write(ref _subscriptions, Array.FindAll(_subscriptions, other => other != subscription));
        var remove = new KdbusCmdMatch { Size = (ulong)Unsafe.SizeOf<KdbusCmdMatch>(), Cookie = cookie };
        if (!IsEnding)
            _ = Wire.Issue(Command.MatchRemove, ref remove);
    }

    private void EndSubscriptions(Exception reason)
    {
        foreach (ISubscription subscription in Volatile.Read(ref _subscriptions))
            subscription.End(reason);
    }

    private unsafe int AddMatch(ulong cookie, byte[] items)
    {
        byte[] command = new byte[sizeof(KdbusCmdMatch) + items.Length];
        items.CopyTo(command, sizeof(KdbusCmdMatch));
        MemoryMarshal.Write(command, new KdbusCmdMatch { Size = (ulong)command.Length, Cookie = cookie });
        return Wire.Issue(Command.MatchAdd, command);
    }

    private void HandOutSignal(Message signal) => HandOut(signal, MatchRule.MatchedEvents.Signals, signal.Sender, null);

    private void HandOutNotification(Message message)
    {
        foreach (Item item in new ItemChain(message.Slot.Items))
        {
            switch (item.Type)
            {
                case ItemType.ReplyTimeout or ItemType.ReplyDead:
                    ulong cookie = message.Slot.Header.CookieReply;
                    PeerFailure failure = item.Type == ItemType.ReplyDead ? PeerFailure.Died : PeerFailure.TimedOut;
                    message.Dispose();
                    Calls.Fail(cookie, failure);
                    return;
                case ItemType.NameAdd or ItemType.NameRemove or ItemType.NameChange:
                    HandOut(message, MatchRule.MatchedEvents.Names, 0, ReadNameChange(item).Name);
                    return;
                case ItemType.IdAdd or ItemType.IdRemove:
                    HandOut(message, MatchRule.MatchedEvents.Peers, item.As<KdbusNotifyIdChange>().Id, null);
                    return;
            }
        }
        message.Dispose();
    }

    // Each gets a message of its own, because each gives it back when it likes: the first one the message itself, the others copies. All have theirs before any of them goes
    // on: who keeps this thread must not let others see later signals first.
    private void HandOut(Message message, MatchRule.MatchedEvents events, ulong id, string? name)
    {
        ISubscription? first = null;
        List<(ISubscription, Message)>? others = null;
        foreach (ISubscription subscription in Volatile.Read(ref _subscriptions))
        {
            MatchRule rule = subscription.Rule;
            if (rule.Events != events || (rule.Sender != 0 && rule.Sender != id) || (name is not null && rule.Name is not null && rule.Name != name))
                continue;
            if (first is null)
            {
                first = subscription;
                continue;
            }
            MessageSlot copy = NewSlot();
            copy.Open(message.Slot);
            (others ??= []).Add((subscription, new Message(copy)));
        }
        if (first is null)
        {
            message.Dispose();
            return;
        }
        bool isAwaited = first.Put(message);
        others?.RemoveAll(static other => !other.Item1.Put(other.Item2));
        if (isAwaited)
            first.Resume();
        others?.ForEach(static other => other.Item1.Resume());
    }

    private static (bool Take, NameChange Value) ReadNameChange(Message message)
    {
        using (message)
        {
            foreach (Item item in new ItemChain(message.Slot.Items))
            {
                if (item.Type is ItemType.NameAdd or ItemType.NameRemove or ItemType.NameChange)
                    return (true, ReadNameChange(item));
            }
            return default;
        }
    }

    private static NameChange ReadNameChange(Item item)
    {
        KdbusNotifyNameChange change = item.As<KdbusNotifyNameChange>();
        string name = Names.Read(item.Payload[Unsafe.SizeOf<KdbusNotifyNameChange>()..]);
        return new NameChange(name, change.OldId.Id, change.NewId.Id, ((NameFlags)change.NewId.Flags & NameFlags.Activator) != 0);
    }

    private static (bool Take, PeerChange Value) ReadPeerChange(Message message)
    {
        using (message)
        {
            foreach (Item item in new ItemChain(message.Slot.Items))
            {
                if (item.Type is ItemType.IdAdd or ItemType.IdRemove)
                    return (true, new PeerChange(item.As<KdbusNotifyIdChange>().Id, item.Type == ItemType.IdAdd));
            }
            return default;
        }
    }
}
