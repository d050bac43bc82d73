using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;

namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>
/// All puppets of one world: those started and those forked by them. Each connects to one listening socket in the abstract name space, which
/// leaves nothing on disk and asks for no permission, and shows the ticket it was given. The family knows every process it has, so it can end exactly
/// those.
/// </summary>
internal sealed class PuppetFamily : IDisposable
{
    private static int s_families;

    private readonly string _name = $"kdbusfs-puppet-{Environment.ProcessId}-{Interlocked.Increment(ref s_families)}";
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<PuppetLink>> _arrivals = new();
    private readonly ConcurrentBag<PuppetProcess> _members = [];
    private readonly ConcurrentBag<Process> _started = [];
    private string? _copies;
    private ulong _lastTicket;

    /// <param name="byExchange">Whether its members send and receive by EXCHANGE.</param>
    public PuppetFamily(bool byExchange = false)
    {
        ByExchange = byExchange;
        _listener.Bind(new UnixDomainSocketEndPoint('\0' + _name));
        _listener.Listen();
        new Thread(Accept) { IsBackground = true, Name = _name }.Start();
    }

    /// <summary>Whether its members send and receive by EXCHANGE.</summary>
    public bool ByExchange { get; }

    /// <summary>Starts a puppet.</summary>
    public PuppetProcess Start()
    {
        ulong ticket = NewTicket();
        ProcessStartInfo start = new(Binary, [_name, $"{ticket}"]) { UseShellExecute = false };
        Process process = Process.Start(start) ?? throw new InvalidOperationException("The puppet did not start.");
        _started.Add(process);
        return Adopt(ticket, () =>
        {
            if (!process.WaitForExit(Pending.Patience))
                throw new TimeoutException($"Process {process.Id} has not ended.");
            return process.ExitCode;
        });
    }

    /// <summary>Where the program is.</summary>
    public static string Binary { get; } = Path.Combine(AppContext.BaseDirectory, "puppet");

    /// <summary>The program under another name, in a directory that goes with the family.</summary>
    public string CopyOfBinary(string name)
    {
        string copy = Path.Combine(_copies ??= Directory.CreateTempSubdirectory("kdbusfs-puppet-").FullName, name);
        if (!File.Exists(copy))
            File.Copy(Binary, copy);
        return copy;
    }

    /// <summary>A ticket for a puppet that is about to come.</summary>
    public ulong NewTicket() => Interlocked.Increment(ref _lastTicket);

    /// <summary>Takes up the puppet with this ticket, when it has connected.</summary>
    public PuppetProcess Adopt(ulong ticket, Func<int> reap)
    {
        PuppetLink link = Pending.Await(Arrival(ticket).Task, $"the start of puppet {ticket}");
        _arrivals.TryRemove(ticket, out _);
        PuppetProcess puppet = new(this, link, reap);
        _members.Add(puppet);
        return puppet;
    }

    /// <summary>Ends every puppet. One that is stuck in a system call exits all the same, unless the kernel cannot get it out of there.</summary>
    public void Dispose()
    {
        foreach (PuppetProcess member in _members)
            member.Dispose();
        _listener.Dispose();
        foreach (TaskCompletionSource<PuppetLink> arrival in _arrivals.Values)
        {
            if (arrival.Task.IsCompletedSuccessfully)
                arrival.Task.Result.Dispose();
        }
        foreach (Process process in _started)
        {
            if (!process.WaitForExit(TimeSpan.FromSeconds(2)))
                process.Kill();
            process.Dispose();
        }
        if (_copies is not null)
            Directory.Delete(_copies, recursive: true);
    }

    private void Accept()
    {
        try
        {
            for (; ; )
            {
                // One that ends before it has said who it is is missed by whoever waits for its arrival.
                if (PuppetLink.TryOpen(_listener.Accept(), out PuppetLink? link))
                    Arrival(link.Ticket).TrySetResult(link);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The family has been disposed of: nobody else will arrive.
        }
    }

    private TaskCompletionSource<PuppetLink> Arrival(ulong ticket) =>
        _arrivals.GetOrAdd(ticket, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
