using System.CommandLine;
using System.Runtime.InteropServices;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>One run of one command: what it was given, where it writes, which bus it talks to, and when it shall end.</summary>
internal sealed class Invocation : IDisposable
{
    private readonly ParseResult _result;
    private readonly CancellationTokenSource _ending = new();
    private readonly List<PosixSignalRegistration> _signals = [];
    private BusPlace? _bus;
    private volatile Action? _onHangUp;

    private Invocation(ParseResult result)
    {
        _result = result;
        Output = Output.ForStandardOutput(result.GetValue(CommonOptions.Json), result.GetValue(CommonOptions.Color));
    }

    /// <summary>Where results go.</summary>
    public Output Output { get; }

    /// <summary>Cancelled by Ctrl-C, SIGTERM and SIGHUP.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>The signal that ended it: 0 if none did.</summary>
    public int EndedBy { get; private set; }

    /// <summary>The bus that was said, or the only one there is.</summary>
    public BusPlace Bus => _bus ??= BusPlace.Find(_result.GetValue(CommonOptions.Bus));

    /// <summary>Makes a command do something.</summary>
    /// <param name="command">The command.</param>
    /// <param name="run">What it does; its result is the exit code.</param>
    public static void SetAction(Command command, Func<Invocation, Task<int>> run) => command.SetAction(async (result, _) =>
    {
        using Invocation invocation = new(result);
        return await invocation.RunAsync(run).ConfigureAwait(false);
    });

    /// <summary>What an option was given, or its default.</summary>
    public T? Get<T>(Option<T> option) => _result.GetValue(option);

    /// <summary>The time that was said, or the one for when nothing is.</summary>
    public TimeSpan Get(TimeOption option) => Has(option) ? _result.GetValue(option) : option.Otherwise;

    /// <summary>What an argument was given, or its default.</summary>
    public T Get<T>(Argument<T> argument) => _result.GetValue(argument)!;

    /// <summary>Whether an option stands on the command line.</summary>
    public bool Has(Option option) => _result.GetResult(option) is { Implicit: false };

    /// <summary>Connects to the bus.</summary>
    public async ValueTask<BusConnection> ConnectAsync(BusConnectionOptions? options = null) =>
        await BusConnection.ConnectAsync(Bus.Endpoint, (options ?? new BusConnectionOptions()) with { Description = options?.Description ?? "kdbusctl" }, Ending).ConfigureAwait(false);

    /// <summary>Says something on standard error that is no result: progress, what is waited for.</summary>
    public static void Note(string text) => Console.Error.WriteLine(text);

    /// <summary>From now on SIGHUP does something else than end the command.</summary>
    /// <param name="action">What; called on a thread of its own.</param>
    public void OnHangUp(Action action) => _onHangUp = action;

    /// <inheritdoc/>
    public void Dispose()
    {
        _signals.ForEach(static signal => signal.Dispose());
        _ending.Dispose();
        Output.Dispose();
    }

    private async Task<int> RunAsync(Func<Invocation, Task<int>> run)
    {
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            _signals.Add(PosixSignalRegistration.Create(signal, End));
        try
        {
            int code = await run(this).ConfigureAwait(false);
            Output.Flush();
            return code;
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            return 128 + EndedBy;
        }
        catch (NobodyReadsException)
        {
            return ExitCode.NobodyReads;
        }
#pragma warning disable CA1031 // The last one to know: what is expected is told in two lines, a fault with its trace.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            FlushBeforeComplaint();
            Complaint complaint = Complaint.Of(exception) ?? new Complaint(ExitCode.Internal, $"a fault of kdbusctl: {exception}", "please report it");
            await Console.Error.WriteAsync(complaint.ToString()).ConfigureAwait(false);
            return complaint.Code;
        }
    }

    private void FlushBeforeComplaint()
    {
        try
        {
            Output.Flush();
        }
        catch (Exception exception) when (exception is NobodyReadsException or CommandException)
        {
            // Something else has gone wrong already, and matters more.
        }
    }

    private void End(PosixSignalContext context)
    {
        if (context.Signal == PosixSignal.SIGHUP && _onHangUp is { } action)
        {
            context.Cancel = true;
            action();
            return;
        }
        if (EndedBy != 0)
            return; // asked twice: the default action
        context.Cancel = true;
        EndedBy = context.Signal switch { PosixSignal.SIGINT => 2, PosixSignal.SIGTERM => 15, _ => 1 };
        _ending.Cancel();
    }
}
