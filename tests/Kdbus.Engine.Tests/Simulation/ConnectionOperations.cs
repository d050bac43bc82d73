using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Engine.Files;
using Kdbus.Engine.Tests.Simulation.Model;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>What connections do beside sending and receiving.</summary>
internal sealed class ConnectionOperations(World world, Vocabulary words)
{
    private Chance Chance => world.Chance;

    public void Byebye(ConnectionModel connection) => Run(connection, Command.Byebye, Frame.Of(new KdbusCmd()), () => world.Model.Byebye(connection));

    public void Acquire(ConnectionModel connection)
    {
        var (name, flags, caller) = (Chance.OneIn(2) ? words.Name() : words.OwnedName(connection.Bus), (NameFlags)Chance.Below(8), words.CallerOf(connection));
        var frame = Frame.Of(new KdbusCmd { Flags = (ulong)flags }, Frame.Item(ItemType.Name, name));
        var expected = world.Run(connection.Handle, Command.NameAcquire, frame, caller, () => world.Model.Acquire(connection, caller.Caller, name, flags), out var played);
        Invariant.Equal(expected.Extra, Frame.As<KdbusCmd>(played.Frame).ReturnFlags, "return_flags of NAME_ACQUIRE", connection.Id);
        world.Settled();
    }

    public void Release(ConnectionModel connection)
    {
        var owned = connection.Alive ? connection.Names : [];
        var name = owned.Count > 0 && !Chance.OneIn(3) ? Chance.Any(owned).Text : words.Name();
        Run(connection, Command.NameRelease, Frame.Of(new KdbusCmd(), Frame.Item(ItemType.Name, name)), () => world.Model.Release(connection, name));
    }

    public void AddMatch(ConnectionModel connection)
    {
        var (cookie, replace, rules) = ((ulong)Chance.Below(4), Chance.OneIn(3), words.Rules(connection.Bus));
        var frame = Frame.Of(new KdbusCmdMatch { Cookie = cookie, Flags = replace ? 1UL : 0 }, [.. rules.Select(rule => rule.Item)]);
        Run(connection, Command.MatchAdd, frame, () => world.Model.MatchAdd(connection, cookie, replace, rules));
    }

    public void RemoveMatch(ConnectionModel connection)
    {
        var cookie = (ulong)Chance.Below(4);
        Run(connection, Command.MatchRemove, Frame.Of(new KdbusCmdMatch { Cookie = cookie }), () => DomainModel.MatchRemove(connection, cookie));
    }

    public void Update(ConnectionModel connection)
    {
        ulong? send = Chance.OneIn(3) ? words.Mask() : null;
        ulong? recv = Chance.OneIn(3) ? words.Mask() : null;
        var policy = connection.IsHolder || Chance.OneIn(20) ? words.Policy(Chance.Of(0, 1, 1, 1, 1, 1, 2)) : [];
        var items = new List<byte[]>();
        if (send is { } s) items.Add(Frame.Item(ItemType.AttachFlagsSend, s));
        if (recv is { } r) items.Add(Frame.Item(ItemType.AttachFlagsRecv, r));
        items.AddRange(policy.Select(line => line.Item));
        var caller = words.CallerOf(connection);
        world.Run(connection.Handle, Command.Update, Frame.Of(new KdbusCmd(), [.. items]), caller, () => world.Model.Update(connection, caller, send, recv, policy), out _);
        world.Settled();
    }

    public void Free(ConnectionModel connection)
    {
        var held = connection.Pool.Slices.FindAll(slice => slice.HeldByOwner);
        var early = held.FindAll(slice => slice.Handout != null);
        if (early.Count > 0 && Chance.OneIn(3)) held = early;
        var offset = held.Count > 0 && !Chance.OneIn(12) ? Chance.Any(held).Offset : Chance.Of(0UL, 64UL, 8UL, connection.Pool.Size, 4096UL, ulong.MaxValue);
        Run(connection, Command.Free, Frame.Of(new KdbusCmdFree { Offset = offset }), () => connection.Pool.Free(offset));
    }

    public void List(ConnectionModel connection)
    {
        var (flags, caller) = ((ListFlags)Chance.Below(16), words.CallerOf(connection));
        List<RecordModel> records = [];
        var expected = world.Run(
            connection.Handle,
            Command.List,
            Frame.Of(new KdbusCmdList { Flags = (ulong)flags }),
            caller,
            () => DomainModel.List(connection, caller.Caller, flags, out records),
            out var played);
        if (expected.Result == Errno.OK)
        {
            var result = Frame.As<KdbusCmdList>(played.Frame);
            Invariant.Equal((expected.Offset, expected.Size), (result.Offset, result.ListSize), "Results of LIST", connection.Id);
            var bytes = result.ListSize == 0 ? [] : world.MemoryOf(connection).Bytes.Slice((int)result.Offset, (int)result.ListSize);
            Invariant.SameMembers(records, Records(bytes), "Records of LIST", connection.Id);
        }

        world.Settled();
    }

    public void Ask(ConnectionModel connection)
    {
        var (mask, caller) = (words.Mask(), words.CallerOf(connection));
        byte[] record = [];
        if (Chance.OneIn(4))
        {
            var creator = Frame.Of(new KdbusCmdInfo { AttachFlags = mask });
            var told = world.Run(connection.Handle, Command.BusCreatorInfo, creator, caller, () => world.Model.BusCreatorInfo(connection, caller, mask, out record), out var answered);
            if (told.Result == Errno.OK) CheckInfo(connection, told, answered, record);
            world.Settled();
            return;
        }

        var faked = connection.Bus.Connections.FindAll(each => each.Fakes != null);
        var id = Chance.OneIn(10) ? 0 : faked.Count > 0 && Chance.OneIn(2) ? Chance.Any(faked).Id : words.Id(connection.Bus);
        var name = Chance.OneIn(2) ? words.Name() : null;
        if (name != null && Chance.OneIn(2)) id = 0;
        var frame = Frame.Of(new KdbusCmdInfo { Id = id, AttachFlags = mask }, name == null ? [] : [Frame.Item(ItemType.Name, name)]);
        var expected = world.Run(
            connection.Handle, Command.ConnInfo, frame, caller, () => world.Model.ConnInfo(connection, caller, id, name, mask, out record), out var played);
        if (expected.Result == Errno.OK) CheckInfo(connection, expected, played, record);
        world.Settled();
    }

    /// <summary>A command that is not well-formed changes nothing.</summary>
    public void Malformed(ConnectionModel connection)
    {
        var command = Chance.Of(Command.Byebye, Command.Recv, Command.List, Command.NameAcquire, Command.MatchAdd, Command.Update, Command.Send, Command.Free);
        var size = CommandLayout.Of((uint)command)!.FixedSize;
        var frame = new byte[size + 32];
        switch (Chance.Below(5))
        {
            case 0: frame[13] = 1; frame = frame[..size]; break; // an unknown flag
            case 1: frame[size] = 15; break; // an item smaller than its header
            case 2: frame[size] = 33; break; // an item larger than the rest
            case 3: (frame[size], frame[size + 9]) = (32, 0x70); break; // an unknown item
            default: (frame[size], frame[size + 8], frame[size + 24], frame[size + 32 - 8]) = (24, 1, 7, 7); break; // negotiation, and rubbish behind it
        }

        MemoryMarshal.Write(frame, (ulong)frame.Length);
        // It may have brought files.
        world.Run(connection.Handle, command, frame, words.CallerOf(connection), () => Errno.EINVAL, out _, input => command != Command.Send ? input : input with
        {
            Files = [new SentFile(Errno.OK, world.NewFile()), new SentFile(Errno.EBADF, 0)],
        });
        world.Settled();
    }

    private void CheckInfo(ConnectionModel connection, in AnswerModel expected, in Played played, byte[] record)
    {
        var result = Frame.As<KdbusCmdInfo>(played.Frame);
        Invariant.Equal((expected.Offset, expected.Size, expected.Extra), (result.Offset, result.InfoSize, result.ReturnFlags), "Results of INFO", connection.Id);
        Invariant.SameBytes(record, world.MemoryOf(connection).Bytes.Slice((int)result.Offset, (int)result.InfoSize), "What INFO tells", connection.Id);
    }

    private static List<RecordModel> Records(ReadOnlySpan<byte> bytes)
    {
        var records = new List<RecordModel>();
        while (!bytes.IsEmpty)
        {
            var info = MemoryMarshal.Read<KdbusInfo>(bytes);
            var item = bytes[24..(int)info.Size];
            records.Add(item.IsEmpty
                ? new RecordModel(info.Id, info.Flags, 0, null)
                : new RecordModel(info.Id, info.Flags, MemoryMarshal.Read<ulong>(item[16..]), Encoding.ASCII.GetString(item[24..((int)MemoryMarshal.Read<ulong>(item) - 1)])));
            bytes = bytes[(int)info.Size..];
        }

        return records;
    }

    private void Run(ConnectionModel connection, Command command, byte[] frame, Func<AnswerModel> model)
    {
        world.Run(connection.Handle, command, frame, words.CallerOf(connection), model, out _);
        world.Settled();
    }
}
