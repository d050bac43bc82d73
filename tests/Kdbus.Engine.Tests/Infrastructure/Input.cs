using Kdbus.Engine.Files;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>
/// One input of a domain, as a value: the arguments of one public method, copied. What the host answers when the engine asks
/// for memory is an input too, and so is what the owner of a writable pool does to it.
/// </summary>
internal abstract record Input
{
    /// <param name="Handle">A number never used before.</param>
    /// <param name="Inode">The endpoint, alive or not, or <see cref="Domain.ControlInode"/>.</param>
    /// <param name="Caller">Who opens it.</param>
    public sealed record Open(ulong Handle, ulong Inode, Caller Caller) : Input;

    public sealed record Close(ulong Handle, Instant Now) : Input;

    public sealed record Undo(ulong Handle, Instant Now) : Input;

    public sealed record Execute(ulong Handle, ulong Request, uint Ioctl, Caller Caller, Instant Now, byte[] Frame) : Input
    {
        public byte[] Message { get; init; } = [];

        public PayloadPlace Place { get; init; }

        /// <summary>The payload, wherever it is; of a remote one the engine is shown nothing.</summary>
        public byte[] Payload { get; init; } = [];

        public Errno CancelDescriptor { get; init; }

        /// <summary>SEND: what was found behind the numbers that the message names.</summary>
        public SentFile[] Files { get; init; } = [];

        /// <summary>SEND: a pidfd of the sender, or 0.</summary>
        public ulong Pidfd { get; init; }

        public bool TakesDescriptors { get; init; }

        /// <summary>What may be told about the caller.</summary>
        public ProcessRecord? Process { get; init; }

        public ReaderView View { get; init; }

        /// <summary>HELLO: the processes that it names.</summary>
        public NamedProcesses Named { get; init; }

        /// <summary>HELLO: bytes of the pool, 0 if none could be made.</summary>
        public int PoolSize { get; init; }

        /// <summary>HELLO: the pool is opened for writing by its owner.</summary>
        public bool IsPoolWritable { get; init; }

        /// <summary>HELLO: the host has no memory for the pool.</summary>
        public bool IsPoolExhausted { get; init; }

        public ulong Random { get; init; }
    }

    /// <summary>The copy of a remote payload has been made, or has failed.</summary>
    public sealed record Commit(ulong Request, Instant Now, Errno Copied) : Input;

    /// <summary>What a call gets beside its result has been handed out, or could not be.</summary>
    public sealed record HandedOut(ulong Request, bool Done) : Input;

    public sealed record Interrupt(ulong Request) : Input;

    /// <summary>The administrator lets these kinds of metadata through.</summary>
    public sealed record Mask(AttachFlags Kinds) : Input;

    public sealed record Cancel(ulong Request) : Input;

    public sealed record Advance(Instant Now) : Input;

    /// <summary>The host has memory for a pool, or has not.</summary>
    public sealed record Exhaust(ulong Handle, bool IsExhausted) : Input;

    /// <summary>The owner of a writable pool fills it with a byte.</summary>
    public sealed record Scribble(ulong Handle, byte Value) : Input;
}
