using Kdbus.Client;
using Kdbus.Linux;
using Kdbus.Testing;

namespace Kdbus.Cli.Tests;

/// <summary>A mounted domain with one bus of this test alone, <c>UID-test</c>, and programs that are run on it. What was started ends with it.</summary>
internal sealed class Scene : IAsyncDisposable
{
    private readonly List<Running> _running = [];

    private Scene(TestBus bus) => Bus = bus;

    /// <summary>The bus, to connect to from here.</summary>
    public TestBus Bus { get; }

    /// <summary>Path of the default endpoint.</summary>
    public string Endpoint => Bus.Path!;

    /// <summary>Path of the directory of the bus.</summary>
    public string BusPath => Path.GetDirectoryName(Endpoint)!;

    /// <summary>Name of the bus.</summary>
    public string BusName => Path.GetFileName(BusPath);

    /// <summary>Where the domain is mounted.</summary>
    public string Domain => Path.GetDirectoryName(BusPath)!;

    /// <summary>An empty directory of this test.</summary>
    public string Files { get; } = MakeFiles();

    /// <summary>Makes one. Skips the test where nothing can be mounted.</summary>
    public static async Task<Scene> StartAsync(TestBusOptions? options = null)
    {
        Assert.SkipUnless(File.Exists("/dev/fuse") && Credentials.IsRoot, "needs root and /dev/fuse");
        return new Scene(await TestBus.StartAsync((options ?? new TestBusOptions()) with { Transport = TestTransport.Mounted }, TestContext.Current.CancellationToken));
    }

    /// <summary>Runs kdbusctl to its end, on this bus.</summary>
    public Task<Outcome> RunAsync(params string[] arguments) => RunAsync(new ProgramCall(arguments));

    /// <summary>The same, with input, as another user, or with more in its environment.</summary>
    public async Task<Outcome> RunAsync(ProgramCall call)
    {
        await using Running program = Running.Start(OnThisBus(call));
        return await program.EndAsync();
    }

    /// <summary>Starts kdbusctl on this bus and goes on.</summary>
    public Running Start(params string[] arguments) => Start(new ProgramCall(arguments));

    /// <summary>The same.</summary>
    public Running Start(ProgramCall call)
    {
        Running program = Running.Start(OnThisBus(call));
        _running.Add(program);
        return program;
    }

    /// <summary>Connects to the bus from this process.</summary>
    public ValueTask<BusConnection> ConnectAsync(BusConnectionOptions? options = null) => Bus.ConnectAsync(options, TestContext.Current.CancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (Running program in _running)
                await program.DisposeAsync();
        }
        finally
        {
            await Bus.DisposeAsync();
            Directory.Delete(Files, recursive: true);
        }
    }

    // Other domains may be mounted on the machine: without this the program would ask which one is meant.
    private ProgramCall OnThisBus(ProgramCall call) => call with { Environment = [$"KDBUSCTL_BUS={BusPath}", .. call.Environment] };

    private static string MakeFiles()
    {
        string path = Directory.CreateTempSubdirectory("kdbusctl-test-").FullName;
        File.SetUnixFileMode(path, (UnixFileMode)0x1ff);
        return path;
    }
}
