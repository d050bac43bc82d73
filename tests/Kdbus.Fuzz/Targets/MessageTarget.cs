using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Engine;
using Kdbus.Engine.Messages;
using Kdbus.Fuzz.Grammar;
using Kdbus.Fuzz.Serving;

namespace Kdbus.Fuzz.Targets;

/// <summary>
/// What MessageImport takes: whatever it lets through fits where it says it fits, comes out as a chain that a reader can
/// read, points only into its own payload area, and leaves no byte of its slice unwritten.
/// </summary>
internal sealed class MessageTarget : IFuzzTarget
{
    private const byte Garbage = 0xa5;
    private const byte Payload = 0x5a;

    private readonly Domain _domain;
    private readonly Connection _sender;

    public MessageTarget()
    {
        _domain = new Domain(new NoEffects());
        var caller = new Caller(1000, 1000, 1000, 1000, CapIpcOwner: false, Pid: 1);
        _domain.Open(1, null, caller);
        Execute(1, Command.BusMake, Frame.Of(
            new KdbusCmd(),
            Frame.Item(ItemType.MakeName, "1000-bus"),
            Frame.Item(ItemType.BloomParameter, new KdbusBloomParameter { Size = BusWords.BloomSize, NHash = 1 })));
        _domain.Open(2, _domain.FindBus("1000-bus")!.DefaultEndpoint, caller);
        Execute(2, Command.Hello, Frame.Of(new KdbusCmdHello { PoolSize = 4096 }));
        _sender = _domain.FindConnection(2)!;

        void Execute(ulong handle, Command command, byte[] frame)
        {
            var call = new Invocation
            {
                Handle = handle, Request = handle, Ioctl = (uint)command, Caller = caller, Now = default, Frame = frame, Pool = new ArrayPool(4096),
            };
            var outcome = _domain.Execute(ref call);
            if (outcome.Result != Errno.OK) throw new FuzzFailure($"{command}: {outcome.Result}");
        }
    }

    public string Name => "message";

    public void Run(Dice dice, List<byte[]> inputs)
    {
        var setting = new MessageSetting([_sender.Id], [7], Now: 1000, PayloadAddress: 0x10000, PayloadRoom: 1 << 20);
        for (var i = 0; i < 100; i++)
        {
            var synchronous = dice.OneIn(4);
            var message = MessageGrammar.Build(dice, setting, (ulong)dice.Below(3), synchronous, out _);
            if (dice.OneIn(3)) message = Damage.Do(dice, message);
            FillCarried(message);
            inputs.Add(message);

            var address = dice.OneIn(30) ? dice.Wild() : 0x10000;
            var flags = synchronous ? SendFlags.SyncReply : 0;
            var call = new Invocation
            {
                Handle = 0, Request = 1, Ioctl = (uint)Command.Send, Now = default, Frame = SendFrame(address, flags), Message = message,
            };
            var result = MessageImport.Read(_domain, _sender, call, files: null, out var import);
            if (result == Errno.OK) Check(import, message);
        }
    }

    /// <summary>Payload that stands in the message is as all other.</summary>
    private static void FillCarried(byte[] message)
    {
        if (message.Length < 64) return;
        var items = new ItemReader(message.AsSpan(64));
        while (items.TryRead(out var item))
        {
            if (item.Type == ItemType.PayloadInline) message.AsSpan(64 + item.Offset + Item.HeaderSize, item.Payload.Length).Fill(Payload);
        }
    }

    private static byte[] SendFrame(ulong address, SendFlags flags)
    {
        var frame = new byte[Unsafe.SizeOf<KdbusCmdSend>()];
        MemoryMarshal.Write(frame, new KdbusCmdSend { Size = (ulong)frame.Length, Flags = (ulong)flags, MsgAddress = address });
        return frame;
    }

    private void Check(scoped in MessageImport import, ReadOnlySpan<byte> message)
    {
        var declared = MemoryMarshal.Read<ulong>(message);
        Require(declared is >= 64 and <= (ulong)Limits.MsgMaxSize && declared <= (ulong)message.Length, "size");
        Require(import.Header.SrcId == _sender.Id, "source");

        var items = message[64..(int)declared];
        var vecs = new PayloadVecs(items);
        var total = 0UL;
        var carried = 0UL;
        while (vecs.MoveNext())
        {
            if (vecs.Kind == PieceKind.Vector) total += vecs.Current.Size;
            if (vecs.Kind == PieceKind.Inline) carried += vecs.Current.Size;
        }

        Require(vecs.Area == import.AreaSize, $"area {vecs.Area}, {import.AreaSize}");
        Require(total <= Limits.MsgMaxPayloadVecSize && import.AreaSize <= Limits.MsgMaxPayloadVecSize + (8UL * Limits.MsgMaxItems), "payload");

        // All of the slice but the metadata is written: header, items, payload, padding.
        var start = import.SizeAtReceiver;
        var size = (int)Item.Align8((ulong)start + import.AreaSize);
        var memory = new ArrayPool(size);
        memory.Bytes.Fill(Garbage);
        import.Front.WriteTo(memory.Room(0, start), (ulong)start);
        import.Front.ClearPadding(memory, (ulong)start);
        var queued = QueuedIn(memory, size, start, out var receiver);
        import.Front.WriteTo(queued.Image.AsSpan(0, start), (ulong)start);
        var transfer = Transfer.Of(_domain, _sender);
        transfer.Add(receiver, queued, start);
        transfer.FillAll(message, Filled((int)total));
        Require(memory.Bytes.SequenceEqual(queued.Image), "copy for whoever takes over the name");
        Require(!memory.Bytes[start..].Contains(Garbage), "a byte behind the items was not written");
        Require(memory.Bytes[start..].Count(Payload) == (int)(total + carried), "payload was overwritten");
        CheckReceived(memory.Bytes, start);
    }

    /// <summary>A message that fills the pool of a connection made for it, and that is kept beside the pool as well.</summary>
    private QueuedMessage QueuedIn(ArrayPool memory, int size, int metadataOffset, out Connection receiver)
    {
        receiver = new Connection(_sender.Id, _sender.Handle, HelloFlags.None, _sender.User, _sender.Creator, new Pool(memory, (ulong)size, _domain.Spares.Slices), _domain.Limits);
        return new QueuedMessage
        {
            Slice = new Slice(), Sender = _sender, User = _sender.User, Size = (ulong)size, Metadata = default, MetadataOffset = metadataOffset, Image = new byte[size],
        };
    }

    private static void CheckReceived(ReadOnlySpan<byte> slice, int headerAndItems)
    {
        Require(MemoryMarshal.Read<ulong>(slice) == (ulong)headerAndItems, "size at the receiver");
        var reader = new ItemReader(slice[64..headerAndItems]);
        while (reader.TryRead(out var item))
        {
            Require(item.Type is ItemType.PayloadOff or ItemType.DstName, $"item {item.Type} at the receiver");
            if (item.Type != ItemType.PayloadOff) continue;
            var vec = item.As<KdbusVec>();
            if (vec.Offset == Constants.OffsetNone) continue;
            Require(vec.Offset >= (ulong)headerAndItems && vec.Size <= (ulong)slice.Length - vec.Offset, "payload outside the slice");
            Require(!slice.Slice((int)vec.Offset, (int)vec.Size).ContainsAnyExcept(Payload), "payload is not where its item says");
        }

        Require(reader.Error == Errno.OK, "items at the receiver");
    }

    private static byte[] Filled(int length)
    {
        var payload = new byte[length];
        Array.Fill(payload, Payload);
        return payload;
    }

    private static void Require(bool holds, string what)
    {
        if (!holds) throw new FuzzFailure($"A message was accepted with a bad {what}.");
    }
}
