using Kdbus.Abi;
using Kdbus.Client.Internal;

namespace Kdbus.Client;

/// <summary>Who may enter a bus or an endpoint, by file permissions. Its owner always may.</summary>
public enum Access
{
    /// <summary>The owner.</summary>
    Owner,

    /// <summary>The group too.</summary>
    Group,

    /// <summary>Everybody.</summary>
    World,
}

/// <summary>How to make a bus.</summary>
public sealed record BusOptions
{
    /// <summary>Who may enter.</summary>
    public Access Access { get; init; }

    /// <summary>What every connection has to allow to be told about it; who does not is refused.</summary>
    public AttachFlags RequiredMetadata { get; init; }

    /// <summary>What <see cref="BusConnection.GetBusCreator"/> tells about this process.</summary>
    public AttachFlags OwnMetadata { get; init; } = AttachFlags.All;

    /// <summary>The form of bloom filters.</summary>
    public BloomParameters Bloom { get; init; } = new(64, 2);
}

/// <summary>A bus that this process has made. It lives until this is disposed, or the process ends.</summary>
public sealed class OwnedBus : IDisposable
{
    private readonly IEndpointFile _file;

    private OwnedBus(IEndpointFile file, string path) => (_file, Path) = (file, path);

    /// <summary>Path of its directory.</summary>
    public string Path { get; }

    /// <summary>Path of its default endpoint, to which one connects.</summary>
    public string Endpoint => System.IO.Path.Combine(Path, "bus");

    /// <summary>Makes a bus.</summary>
    /// <param name="domain">Where the domain is mounted.</param>
    /// <param name="name">Letters, digits, and _ - . inside. The bus is called as its owner's uid, a dash, and this, together at most 63 characters.</param>
    /// <param name="options">How.</param>
    /// <exception cref="BusRefusedException">ENOENT: no domain is mounted there. EEXIST: there is a bus of this name. EMFILE: too many buses of this user.</exception>
    public static OwnedBus Make(string domain, string name, BusOptions? options = null)
    {
        options ??= new BusOptions();
        string full = $"{MakeCommand.Uid}-{name}";
        string control = System.IO.Path.Combine(domain, "control");
        Failures.Check(EndpointFile.Open(control, out EndpointFile? file), $"open {control}");
        return Make(file!, System.IO.Path.Combine(domain, full), full, options);
    }

    /// <summary>Makes one on an open file <c>control</c>, which belongs to it from now on.</summary>
    internal static OwnedBus Make(IEndpointFile control, string path, string fullName, BusOptions options)
    {
        MakeCommand.Issue(
            control, Command.BusMake, fullName, options.Access, $"make the bus {path}",
            (ItemType.BloomParameter, MakeCommand.Bytes(new KdbusBloomParameter { Size = (ulong)options.Bloom.Size, NHash = (ulong)options.Bloom.Hashes })),
            (ItemType.AttachFlagsSend, MakeCommand.Bytes((ulong)options.OwnMetadata)),
            (ItemType.AttachFlagsRecv, MakeCommand.Bytes((ulong)options.RequiredMetadata)));
        return new OwnedBus(control, path);
    }

    /// <summary>Ends the bus and all its connections.</summary>
    public void Dispose() => _file.Dispose();
}
