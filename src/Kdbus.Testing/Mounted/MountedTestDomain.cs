using Kdbus.Client;
using Kdbus.Client.Internal;

namespace Kdbus.Testing.Mounted;

/// <summary>A mounted domain, for a test.</summary>
internal sealed class MountedTestDomain(MountedDomain domain) : ITestDomain
{
    public string Root => domain.Path;

    public static async ValueTask<ITestDomain> StartAsync(TestBusOptions options, CancellationToken cancellation)
    {
        string program = DaemonProgram.Find() ?? throw new InvalidOperationException(DaemonProgram.WhyNot());
        return new MountedTestDomain(await MountedDomain.StartAsync(program, options.Extensions ? "" : "extensions=off", cancellation).ConfigureAwait(false));
    }

    public int Open(string path, out IEndpointFile? opened)
    {
        int result = EndpointFile.Open(Path.Combine(Root, path), out EndpointFile? file);
        opened = file;
        return result;
    }

    public ValueTask<BusConnection> ConnectAsync(string path, BusConnectionOptions? options, CancellationToken cancellation) =>
        BusConnection.ConnectAsync(Path.Combine(Root, path), options, cancellation);

    public ValueTask DisposeAsync() => domain.DisposeAsync();
}
