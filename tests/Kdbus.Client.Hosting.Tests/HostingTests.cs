using Kdbus.Client.Hosting;
using Kdbus.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kdbus.Client.Tests.Hosting;

/// <summary>Hosts on a bus of the test's own. The exit code of a process and its tracing belong to all that is in it: these tests run one after the other.</summary>
[Collection("process")]
public sealed class HostingTests : IAsyncLifetime
{
    private const string Name = "org.example.HostedClock";
    private readonly int _exitCode = Environment.ExitCode;
    private TestBus _bus = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _bus = await TestBus.StartAsync(new TestBusOptions { Transport = TestTransport.Mounted }, Cancellation);

    public async ValueTask DisposeAsync()
    {
        await _bus.DisposeAsync();
        Environment.ExitCode = _exitCode;
    }

    [Fact]
    public async Task A_host_serves_an_interface_and_the_injected_client_of_another_host_calls_it()
    {
        using IHost service = await StartAsync(static services => services.AddBusService<IClock, Clock>());
        using IHost client = await StartAsync(static services => services.AddBusClient<IClock>());
        Assert.Equal(Clock.Time, await client.Services.GetRequiredService<IClock>().NowAsync());
        Assert.NotEqual(service.Services.GetRequiredService<BusConnection>().Id, client.Services.GetRequiredService<BusConnection>().Id);
    }

    [Fact]
    public async Task A_client_calls_at_another_name_than_that_of_the_interface()
    {
        using IHost service = await StartAsync(static services => services.AddBusService<IClock, Clock>(new ServeOptions { Name = "org.example.Other" }));
        using IHost client = await StartAsync(static services => services.AddBusClient<IClock>("org.example.Other"));
        Assert.Equal(Clock.Time, await client.Services.GetRequiredService<IClock>().NowAsync());
    }

    [Fact]
    public async Task A_host_can_be_a_client_of_what_it_serves()
    {
        using IHost host = await StartAsync(static services => services.AddBusClient<IClock>().AddBusService<IClock, Clock>());
        IClock client = host.Services.GetRequiredService<IClock>();
        Assert.IsNotType<Clock>(client);
        Assert.Equal(Clock.Time, await client.NowAsync());
    }

    [Fact]
    public async Task Settings_come_from_a_section_of_the_configuration()
    {
        HostApplicationBuilder builder = MakeBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Bus:Address"] = $"kernel:path={_bus.Path}",
            ["Bus:Description"] = "hosted-test",
            ["Bus:PoolSize"] = "1048576",
            ["Bus:ReceiveMetadata"] = "Names, Creds",
            ["Bus:CallTimeout"] = "00:00:07",
        });
        builder.Services.AddBus(builder.Configuration.GetSection("Bus"));
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        BusConnection connection = host.Services.GetRequiredService<BusConnection>();
        Assert.Equal(_bus.Path, connection.Address);
        Assert.Equal(("hosted-test", 1 << 20, TimeSpan.FromSeconds(7)), (connection.Options.Description, connection.Options.PoolSize, connection.Options.CallTimeout));
        Assert.Equal(Abi.AttachFlags.Names | Abi.AttachFlags.Creds, connection.Options.ReceiveMetadata);
        await host.StopAsync(Cancellation);
    }

    [Theory]
    [InlineData(null, "Address")]
    [InlineData("tcp:host=example.org", "\"tcp:host=example.org\"")]
    public async Task An_address_that_is_missing_or_none_fails_the_start_and_is_named(string? address, string named)
    {
        HostApplicationBuilder builder = MakeBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal) { ["Bus:Address"] = address });
        builder.Services.AddBus(builder.Configuration.GetSection("Bus"));
        using IHost host = builder.Build();
        OptionsValidationException failure = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Cancellation));
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_at_which_no_bus_is_fails_the_start_and_is_named()
    {
        using IHost host = Build(static services => services.Configure<BusHostOptions>(static options => (options.Address, options.WaitForEndpoint) = ("/nowhere/bus", TimeSpan.Zero)));
        BusRefusedException failure = await Assert.ThrowsAsync<BusRefusedException>(() => host.StartAsync(Cancellation));
        Assert.Contains("/nowhere/bus", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_background_service_that_takes_the_interface_in_its_constructor_gets_it()
    {
        using IHost service = await StartAsync(static services => services.AddBusService<IClock, Clock>());
        using IHost client = await StartAsync(static services => services.AddBusClient<IClock>().AddSingleton<Reader>().AddHostedService(Reader.Of));
        Assert.Equal(Clock.Time, await client.Services.GetRequiredService<Reader>().Read.WaitAsync(Cancellation));
    }

    [Fact]
    public async Task What_a_host_serves_can_be_called_by_hosted_services_that_were_added_before_the_bus()
    {
        HostApplicationBuilder builder = MakeBuilder();
        builder.Services.AddSingleton<Reader>().AddHostedService(Reader.Of);
        Add(builder.Services);
        builder.Services.AddBusClient<IClock>().AddBusService<IClock, Clock>();
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        Assert.Equal(Clock.Time, await host.Services.GetRequiredService<Reader>().Read.WaitAsync(Cancellation));
    }

    [Fact]
    public async Task A_fault_of_a_handler_is_logged_with_interface_member_and_caller()
    {
        using Logs logs = new();
        using IHost service = await StartAsync(services => services.AddBusService<IClock, Clock>().AddSingleton<ILoggerProvider>(logs));
        using IHost client = await StartAsync(static services => services.AddBusClient<IClock>());
        await Assert.ThrowsAsync<PeerFailedException>(() => client.Services.GetRequiredService<IClock>().FailAsync());
        LogEntry entry = await logs.TakeAsync(4);
        Assert.Equal(LogLevel.Error, entry.Level);
        Assert.Equal("The spring is broken.", Assert.IsType<InvalidOperationException>(entry.Exception).Message);
        Assert.Equal(
            (Name, "Fail", client.Services.GetRequiredService<BusConnection>().Id),
            (entry.Values["Interface"], entry.Values["Member"], entry.Values["Caller"]));
    }

    [Fact]
    public async Task The_health_check_is_healthy_and_unhealthy_after_the_bus_has_ended()
    {
        using IHost host = await StartAsync(static services =>
        {
            services.Configure<BusHostOptions>(static options => options.StopWhenLost = false);
            services.AddHealthChecks().AddBus();
        });
        HealthCheckService checks = host.Services.GetRequiredService<HealthCheckService>();
        HealthReport before = await checks.CheckHealthAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, before.Status);
        Assert.Equal(host.Services.GetRequiredService<BusConnection>().Id, before.Entries["bus"].Data["id"]);

        _bus.End();
        Assert.Equal(HealthStatus.Unhealthy, (await checks.CheckHealthAsync(Cancellation)).Status);
    }

    [Fact]
    public async Task The_application_stops_with_exit_code_1_when_the_bus_ends()
    {
        using Logs logs = new();
        using IHost host = await StartAsync(services => services.AddBusService<IClock, Clock>().AddSingleton<ILoggerProvider>(logs));
        Task shutdown = host.WaitForShutdownAsync(Cancellation);
        _bus.End();
        await shutdown;
        Assert.Equal(1, Environment.ExitCode);
        Assert.Equal(LogLevel.Critical, (await logs.TakeAsync(3)).Level);
    }

    [Fact]
    public async Task An_application_that_has_made_no_call_stops_when_the_bus_ends_too()
    {
        using IHost host = await StartAsync(static services => services.AddBusClient<IClock>());
        Task shutdown = host.WaitForShutdownAsync(Cancellation);
        _bus.End();
        await shutdown;
        Assert.Equal(1, Environment.ExitCode);
    }

    [Fact]
    public async Task The_application_goes_on_without_a_bus_if_it_is_to()
    {
        using Logs logs = new();
        using IHost host = await StartAsync(services => services
            .Configure<BusHostOptions>(static options => options.StopWhenLost = false).AddBusService<IClock, Clock>().AddSingleton<ILoggerProvider>(logs));
        _bus.End();
        Assert.Contains("goes on", (await logs.TakeAsync(3)).Text, StringComparison.Ordinal);
        Assert.False(host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        Assert.Equal(_exitCode, Environment.ExitCode);
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Stopping_the_host_releases_the_name_and_can_be_done_twice()
    {
        using IHost host = await StartAsync(static services => services.AddBusService<IClock, Clock>());
        await using BusConnection other = await _bus.ConnectAsync(ct: Cancellation);
        Assert.Equal(host.Services.GetRequiredService<BusConnection>().Id, other.GetOwner(Name).Owner);
        await host.StopAsync(Cancellation);
        Assert.Equal(0ul, other.GetOwner(Name).Owner);
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_host_that_is_disposed_without_being_stopped_has_not_lost_the_bus()
    {
        using Logs logs = new();
        IHost host = await StartAsync(services => services.AddBusService<IClock, Clock>().AddBusClient<IClock>().AddSingleton<ILoggerProvider>(logs));
        BusConnection connection = host.Services.GetRequiredService<BusConnection>();
        host.Dispose();
        Assert.True(connection.Ended.IsCancellationRequested);
        Assert.DoesNotContain(logs.TakeRest(), static entry => entry.Level == LogLevel.Critical);
        Assert.Equal(_exitCode, Environment.ExitCode);
    }

    [Fact]
    public void A_host_can_be_disposed_without_being_started()
    {
        using IHost host = Build(static services => services.AddBusService<IClock, Clock>());
    }

    [Fact]
    public async Task A_bus_that_is_added_twice_is_one_with_both_settings()
    {
        using IHost host = await StartAsync(static services =>
            services.AddBusService<IClock, Clock>().AddBus(static options => options.Description = "second"));
        Assert.Equal("second", host.Services.GetRequiredService<BusConnection>().Options.Description);
    }

    // Without the log on the console: what tests want to know about it, they collect themselves.
    private static HostApplicationBuilder MakeBuilder()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        return builder;
    }

    private void Add(IServiceCollection services) => services.AddBus(options => options.Address = _bus.Path!);

    private IHost Build(Action<IServiceCollection> add)
    {
        HostApplicationBuilder builder = MakeBuilder();
        Add(builder.Services);
        add(builder.Services);
        return builder.Build();
    }

    private async Task<IHost> StartAsync(Action<IServiceCollection> add)
    {
        IHost host = Build(add);
        await host.StartAsync(Cancellation);
        return host;
    }

    /// <summary>Asks for the time once.</summary>
    private sealed class Reader(IClock clock) : BackgroundService
    {
        private readonly TaskCompletionSource<long> _read = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public static Func<IServiceProvider, Reader> Of { get; } = static provider => provider.GetRequiredService<Reader>();

        public Task<long> Read => _read.Task;

        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            try
            {
                _read.SetResult(await clock.NowAsync());
            }
            catch (Exception failure)
            {
                _read.SetException(failure);
            }
        }
    }
}
