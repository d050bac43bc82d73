using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine;
using Kdbus.Engine.Files;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving.Exchanges;

/// <summary>One EXCHANGE while it is carried out: what has come with it, how far it is, and what was found out on the way.</summary>
internal ref struct Exchange
{
    private readonly Span<byte> _room;
    private readonly CallBuffers _buffers;
    private MessageReader _messages;

    /// <param name="request">The request; its input holds the messages.</param>
    /// <param name="reply">Its answer, which is built in the reader's room for answers.</param>
    /// <param name="buffers">Room for the struct and what is fetched.</param>
    /// <param name="now">When it came.</param>
    public Exchange(in IoctlRequest request, FuseReply reply, CallBuffers buffers, Instant now)
    {
        Request = request;
        Reply = reply;
        _buffers = buffers;
        _room = reply.Scratch;
        File = null!;
        Now = now;
        Findings = default;
    }

    public readonly IoctlRequest Request;
    public readonly FuseReply Reply;
    public Instant Now;
    public OpenFile File;
    public Requester Requester;
    public CallerNeeds Known;
    public Findings Findings;

    /// <summary>The struct with its items, a copy of our own.</summary>
    public Span<byte> Frame;

    /// <summary>The message at hand; empty if there is none.</summary>
    public ReadOnlySpan<byte> Message;

    /// <summary>What of the message at hand is elsewhere has been looked at.</summary>
    public bool IsFetched;
    public ReadOnlySpan<byte> Payload;
    public PayloadPlace Place;
    public ReadOnlySpan<SentFile> Files;

    /// <summary>By what the caller can end its waiting, and whether what it named can be.</summary>
    public CancelDescriptor? Cancel;
    public Errno Cancellable;
    public bool HasCancel;

    /// <summary>It only asks what is known.</summary>
    public bool IsQuestion;

    /// <summary>How it ended, if it did not wait.</summary>
    public Outcome Outcome;

    public readonly ref KdbusCmdExchange Command => ref MemoryMarshal.AsRef<KdbusCmdExchange>(Frame);

    public readonly ExchangeFlags Flags => (ExchangeFlags)Command.Flags;

    public readonly bool IsCall => Flags.HasFlag(ExchangeFlags.SyncReply);

    /// <summary>Room for records, as much as the caller has.</summary>
    public readonly Span<byte> Records =>
        _room[ExchangeAnswer.HeaderSize..Math.Max(ExchangeAnswer.HeaderSize, (int)Request.OutputSize)];

    /// <summary>The answer with the records that were received.</summary>
    public readonly Span<byte> Answer => ExchangeAnswer.Complete(_room, Command, Outcome.Reception);

    public readonly BlockingCaller Caller => new(Request.Context.Pid, Request.Context.Uid, Request.Argument);

    public readonly CommandFetch Fetch(ICallers callers) => new(callers, _buffers, Request.Context.Pid, Reply);

    /// <summary>
    /// Takes the struct and its items out of the input, and finds the messages behind them: EINVAL for sizes that contradict each other, EMSGSIZE
    /// for more items than a command may have.
    /// </summary>
    public Errno Open()
    {
        var input = Request.Input;
        if (input.Length < ExchangeAnswer.HeaderSize) return Errno.EINVAL;
        var given = MemoryMarshal.Read<KdbusCmdExchange>(input);
        if (given.Size < (ulong)ExchangeAnswer.HeaderSize || given.Size > (ulong)input.Length) return Errno.EINVAL;
        if (given.Size > (ulong)_buffers.Frame.Length) return Errno.EMSGSIZE;
        Frame = _buffers.Frame[..(int)given.Size];
        input[..Frame.Length].CopyTo(Frame);
        Command.Sent = 0;
        Command.Error = 0;

        if (given.MsgsSize == 0) return Errno.OK;
        var start = (int)Item.Align8(given.Size);
        if (start > input.Length || given.MsgsSize > (ulong)(input.Length - start)) return Errno.EINVAL;
        _messages = new MessageReader(input.Slice(start, (int)given.MsgsSize));
        return Errno.OK;
    }

    /// <summary>Passes over what had been sent when a signal interrupted the command; a request is known by its cookie and comes again.</summary>
    public void SkipWhatIsDone()
    {
        if (IsCall) return;
        for (var done = Command.Progress; done > 1 && !_messages.IsAtEnd && _messages.Read(out _) == Errno.OK; done--) Command.Sent++;
    }

    /// <summary>
    /// Takes the next message to hand unless there is one: false if there is none, or the one before it could not be sent. A request whose reply is
    /// waited for is the only message.
    /// </summary>
    public bool TryTakeMessage()
    {
        if (!Message.IsEmpty) return true;
        if (Command.Error != 0 || _messages.IsAtEnd) return false;
        var result = _messages.Read(out Message);
        if (result == Errno.OK && IsCall && !_messages.IsAtEnd) result = Errno.EINVAL;
        if (result == Errno.OK) return true;
        Message = default;
        Fail(result);
        return false;
    }

    /// <summary>Whether something of the message at hand is not in the input: payload in the caller's memory, or files.</summary>
    public readonly bool HasMoreElsewhere()
    {
        var items = new ItemReader(Message[Unsafe.SizeOf<KdbusMsg>()..]);
        while (items.TryRead(out var item))
        {
            if (item.Type is ItemType.PayloadVec or ItemType.PayloadMemfd or ItemType.Fds) return true;
        }

        return false;
    }

    /// <summary>The SEND of the message at hand.</summary>
    public readonly Invocation AsSend() => new()
    {
        Handle = File.Handle,
        Request = Request.Context.Unique,
        Ioctl = (uint)Abi.Command.Send,
        Now = Now,
        Frame = SendFrame(),
        Message = Message,
        Payload = Payload,
        PayloadPlace = Place,
        Files = Files,
        Pidfd = Findings.Pidfd,
        Caller = Findings.Caller,
        Process = Findings.Process,
        View = Findings.View,
        TakesDescriptors = Requester.FdSocket >= 0,
        CancelDescriptor = Cancellable,
        Answer = IsCall ? Records : default,
    };

    /// <summary>The command itself, where it begins and where it receives.</summary>
    public readonly Invocation AsExchange() => new()
    {
        Handle = File.Handle,
        Request = Request.Context.Unique,
        Ioctl = (uint)Abi.Command.Exchange,
        Now = Now,
        Frame = Frame,
        View = Findings.View,
        TakesDescriptors = Requester.FdSocket >= 0,
        Answer = Records,
    };

    /// <summary>The message at hand is the engine's, with all that came with it.</summary>
    public void PassOn()
    {
        Message = default;
        Payload = default;
        Place = PayloadPlace.Here;
        Files = default;
        IsFetched = false;
        if (Findings.Pidfd == 0) return;
        // Each message has one of its own.
        Findings = Findings with { Pidfd = 0 };
        Known = Known with { Kinds = Known.Kinds & ~AttachFlags.Pidfd };
    }

    private readonly Span<byte> SendFrame()
    {
        var send = new KdbusCmdSend { Size = (ulong)Unsafe.SizeOf<KdbusCmdSend>(), Flags = IsCall ? (ulong)SendFlags.SyncReply : 0 };
        MemoryMarshal.Write(_buffers.Send, in send);
        return _buffers.Send;
    }

    /// <summary>What has become of a message.</summary>
    public void Settle(in Outcome outcome)
    {
        if (outcome.Result != Errno.OK)
        {
            Fail(outcome.Result);
            return;
        }

        Command.Sent++;
        if (IsCall) Outcome = outcome;
    }

    /// <summary>A message cannot be sent. If its reply was to be received the command has failed with it.</summary>
    public void Fail(Errno reason)
    {
        Command.Error = (uint)reason;
        if (IsCall) Outcome = Outcome.Failed(reason);
    }

    /// <summary>The command has failed.</summary>
    public void FailWhole(Errno reason) => Outcome = Outcome.Failed(reason);
}
