using Kdbus.Engine.Processes;

namespace Kdbus.Conformance.Words;

public sealed partial class Peer
{
    /// <summary>A mask of all kinds, the extensions too, for HELLO and questions.</summary>
    public const ulong Everything = (ulong)(AttachFlags.All | AttachMask.Extensions);

    /// <summary>CONN_INFO and FREE, which must succeed.</summary>
    public Info Info(ulong id, AttachFlags attach = AttachFlags.Any) => Info(ConnInfo(id, (ulong)attach));

    /// <summary>CONN_INFO by name and FREE, which must succeed.</summary>
    public Info Info(string name, AttachFlags attach = AttachFlags.Any) => Info(ConnInfo(name, attach: (ulong)attach));

    /// <summary>BUS_CREATOR_INFO.</summary>
    public CommandRun BusCreatorInfo(ulong attach) =>
        Handle.Run(Command.BusCreatorInfo, WireStruct.Of(new KdbusCmdInfo { AttachFlags = attach, ReturnFlags = Untouched }));

    /// <summary>BUS_CREATOR_INFO and FREE, which must succeed.</summary>
    public Info CreatorInfo(AttachFlags attach = AttachFlags.Any) => Info(BusCreatorInfo((ulong)attach));

    /// <summary>A HELLO that allows all kinds and wants all.</summary>
    public static WireStruct OpenHello(HelloFlags flags = HelloFlags.AcceptFd) => HelloCommand(flags, send: Everything, recv: Everything);

    /// <summary>A HELLO that says who somebody is, and allows all to be told.</summary>
    public static WireStruct FakedHello(TaskCreds? creds = null, TaskNumbers? pids = null, string? label = null)
    {
        WireStruct hello = HelloCommand(send: Everything);
        if (creds is { } c)
        {
            hello.Item(ItemType.Creds, new KdbusCreds
            {
                Uid = c.Uid, Euid = c.Euid, Suid = c.Suid, Fsuid = c.Fsuid, Gid = c.Gid, Egid = c.Egid, Sgid = c.Sgid, Fsgid = c.Fsgid,
            });
        }
        if (pids is { } p)
            hello.Item(ItemType.Pids, new KdbusPids { Pid = p.Pid, Tid = p.Tid, Ppid = p.Ppid });
        return label is null ? hello : hello.Text(ItemType.Seclabel, label);
    }

    /// <summary>SEND of a message by a thread of its own, which must succeed, and the id of that thread.</summary>
    public int SendInThread(Action<OutgoingMessage> build, ThreadChange change)
    {
        ulong address = Process.Scratch.Place(SendCommand(build).ToArray());
        Pending send = Process.IoctlInThread(Handle.Descriptor, (uint)Command.Send, address, change);
        Assert.Equal(Errno.OK, Handle.Outcome(send.Result()));
        return send.Thread;
    }

    /// <summary>This connection in the hands of another program: the same handle, and the pool mapped anew.</summary>
    public Peer After(IProcess execution) => new(Handle.In(execution), Greeting);

    /// <summary>RECV and FREE of a message that must be there, of which only the metadata matters.</summary>
    public Metadata Told() => ReceiveAndFree().Metadata;

    /// <summary>SEND to somebody, which must succeed, and what he is told by it.</summary>
    public Metadata Tells(Peer receiver)
    {
        Assert.Equal(Errno.OK, Send(m => m.To(receiver.Id)));
        return receiver.Told();
    }

    private Info Info(CommandRun run)
    {
        Assert.Equal(Errno.OK, run.Result);
        KdbusCmdInfo command = run.As<KdbusCmdInfo>();
        Info info = new(run, Pool(command.Offset, command.InfoSize));
        Assert.Equal(Errno.OK, Free(command.Offset));
        return info;
    }
}
