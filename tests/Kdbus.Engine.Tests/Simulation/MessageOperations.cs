using System.Runtime.InteropServices;
using Kdbus.Engine.Tests.Simulation.Model;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>Sending, receiving, and what can happen to a call that waits.</summary>
internal sealed class MessageOperations(World world, Vocabulary words, Comparison comparison)
{
    private readonly Descriptors _descriptors = new(world.Chance);
    private ulong _lastCookie;

    private Chance Chance => world.Chance;

    /// <summary>A message, a request, a signal or a broadcast, to somebody or to a name.</summary>
    public void Send(ConnectionModel sender)
    {
        var bus = sender.Bus;
        var kind = Chance.Below(100);
        var (isRequest, isSignal) = (kind < 35, kind is >= 35 and < 65);
        var isBroadcast = kind is >= 35 and < 55;
        var byName = !isBroadcast && Chance.OneIn(2);
        var flags = isRequest ? MessageFlags.ExpectReply : isSignal ? MessageFlags.Signal : 0;
        if (Chance.OneIn(8)) flags |= MessageFlags.NoAutoStart;
        if (Chance.OneIn(80)) flags ^= Chance.Of(MessageFlags.Signal, MessageFlags.ExpectReply, (MessageFlags)8);
        var isCall = isRequest && Chance.OneIn(2);
        var pieces = Pieces();
        var fds = _descriptors.Fds(pieces.Count, isBroadcast);
        Issue(sender, new SendModel
        {
            Message = new MessageModel
            {
                Sender = sender,
                Flags = flags,
                Priority = Chance.OneIn(3) ? Chance.Below(5) - 2 : 0,
                Destination = isBroadcast ? ulong.MaxValue : byName && !Chance.OneIn(8) ? 0 : words.Id(bus),
                Name = byName ? words.OwnedName(bus) : Chance.OneIn(200) ? "a.b" : null,
                PayloadType = Chance.OneIn(100) ? 0 : Constants.PayloadDBus,
                Cookie = Chance.OneIn(100) ? 0 : Chance.OneIn(10) && _lastCookie > 0 ? _lastCookie : ++_lastCookie,
                Last = isRequest ? Deadline(isCall) : 0,
                Pieces = pieces,
                Fds = fds.Count > 0 ? fds[0].Descriptors : [],
            },
            Fds = fds,
            Flags = isCall || Chance.OneIn(150) ? SendFlags.SyncReply : 0,
            Place = Place(),
            Source = Chance.OneIn(100) ? 1 : Chance.OneIn(2) ? sender.Id : 0,
            Filter = isSignal != Chance.OneIn(150) ? words.Filter(bus.BloomSize) : null,
            Generation = (ulong)Chance.Of(0, 0, 0, 1, 2, 3, 9),
            CancelDescriptor = Chance.OneIn(200) ? Errno.EBADF : Errno.OK,
        });
    }

    /// <summary>To a request that expects one from this connection, mostly.</summary>
    public void Reply(ConnectionModel sender)
    {
        var asked = sender.Expected.Count > 0 && !Chance.OneIn(10) ? Chance.Any(sender.Expected) : null;
        var names = asked?.Requester.Names ?? [];
        var byName = names.Count > 0 && Chance.OneIn(3);
        var pieces = Pieces();
        var fds = _descriptors.Fds(pieces.Count, isBroadcast: false);
        Issue(sender, new SendModel
        {
            Message = new MessageModel
            {
                Sender = sender,
                Destination = byName ? 0 : asked?.Requester.Id ?? words.Id(sender.Bus),
                Name = byName ? Chance.Any(names).Text : null,
                PayloadType = 1,
                Cookie = ++_lastCookie,
                Last = asked?.Cookie ?? 1 + (ulong)Chance.Below((int)_lastCookie),
                Pieces = pieces,
                Fds = fds.Count > 0 ? fds[0].Descriptors : [],
            },
            Fds = fds,
            Place = Place(),
        });
    }

    /// <summary>A call that a signal interrupted is repeated.</summary>
    public void Resume()
    {
        var interrupted = world.Connections.SelectMany(each => each.Requests).Where(each => each is { Synchronous: true, Waiting: 0 }).ToList();
        if (interrupted.Count == 0) return;
        var call = Chance.Any(interrupted);
        var fds = _descriptors.Fds(pieces: 0, isBroadcast: false);
        Issue(call.Requester, new SendModel
        {
            Message = new MessageModel
            {
                Sender = call.Requester,
                Flags = MessageFlags.ExpectReply,
                Destination = call.Answerer.Id,
                PayloadType = 1,
                Cookie = call.Cookie,
                Last = call.Deadline,
                Fds = fds.Count > 0 ? fds[0].Descriptors : [],
            },
            Fds = fds,
            Flags = SendFlags.SyncReply,
        });
    }

    private void Issue(ConnectionModel sender, SendModel sent)
    {
        var message = sent.Message;
        var payload = message.Pieces.SelectMany(piece => piece.Data ?? []).ToArray();
        var place = payload.Length == 0 ? PayloadPlace.Here : sent.Place;
        var items = new List<byte[]>();
        for (var i = 0; i <= message.Pieces.Count; i++)
        {
            items.AddRange(sent.Fds.Where(fds => fds.At == i).Select(ItemOf));
            if (i < message.Pieces.Count) items.Add(ItemOf(message.Pieces[i]));
        }

        if (sent.Filter is { } filter) items.Add(Frame.Item(ItemType.BloomFilter, [.. BitConverter.GetBytes(sent.Generation), .. filter]));
        if (message.Name != null) items.Add(Frame.Item(ItemType.DstName, message.Name));
        var bytes = Frame.Of(
            new KdbusMsg
            {
                Flags = (ulong)message.Flags,
                Priority = message.Priority,
                DstId = message.Destination,
                SrcId = sent.Source,
                PayloadType = message.PayloadType,
                Cookie = message.Cookie,
                TimeoutNs = message.Last,
            },
            [.. items]);
        sent = new SendModel
        {
            Message = message, Flags = sent.Flags, Place = place, CancelDescriptor = sent.CancelDescriptor,
            Source = sent.Source, Filter = sent.Filter, Generation = sent.Generation, Malformed = Damage(ref bytes),
            Fds = sent.Fds, TakesDescriptors = Chance.OneIn(2),
        };
        var caller = words.CallerOf(sender);
        var descriptors = message.Pieces.Select(piece => piece.Memfd).OfType<DescriptorModel>().Concat(sent.Fds.SelectMany(fds => fds.Descriptors));
        var files = world.Look(bytes, descriptors);
        var played = world.Issue(
            sender.Handle,
            Command.Send,
            Frame.Of(new KdbusCmdSend { MsgAddress = 0x10_0000, Flags = (ulong)sent.Flags }),
            caller,
            out var request,
            input => input with
            {
                Message = bytes, Payload = payload, Place = place, CancelDescriptor = sent.CancelDescriptor, Files = files, TakesDescriptors = sent.TakesDescriptors,
            });
        message.Pidfd = world.LastPidfd;
        var expected = world.Model.Execute(sender.Handle, Command.Send, world.Stamped, () => world.Model.Send(request, sender, caller, sent));
        Sent(sender, request, expected, played);
    }

    /// <summary>The copy of a payload is over.</summary>
    public void Commit()
    {
        if (world.Copying.Count == 0) return;
        var (request, sender) = Chance.Any([.. world.Copying]);
        world.Copying.Remove(request);
        var copied = Chance.OneIn(6) ? Chance.Of(Errno.EFAULT, Errno.EINTR) : Errno.OK;
        var played = world.Play(new Input.Commit(request, world.Stamp(), copied));
        Sent(sender, request, world.Model.Commit(request, sender, world.Stamped, copied), played);
    }

    private void Sent(ConnectionModel sender, ulong request, in AnswerModel expected, in Played played)
    {
        world.Agree(expected, played, Command.Send);
        if (expected.Kind == OutcomeKind.Copy) world.Copying.Add(request, sender);
        if (expected is { Kind: OutcomeKind.Done, Result: Errno.OK })
        {
            var reply = Frame.As<KdbusCmdSend>(played.Frame).Reply;
            Invariant.Equal((expected.Offset, expected.Size, expected.Entry is { IsIncomplete: true } ? 1UL : 0), (reply.Offset, reply.MsgSize, reply.ReturnFlags), "Reply of SEND", sender.Id);
            if (expected.Entry is { } answer) comparison.CheckContent(sender, answer, "Content of an answer");
        }

        world.Settled();
    }

    public void Receive(ConnectionModel connection)
    {
        RecvFlags flags = Chance.Below(12) switch
        {
            0 or 1 => RecvFlags.Peek,
            2 => RecvFlags.Drop,
            3 => RecvFlags.UsePriority,
            4 => (RecvFlags)Chance.Below(8),
            _ => 0,
        };
        var (priority, caller, takes) = (Chance.Below(7) - 3, words.CallerOf(connection), Chance.OneIn(2));
        var expected = world.Run(
            connection.Handle,
            Command.Recv,
            Frame.Of(new KdbusCmdRecv { Flags = (ulong)flags, Priority = priority }),
            caller,
            () => world.Model.Recv(world.LastRequest, connection, caller, flags, priority, takes),
            out var played,
            input => input with { TakesDescriptors = takes });
        if (expected.Result is Errno.OK or Errno.EAGAIN)
        {
            var result = Frame.As<KdbusCmdRecv>(played.Frame);
            Invariant.Equal((expected.Offset, expected.Size, expected.Entry is { IsIncomplete: true } ? 1UL : 0), (result.Msg.Offset, result.Msg.MsgSize, result.Msg.ReturnFlags), "Where RECV finds a message", connection.Id);
            Invariant.Equal((expected.Extra, expected.Extra > 0 ? 2UL : 0), (result.DroppedMsgs, result.ReturnFlags), "What RECV tells of lost messages", connection.Id);
            if (expected.Entry is { } entry) comparison.CheckContent(connection, entry, "Content of a message");
        }

        world.Settled();
    }

    /// <summary>What somebody got comes to him, or cannot.</summary>
    public void HandOut()
    {
        if (world.Model.Handouts.Count == 0) return;
        var (request, handout) = Chance.Any([.. world.Model.Handouts]);
        var done = !Chance.OneIn(6);
        world.Play(new Input.HandedOut(request, done));
        world.Model.EndHandout(request, done);
        if (handout.Entry.IsFilled && handout.Slice.HeldByOwner) comparison.CheckContent(handout.Owner, handout.Entry, "Content of a message that was unpacked");
        world.Settled();
    }

    /// <summary>Somebody tells the numbers of what came to him, or of what did not.</summary>
    public void Install(ConnectionModel connection)
    {
        var waiting = connection.Pool.Slices.FindAll(slice => slice.Handout != null);
        var slice = waiting.Count > 0 && !Chance.OneIn(10) ? Chance.Any(waiting) : connection.Pool.Slices.Count > 0 ? Chance.Any(connection.Pool.Slices) : null;
        var count = slice?.Handout is { } handout && !Chance.OneIn(8) ? handout.Files.Count : Chance.Below(4);
        int[] numbers = [.. Enumerable.Range(0, count).Select(_ => Chance.OneIn(5) ? Chance.Of(-1, -2, int.MinValue) : Chance.Below(1000))];
        var offset = (slice?.Offset ?? 0) + (Chance.OneIn(20) ? 8UL : 0);
        EntryModel? told = null;
        var expected = world.Run(
            connection.Handle,
            Command.FdsInstalled,
            Frame.Of(new KdbusCmdFdsInstalled { Offset = offset }, Frame.Item(ItemType.Fds, MemoryMarshal.AsBytes(numbers.AsSpan()))),
            words.CallerOf(connection),
            () => world.Model.FdsInstalled(connection, offset, numbers, out told),
            out _);
        if (expected.Result == Errno.OK)
        {
            comparison.CheckNumbers(connection, told!, numbers);
            comparison.CheckContent(connection, told!, "Content of a message with numbers");
        }

        world.Settled();
    }

    public void Interrupt()
    {
        var request = Waiting();
        world.Play(new Input.Interrupt(request));
        world.Model.Interrupt(request);
        world.Settled();
    }

    public void Cancel()
    {
        var request = Waiting();
        world.Play(new Input.Cancel(request));
        world.Model.Cancel(request);
        world.Settled();
    }

    public void Pass()
    {
        world.Pass(Chance.OneIn(4) ? Chance.Below(1_000_000) : Chance.Below(20_000));
        if (Chance.OneIn(2)) return;
        var stamp = world.Stamp();
        world.Play(new Input.Advance(stamp));
        world.Model.Arrive(stamp);
        world.Settled();
    }

    /// <summary>The administrator changes his mind about what is let through.</summary>
    public void Mask()
    {
        var mask = words.DomainMask();
        world.Play(new Input.Mask(mask));
        world.Model.AttachMask = mask;
        world.Settled();
    }

    public void Exhaust(ConnectionModel connection)
    {
        var isExhausted = !connection.Pool.IsExhausted && Chance.OneIn(2);
        world.Play(new Input.Exhaust(connection.Handle.Id, isExhausted));
        connection.Pool.IsExhausted = isExhausted;
        world.Settled();
    }

    /// <summary>An owner writes over his pool: only he has to bear it.</summary>
    public void Scribble(ConnectionModel connection)
    {
        if (!world.MemoryOf(connection).IsWritableByOwner) return;
        world.Play(new Input.Scribble(connection.Handle.Id, (byte)Chance.Below(256)));
        foreach (var entry in connection.Charged) entry.IsScribbled = true;
        foreach (var slice in connection.Pool.Slices) slice.Handout?.Entry.IsScribbled = true;
        world.Settled();
    }

    private ulong Waiting()
    {
        var waiting = world.Model.WaitingCalls.ToList();
        return waiting.Count > 0 && !Chance.OneIn(8) ? Chance.Any(waiting) : (ulong)Chance.Below(1000) + 1;
    }

    private ulong Deadline(bool isCall) => Chance.Below(40) switch
    {
        0 => 0,
        1 => world.Deadline(world.Now.Monotonic - (ulong)Chance.Below(1000)),
        2 => world.Deadline((isCall ? 1UL << 63 : 1UL << 62) + (ulong)Chance.Below(1000)),
        < 20 => world.Deadline(world.Now.Monotonic + (ulong)Chance.Below(100_000)),
        _ => world.Deadline(world.Now.Monotonic + 500_000 + (ulong)Chance.Below(4_000_000)),
    };

    private PayloadPlace Place() => Chance.Below(10) switch { 0 => PayloadPlace.Unreadable, < 4 => PayloadPlace.Remote, _ => PayloadPlace.Here };

    private List<PieceModel> Pieces()
    {
        var pieces = new List<PieceModel>();
        var isMany = Chance.OneIn(50);
        for (var count = isMany ? 4 : Chance.Of(0, 1, 1, 1, 2, 3); count > 0; count--)
        {
            if (isMany || Chance.OneIn(5))
            {
                pieces.Add(_descriptors.Memfd());
                continue;
            }

            var size = Chance.OneIn(6) ? 1 + Chance.Below(3000) : 1 + Chance.Below(100);
            pieces.Add(new PieceModel((ulong)size, Chance.OneIn(5) ? null : Chance.Bytes(size)));
        }

        return pieces;
    }

    private static byte[] ItemOf(FdsModel fds) => Frame.Item(
        ItemType.Fds, [.. MemoryMarshal.AsBytes(fds.Descriptors.Select(each => each.Number).ToArray().AsSpan()), .. new byte[fds.Surplus]]);

    private static byte[] ItemOf(PieceModel piece) => piece.Memfd is { } memfd
        ? Frame.Item(ItemType.PayloadMemfd, new KdbusMemfd { Start = piece.Start, Size = piece.Size, Fd = memfd.Number })
        : Frame.Item(ItemType.PayloadVec, new KdbusVec { Size = piece.Size, Address = piece.Data == null ? 0 : 0x1000UL });

    /// <summary>Now and then a message is not well-formed.</summary>
    private Errno Damage(ref byte[] message)
    {
        if (!Chance.OneIn(150)) return Errno.OK;
        switch (Chance.Below(2))
        {
            case 0:
                message = message[..^8]; // the rest is not accessible
                return Errno.EFAULT;
            default:
                message = [.. message, .. new byte[8]]; // what stands there is no item
                BitConverter.TryWriteBytes(message, (ulong)message.Length);
                return Errno.EINVAL;
        }
    }
}
