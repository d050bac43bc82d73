using Kdbus.Linux;

namespace Kdbus.Daemon.Serving.Files;

/// <summary>
/// Closes files that were carried for messages. That takes effect for others - the reader of a pipe sees its end - so it happens before the
/// command that causes it is answered. Where closing could wait for somebody's pleasure, another thread does it, one for each user.
/// </summary>
internal sealed class FileCloser : IDisposable
{
    /// <summary>Files of one user that wait to be closed by another thread. With so many no further ones are taken in that could have to wait.</summary>
    private const int MaxWaiting = 64;

    /// <summary>Users for whom files are closed by another thread at a time, before no further such files are taken in of others.</summary>
    private const int MaxThreads = 256;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, Waiting> _waiting = [];
    private long _open;

    /// <summary>Files that are carried, or wait to be closed.</summary>
    public long Open => Volatile.Read(ref _open);

    /// <summary>One more is carried.</summary>
    public void Opened() => Interlocked.Increment(ref _open);

    /// <summary>So many files of a user wait to be closed that none is to be taken in that may have to wait.</summary>
    public bool IsFull(uint uid)
    {
        using (_lock.EnterScope())
        {
            return _waiting.TryGetValue(uid, out var waiting) ? waiting.Files.Count >= MaxWaiting : _waiting.Count >= MaxThreads;
        }
    }

    /// <summary>Closes files.</summary>
    /// <param name="files">The numbers by which the engine knows them.</param>
    /// <param name="mayWait">We are in a blocking section: sockets, whose closing hardly ever waits, may be closed here.</param>
    public void Close(IReadOnlyList<ulong> files, bool mayWait)
    {
        foreach (var number in files)
        {
            var file = CarriedFile.Of(number);
            if (IsPrompt(file, mayWait)) CloseNow(file);
            else CloseElsewhere(file);
        }
    }

    /// <summary>Waits a moment for what is being closed elsewhere; what does not answer is left behind.</summary>
    public void Dispose()
    {
        Thread[] threads;
        using (_lock.EnterScope()) threads = [.. _waiting.Values.Select(static waiting => waiting.Thread!)];
        var deadline = Environment.TickCount64 + (long)Grace.TotalMilliseconds;
        foreach (var thread in threads) thread.Join(TimeSpan.FromMilliseconds(Math.Max(deadline - Environment.TickCount64, 0)));
    }

    private static bool IsPrompt(CarriedFile file, bool mayWait)
    {
        if (file.IsServedByOthers) return false;
        if (FileStatus.DeviceOf(file.Descriptor, out var status) < 0 || !status.IsSocket) return true;
        return mayWait && !DescriptorSocket.Lingers(file.Descriptor);
    }

    private void CloseNow(CarriedFile file)
    {
        FileDescriptor.Close(file.Descriptor);
        Interlocked.Decrement(ref _open);
    }

    private void CloseElsewhere(CarriedFile file)
    {
        using (_lock.EnterScope())
        {
            if (_waiting.TryGetValue(file.Uid, out var waiting))
            {
                waiting.Files.Enqueue(file);
                return;
            }

            waiting = new Waiting();
            waiting.Files.Enqueue(file);
            waiting.Thread = new Thread(() => Run(file.Uid, waiting), 256 * 1024) { IsBackground = true, Name = "close" };
            try
            {
                waiting.Thread.Start();
                _waiting.Add(file.Uid, waiting);
                return;
            }
            catch (OutOfMemoryException)
            {
                // There is no thread to be had: it is this one then, without the lock.
            }
        }

        CloseNow(file);
    }

    private void Run(uint uid, Waiting waiting)
    {
        while (true)
        {
            CarriedFile file;
            using (_lock.EnterScope())
            {
                if (!waiting.Files.TryPeek(out file))
                {
                    _waiting.Remove(uid);
                    return;
                }
            }

            CloseNow(file);
            using (_lock.EnterScope()) waiting.Files.Dequeue();
        }
    }

    private sealed class Waiting
    {
        /// <summary>The first one is being closed.</summary>
        public Queue<CarriedFile> Files { get; } = new();

        public Thread? Thread { get; set; }
    }
}
