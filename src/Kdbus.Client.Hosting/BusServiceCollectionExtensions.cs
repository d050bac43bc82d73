using System.Diagnostics.CodeAnalysis;
using Kdbus.Client;
using Kdbus.Client.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>A bus for an application with a host.</summary>
public static class BusServiceCollectionExtensions
{
    /// <summary>Connects the host to a bus: adds a <see cref="BusConnection"/> that whoever needs one is given, and that ends with the host.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="section">Settings, by the names of <see cref="BusHostOptions"/>: <c>"Bus": { "Address": "/run/kdbus/1000-demo/bus" }</c>.</param>
    public static IServiceCollection AddBus(this IServiceCollection services, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<BusHostOptions>().Bind(section);
        return AddHost(services);
    }

    /// <summary>The same, with settings made by code.</summary>
    public static IServiceCollection AddBus(this IServiceCollection services, Action<BusHostOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<BusHostOptions>().Configure(configure);
        return AddHost(services);
    }

    /// <summary>Serves an interface on the bus of the host, by one object for the time of the host.</summary>
    /// <typeparam name="TService">An interface with <see cref="BusServiceAttribute"/>.</typeparam>
    /// <typeparam name="TImplementation">What carries out the calls, given what it needs by the container.</typeparam>
    /// <param name="services">Where to; <c>AddBus</c> as well.</param>
    /// <param name="options">How; what handlers throw is logged in any case.</param>
    public static IServiceCollection AddBusService<TService, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TImplementation>(
        this IServiceCollection services, ServeOptions? options = null)
        where TService : class
        where TImplementation : class, TService
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton<TImplementation>();
        services.TryAddSingleton<TService>(static provider => provider.GetRequiredService<TImplementation>());
        services.AddSingleton<ServiceRegistration>(new ServiceRegistration<TService, TImplementation>(options ?? new ServeOptions()));
        return services;
    }

    /// <summary>Lets an interface be asked for that somebody serves on the bus of the host.</summary>
    /// <typeparam name="TService">An interface with <see cref="BusServiceAttribute"/>.</typeparam>
    /// <param name="services">Where to; <c>AddBus</c> as well.</param>
    /// <param name="name">The well-known name at which it is served; null is that of the interface.</param>
    /// <param name="options">How to call it.</param>
    public static IServiceCollection AddBusClient<TService>(this IServiceCollection services, string? name = null, ClientOptions? options = null)
        where TService : class
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddSingleton(provider =>
        {
            BusConnection connection = provider.GetRequiredService<BusConnection>();
            return name is null ? connection.GetClient<TService>(options) : connection.GetClient<TService>(name, options);
        });
        return services;
    }

    /// <summary>Checks that the bus of the host answers.</summary>
    public static IHealthChecksBuilder AddBus(this IHealthChecksBuilder checks, string name = "bus", params string[] tags)
    {
        ArgumentNullException.ThrowIfNull(checks);
        return checks.AddCheck<BusHealthCheck>(name, failureStatus: null, tags);
    }

    private static IServiceCollection AddHost(IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<BusHostOptions>, BusHostOptionsValidator>());
        services.AddOptions<BusHostOptions>().ValidateOnStart();
        services.TryAddSingleton(static provider => BusHost.Connect(
            provider.GetRequiredService<IOptions<BusHostOptions>>().Value,
            provider.GetRequiredService<IHostApplicationLifetime>(),
            provider.GetRequiredService<ILogger<BusHost>>()));
        services.TryAddSingleton<BusHealthCheck>();
        services.AddHostedService<BusHost>();
        return services;
    }

    private sealed class BusHostOptionsValidator : IValidateOptions<BusHostOptions>
    {
        public ValidateOptionsResult Validate(string? name, BusHostOptions options)
        {
            if (string.IsNullOrEmpty(options.Address))
                return ValidateOptionsResult.Fail("The bus has no Address: set it to the path of an endpoint, such as /run/kdbus/1000-demo/bus.");
            try
            {
                _ = BusAddress.Parse(options.Address);
                return ValidateOptionsResult.Success;
            }
            catch (ArgumentException wrong)
            {
                return ValidateOptionsResult.Fail(wrong.Message);
            }
        }
    }
}
