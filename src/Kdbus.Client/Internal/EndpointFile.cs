using System.Runtime.InteropServices;
using Kdbus.Linux;

namespace Kdbus.Client.Internal;

/// <summary>The open file of an endpoint of a mounted domain. It is closed when nobody is inside one of its system calls any more.</summary>
internal sealed unsafe class EndpointFile : IEndpointFile
{
    private readonly Descriptor _file;
    private readonly Descriptor _wake;

    private EndpointFile(int file, int wake)
    {
        _file = new Descriptor(file);
        _wake = new Descriptor(wake);
    }

    /// <inheritdoc/>
    public long Now => Clock.MonotonicNanoseconds;

    /// <summary>
    /// Opens an endpoint: 0 or -errno. For reading only, because then nobody, not even this process, can map the pool writable and change what
    /// the bus has written there.
    /// </summary>
    public static int Open(string path, out EndpointFile? opened)
    {
        opened = null;
        int file = FileDescriptor.Open(path, OpenFlags.ReadOnly);
        if (file < 0)
            return file;
        int wake = EventFd.Create();
        if (wake < 0)
        {
            FileDescriptor.Close(file);
            return wake;
        }
        opened = new EndpointFile(file, wake);
        return 0;
    }

    /// <inheritdoc/>
    public int Ioctl(uint command, void* argument)
    {
        bool held = false;
        try
        {
            _file.DangerousAddRef(ref held);
            return FileDescriptor.Ioctl(_file.Number, command, argument);
        }
        finally
        {
            if (held)
                _file.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    public int Wait(int timeoutMilliseconds)
    {
        bool held = false, wakeHeld = false;
        try
        {
            _file.DangerousAddRef(ref held);
            _wake.DangerousAddRef(ref wakeHeld);
            int result = FileDescriptor.Poll([new PollEntry(_file.Number, PollEvents.In), new PollEntry(_wake.Number, PollEvents.In)], timeoutMilliseconds);
            if (result > 0)
                _ = EventFd.Drain(_wake.Number);
            return Math.Min(result, 1);
        }
        finally
        {
            if (wakeHeld)
                _wake.DangerousRelease();
            if (held)
                _file.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    public void Wake()
    {
        bool held = false;
        try
        {
            _wake.DangerousAddRef(ref held);
            _ = EventFd.Signal(_wake.Number);
        }
        catch (ObjectDisposedException)
        {
            // Nobody waits any more.
        }
        finally
        {
            if (held)
                _wake.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    public nint MapPool(ulong size)
    {
        bool held = false;
        try
        {
            _file.DangerousAddRef(ref held);
            return MemFd.Map(_file.Number, (nuint)size, writable: false);
        }
        finally
        {
            if (held)
                _file.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    public void UnmapPool(nint address, ulong size) => _ = MemFd.Unmap(address, (nuint)size);

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _wake.Dispose();
    }

    private sealed class Descriptor : SafeHandle
    {
        public Descriptor(int number)
            : base(-1, ownsHandle: true) => SetHandle(number);

        public int Number => (int)handle;

        public override bool IsInvalid => handle < 0;

        protected override bool ReleaseHandle() => FileDescriptor.Close((int)handle) == 0;
    }
}
