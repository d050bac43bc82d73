using System.Diagnostics;
using System.Runtime.InteropServices;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Keeps idle CPUs from falling asleep while requests come one soon after the other, through /dev/cpu_dma_latency: to wake a sleeping CPU takes longer than
/// a call. All idle CPUs of the machine poll meanwhile, so it is wished for as short as can be: from the second of two requests that are near to each other until
/// there have been none for a while.
/// </summary>
internal sealed class LowLatency : IDisposable
{
    private const string Device = "/dev/cpu_dma_latency";

    /// <summary>As if nothing were wished for: microseconds, the kernel's own default.</summary>
    private const int NoWish = 2_000_000_000;

    private static readonly long Near = Stopwatch.Frequency / 5_000; // 200 us
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(2);

    private readonly int _device;
    private readonly AutoResetEvent _taken = new(initialState: false);
    private readonly Thread _thread;
    private long _last;
    private bool _held;
    private volatile bool _stop;

    private LowLatency(int device)
    {
        _device = device;
        Wish(NoWish);
        _thread = new Thread(Watch, 256 * 1024) { IsBackground = true, Name = "low latency" };
        _thread.Start();
    }

    /// <summary>CPUs are kept awake at the moment.</summary>
    public bool IsHeld => Volatile.Read(ref _held);

    /// <summary>Opens the device, which only root may: 0 or -errno.</summary>
    public static int Open(out LowLatency? opened)
    {
        var device = FileDescriptor.Open(Device, OpenFlags.WriteOnly);
        opened = device < 0 ? null : new LowLatency(device);
        return Math.Min(device, 0);
    }

    /// <summary>A request has come; said by the reader that has the turn.</summary>
    public void RequestArrived()
    {
        var now = Stopwatch.GetTimestamp();
        var last = Interlocked.Exchange(ref _last, now);
        if (now - last > Near || IsHeld) return;
        Volatile.Write(ref _held, true);
        Wish(0);
        _taken.Set();
    }

    public void Dispose()
    {
        _stop = true;
        _taken.Set();
        _thread.Join();
        FileDescriptor.Close(_device);
        _taken.Dispose();
    }

    private void Watch()
    {
        while (true)
        {
            _taken.WaitOne();
            while (!_stop && Stopwatch.GetElapsedTime(Interlocked.Read(ref _last)) < Idle) Thread.Sleep(Idle);
            if (_stop) return;
            Wish(NoWish);
            Volatile.Write(ref _held, false);
        }
    }

    private void Wish(int microseconds) => FileDescriptor.Write(_device, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in microseconds)));
}
