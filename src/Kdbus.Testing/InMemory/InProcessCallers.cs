using Kdbus.Abi;
using Kdbus.Daemon.Serving;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Daemon.Serving.Processes;
using Kdbus.Engine;
using Kdbus.Engine.Processes;
using Kdbus.Linux;

namespace Kdbus.Testing.InMemory;

/// <summary>
/// The threads of this process as callers. Who they are is found out as of any caller. Their memory and their descriptors are our own, so they need not be had
/// by calls that are made for other processes, and that a container may forbid.
/// </summary>
internal sealed class InProcessCallers(OwnMemory memory) : ICallers, IDisposable
{
    /// <summary>No file of a domain in memory has a descriptor, so no device is its own.</summary>
    private const uint NoDevice = uint.MaxValue;

    private readonly ProcessCallers _callers = new(NoDevice, new ServerOptions().OpenFiles);

    public nint Read(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote) => memory.Read(local, remote);

    public nint Write(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote) => memory.Write(local, remote);

    public Errno Identify(int thread, CallerFacts facts, bool capabilities, out Caller caller) =>
        _callers.Identify(thread, facts, capabilities, out caller);

    public ProcessRecord? Describe(int thread, AttachFlags kinds) => _callers.Describe(thread, kinds);

    public ReaderView ViewOf(int thread, CallerFacts facts) => _callers.ViewOf(thread, facts);

    public NamedProcesses Name(int thread, in KdbusPids pids) => _callers.Name(thread, pids);

    public Errno CopyDescriptor(int thread, int number, out int copy)
    {
        copy = number < 0 ? -1 : FileDescriptor.Duplicate(number);
        return copy >= 0 ? Errno.OK : number >= 0 && copy == -SystemError.EMFILE ? Errno.EMFILE : Errno.EBADF;
    }

    public Errno CopyFile(int thread, int number, bool isMemfd, out CopiedFile copy)
    {
        copy = default;
        Errno result = CopyDescriptor(thread, number, out int descriptor);
        if (result == Errno.OK)
            copy = FileFacts.Of(descriptor, isMemfd, NoDevice, static _ => false);
        return result;
    }

    public int OpenProcess(int thread) => _callers.OpenProcess(thread);

    public Represented? FindRepresented(int thread, int number) => _callers.FindRepresented(thread, number);

    public void Dispose() => _callers.Dispose();
}
