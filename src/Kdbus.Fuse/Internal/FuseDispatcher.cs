using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Fuse.Internal;

/// <summary>
/// From bytes to a typed request to the file system's method. Every request that wants an answer has got one, or is held, when <see cref="Dispatch"/> returns, whatever was in it and whatever the file system did.
/// </summary>
internal sealed class FuseDispatcher(
    IFuseChannel channel, IFuseFileSystem fileSystem, ReplyDesk desk, ReaderRoster roster, FuseSessionOptions options)
{
    private readonly InterruptDesk _interrupts = new(channel, fileSystem, desk, roster, options.Trace);

    /// <summary>Handles a request of a connection that is not initialised yet.</summary>
    /// <returns>How the negotiation went, if the request was INIT.</returns>
    public FuseNegotiation? Negotiate(ReadOnlySpan<byte> message)
    {
        if (!TryOpen(message, out FuseInHeader header, out ReadOnlySpan<byte> arguments))
            return null;
        Span<byte> answer = stackalloc byte[FuseProtocol.OutHeaderSize + 64];
        if (header.Opcode != FuseOpcode.Init)
        {
            if (WantsAnswer(header.Opcode))
                desk.Write(header.Opcode, header.Unique, -SystemError.EIO, answer[..FuseProtocol.OutHeaderSize], default);
            return null;
        }
        var negotiation = FuseNegotiation.Negotiate(arguments, options.Demands);
        if (negotiation.Outcome == FuseNegotiationOutcome.Refused)
        {
            desk.Write(header.Opcode, header.Unique, -negotiation.Error, answer[..FuseProtocol.OutHeaderSize], default);
            return negotiation;
        }
        MemoryMarshal.Write(answer[FuseProtocol.OutHeaderSize..], negotiation.Answer);
        // The kernel that does not take it has gone away, and the next read says so.
        return desk.Write(header.Opcode, header.Unique, 0, answer, default) ? negotiation : null;
    }

    /// <summary>Handles one request.</summary>
    /// <exception cref="FuseBugException">The file system has a bug and nobody wants to be told.</exception>
    public void Dispatch(FuseReader reader, ReadOnlySpan<byte> message)
    {
        if (!TryOpen(message, out FuseInHeader header, out ReadOnlySpan<byte> arguments))
            return;
        if (WantsAnswer(header.Opcode))
            Answer(reader, in header, arguments);
        else
            Take(in header, arguments);
        if (reader.LeaveForgotten())
            desk.ReportBug(new FuseBugException($"The handler of {header.Opcode} returned inside a blocking section."));
    }

    /// <summary>A reader has got the turn: the file system sees to what the one before it may have left undone.</summary>
    /// <exception cref="FuseBugException">The file system has a bug and nobody wants to be told.</exception>
    public void TakeTurn(FuseReader reader)
    {
        try
        {
            fileSystem.TurnTaken();
        }
        catch (Exception exception) when (exception is not FuseBugException)
        {
            desk.ReportBug(new FuseBugException($"TurnTaken threw {exception.GetType().Name}: {exception.Message}", exception));
        }
        if (reader.LeaveForgotten())
            desk.ReportBug(new FuseBugException("TurnTaken returned inside a blocking section."));
    }

    private static bool WantsAnswer(FuseOpcode opcode) =>
        opcode is not (FuseOpcode.Forget or FuseOpcode.BatchForget or FuseOpcode.Interrupt or FuseOpcode.NotifyReply);

    /// <summary>Reads the header and cuts off the arguments. What has a header but not the length it claims is answered here.</summary>
    private bool TryOpen(ReadOnlySpan<byte> message, out FuseInHeader header, out ReadOnlySpan<byte> arguments)
    {
        arguments = default;
        if (!MemoryMarshal.TryRead(message, out header))
        {
            options.Trace?.Problem($"A request of {message.Length} bytes has not even a header.");
            return false;
        }
        int extensions = header.TotalExtLen * 8;
        if (header.Len != message.Length || extensions > message.Length - FuseProtocol.InHeaderSize)
        {
            options.Trace?.Problem($"A request {header.Opcode} of {message.Length} bytes says it has {header.Len}, {extensions} of them extensions.");
            if (WantsAnswer(header.Opcode))
            {
                Span<byte> answer = stackalloc byte[FuseProtocol.OutHeaderSize];
                desk.Write(header.Opcode, header.Unique, -SystemError.EIO, answer, default);
            }
            return false;
        }
        arguments = message[FuseProtocol.InHeaderSize..^extensions];
        options.Trace?.Received(in header, arguments);
        return true;
    }

    /// <summary>A request that has no answer.</summary>
    private void Take(in FuseInHeader header, ReadOnlySpan<byte> arguments)
    {
        try
        {
            var body = new RequestBody(arguments);
            bool whole = true;
            switch (header.Opcode)
            {
                case FuseOpcode.Forget:
                    whole = body.TryTake(out FuseForgetIn forget);
                    if (whole)
                        fileSystem.Forget(header.NodeId, forget.NLookup);
                    break;
                case FuseOpcode.BatchForget:
                    whole = body.TryTake(out FuseBatchForgetIn batch) && body.Rest.Length / 16 >= batch.Count;
                    for (uint i = 0; whole && i < batch.Count; i++)
                    {
                        body.TryTake(out FuseForgetOne one);
                        fileSystem.Forget(one.NodeId, one.NLookup);
                    }
                    break;
                case FuseOpcode.Interrupt:
                    whole = body.TryTake(out FuseInterruptIn interrupt);
                    if (whole)
                        _interrupts.Handle(in header, interrupt.Unique);
                    break;
                default:
                    break;
            }
            if (!whole)
                options.Trace?.Problem($"A request {header.Opcode} with {arguments.Length} bytes of arguments is too short; it was ignored.");
        }
        catch (Exception exception) when (exception is not FuseBugException)
        {
            desk.ReportBug(new FuseBugException($"The handler of {header.Opcode} threw {exception.GetType().Name}: {exception.Message}", exception));
        }
    }

    private void Answer(FuseReader reader, in FuseInHeader header, ReadOnlySpan<byte> arguments)
    {
        ReplySlot slot = reader.Slot;
        long ticket = slot.Begin(in header, reader);
        Exception? failure = null;
        try
        {
            Call(in header, arguments, new FuseReply(slot, ticket));
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        if (!slot.EndDispatch(ticket, out bool forgotten))
            reader.Slot = desk.Take();
        if (failure is FuseBugException bug)
            desk.ReportBug(bug);
        else if (failure is not null)
            desk.ReportBug(new FuseBugException($"The handler of {header.Opcode} threw {failure.GetType().Name}: {failure.Message}", failure));
        else if (forgotten)
            desk.ReportBug(new FuseBugException($"The handler of {header.Opcode} returned without answering; EIO was sent."));
    }

    private void Call(in FuseInHeader header, ReadOnlySpan<byte> arguments, FuseReply reply)
    {
        var context = RequestContext.From(in header);
        var body = new RequestBody(arguments);
        bool whole = true;
        switch (header.Opcode)
        {
            case FuseOpcode.Lookup:
                whole = body.TryTakeName(out ReadOnlySpan<byte> name);
                if (whole)
                    fileSystem.Lookup(new LookupRequest { Context = context, Name = name }, reply);
                break;
            case FuseOpcode.GetAttr:
                whole = body.TryTake(out FuseGetAttrIn getAttr);
                if (whole)
                {
                    ulong? handle = getAttr.Flags.HasFlag(FuseGetAttrFlags.Handle) ? getAttr.Fh : null;
                    fileSystem.GetAttr(new GetAttrRequest { Context = context, Handle = handle }, reply);
                }
                break;
            case FuseOpcode.SetAttr:
                whole = body.TryTake(out FuseSetAttrIn setAttr);
                if (whole)
                    fileSystem.SetAttr(new SetAttrRequest { Context = context, Arguments = setAttr }, reply);
                break;
            case FuseOpcode.Access:
                whole = body.TryTake(out FuseAccessIn access);
                if (whole)
                    fileSystem.Access(new AccessRequest { Context = context, Mask = access.Mask }, reply);
                break;
            case FuseOpcode.StatFs:
                fileSystem.StatFs(new StatFsRequest { Context = context }, reply);
                break;
            case FuseOpcode.MkNod:
                whole = body.TryTake(out FuseMkNodIn node) & body.TryTakeName(out name);
                if (whole)
                {
                    fileSystem.MkNod(
                        new MkNodRequest { Context = context, Name = name, Mode = node.Mode, Device = node.RDev, Umask = node.Umask }, reply);
                }
                break;
            case FuseOpcode.Open or FuseOpcode.OpenDir:
                whole = body.TryTake(out FuseOpenIn open);
                if (!whole)
                    break;
                var openRequest = new OpenRequest { Context = context, Flags = open.Flags };
                if (header.Opcode == FuseOpcode.Open)
                    fileSystem.Open(in openRequest, reply);
                else
                    fileSystem.OpenDir(in openRequest, reply);
                break;
            case FuseOpcode.Release or FuseOpcode.ReleaseDir:
                whole = body.TryTake(out FuseReleaseIn release);
                if (!whole)
                    break;
                var releaseRequest = new ReleaseRequest { Context = context, Handle = release.Fh, Flags = release.Flags };
                if (header.Opcode == FuseOpcode.Release)
                    fileSystem.Release(in releaseRequest, reply);
                else
                    fileSystem.ReleaseDir(in releaseRequest, reply);
                break;
            case FuseOpcode.ReadDir or FuseOpcode.ReadDirPlus:
                whole = body.TryTake(out FuseReadIn readDir);
                if (whole)
                {
                    fileSystem.ReadDir(
                        new ReadDirRequest
                        {
                            Context = context,
                            Handle = readDir.Fh,
                            Offset = readDir.Offset,
                            Size = readDir.Size,
                            Plus = header.Opcode == FuseOpcode.ReadDirPlus,
                        },
                        reply);
                }
                break;
            case FuseOpcode.Read:
                whole = body.TryTake(out FuseReadIn read);
                if (whole)
                {
                    fileSystem.Read(
                        new ReadRequest { Context = context, Handle = read.Fh, Offset = read.Offset, Size = read.Size, Flags = read.Flags }, reply);
                }
                break;
            case FuseOpcode.Write:
                whole = body.TryTake(out FuseWriteIn write) & body.TryTakeData(write.Size, out ReadOnlySpan<byte> data);
                if (whole)
                {
                    fileSystem.Write(
                        new WriteRequest
                        {
                            Context = context,
                            Handle = write.Fh,
                            Offset = write.Offset,
                            WriteFlags = write.WriteFlags,
                            Flags = write.Flags,
                            Data = data,
                        },
                        reply);
                }
                break;
            case FuseOpcode.Flush:
                whole = body.TryTake(out FuseFlushIn flush);
                if (whole)
                    fileSystem.Flush(new FlushRequest { Context = context, Handle = flush.Fh, LockOwner = flush.LockOwner }, reply);
                break;
            case FuseOpcode.FSync or FuseOpcode.FSyncDir:
                whole = body.TryTake(out FuseFSyncIn sync);
                if (whole)
                {
                    fileSystem.FSync(
                        new FSyncRequest
                        {
                            Context = context,
                            Handle = sync.Fh,
                            DataOnly = sync.FSyncFlags.HasFlag(FuseFSyncFlags.DataOnly),
                            IsDirectory = header.Opcode == FuseOpcode.FSyncDir,
                        },
                        reply);
                }
                break;
            case FuseOpcode.LSeek:
                whole = body.TryTake(out FuseLSeekIn seek);
                if (whole)
                {
                    fileSystem.LSeek(
                        new LSeekRequest { Context = context, Handle = seek.Fh, Offset = seek.Offset, Whence = seek.Whence }, reply);
                }
                break;
            case FuseOpcode.Ioctl:
                whole = body.TryTake(out FuseIoctlIn ioctl) & body.TryTakeData(ioctl.InSize, out data);
                if (whole)
                {
                    fileSystem.Ioctl(
                        new IoctlRequest
                        {
                            Context = context,
                            Handle = ioctl.Fh,
                            Flags = ioctl.Flags,
                            Command = ioctl.Cmd,
                            Argument = ioctl.Arg,
                            OutputSize = ioctl.OutSize,
                            Input = data,
                        },
                        reply);
                }
                break;
            case FuseOpcode.Poll:
                whole = body.TryTake(out FusePollIn poll);
                if (whole)
                {
                    fileSystem.Poll(
                        new PollRequest
                        {
                            Context = context,
                            Handle = poll.Fh,
                            PollHandle = poll.Kh,
                            Events = poll.Events,
                            WantsNotification = poll.Flags.HasFlag(FusePollFlags.ScheduleNotify),
                        },
                        reply);
                }
                break;
            case FuseOpcode.Destroy:
                reply.Ok();
                break;
            case FuseOpcode.Init:
                // The connection is initialised; a second INIT has no meaning.
                reply.Error(SystemError.EIO);
                break;
            default:
                reply.Error(ErrorOfUnsupported(header.Opcode));
                break;
        }

        if (!whole)
        {
            options.Trace?.Problem($"A request {header.Opcode} with {arguments.Length} bytes of arguments is malformed.");
            reply.Error(SystemError.EINVAL);
        }
    }

    /// <summary>EPERM for what would change the tree, as a file system says that offers none of it; ENOSYS for the rest, which makes the kernel do without.</summary>
    private static int ErrorOfUnsupported(FuseOpcode opcode) => opcode switch
    {
        FuseOpcode.Create or FuseOpcode.MkDir or FuseOpcode.Unlink or FuseOpcode.RmDir or FuseOpcode.Rename or FuseOpcode.Rename2
            or FuseOpcode.Link or FuseOpcode.SymLink or FuseOpcode.TmpFile or FuseOpcode.SetXAttr or FuseOpcode.RemoveXAttr => SystemError.EPERM,
        FuseOpcode.ReadLink => SystemError.EINVAL,
        _ => SystemError.ENOSYS,
    };
}
