using Kdbus.Abi;
using Kdbus.Client.Internal;

namespace Kdbus.Client;

/// <summary>
/// A custom endpoint that this process has made: another door to a bus, with a policy of its own that denies what it does not allow. It lives until this is
/// disposed, or the process ends.
/// </summary>
public sealed class OwnedEndpoint : IDisposable
{
    private readonly IEndpointFile _file;

    private OwnedEndpoint(IEndpointFile file, string path) => (_file, Path) = (file, path);

    /// <summary>Its path, to which one connects.</summary>
    public string Path { get; }

    /// <summary>Makes an endpoint. For the owner of the bus and root.</summary>
    /// <param name="bus">Path of the directory of the bus.</param>
    /// <param name="name">As that of a bus.</param>
    /// <param name="access">Who may enter.</param>
    /// <exception cref="BusRefusedException">EPERM: the bus belongs to somebody else. EEXIST: there is an endpoint of this name.</exception>
    public static OwnedEndpoint Make(string bus, string name, Access access = Access.Owner)
    {
        string full = $"{MakeCommand.Uid}-{name}";
        string door = System.IO.Path.Combine(bus, "bus");
        Failures.Check(EndpointFile.Open(door, out EndpointFile? file), $"open {door}");
        return Make(file!, System.IO.Path.Combine(bus, full), full, access);
    }

    /// <summary>Makes one on an open file of the default endpoint, which belongs to it from now on.</summary>
    internal static OwnedEndpoint Make(IEndpointFile endpoint, string path, string fullName, Access access)
    {
        MakeCommand.Issue(endpoint, Command.EndpointMake, fullName, access, $"make the endpoint {path}");
        return new OwnedEndpoint(endpoint, path);
    }

    /// <summary>Replaces its policy. What the bus itself does not allow is not allowed here either.</summary>
    /// <param name="policy">Names, at the end of which a word can be <c>*</c>, and who may do what with them.</param>
    /// <exception cref="BusRefusedException">EINVAL: a name stands there twice. E2BIG: too many.</exception>
    public void SetPolicy(IEnumerable<KeyValuePair<string, IReadOnlyList<PolicyAccess>>> policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        List<(ItemType, byte[])> items = [];
        foreach ((string name, IReadOnlyList<PolicyAccess> accesses) in policy)
        {
            items.Add((ItemType.Name, MakeCommand.Text(Names.Check(name, acceptWildcard: true))));
            foreach (PolicyAccess access in accesses)
                items.Add((ItemType.PolicyAccess, MakeCommand.Bytes(access.ToItem())));
        }
        MakeCommand.Issue(_file, Command.EndpointUpdate, 0, $"set the policy of {Path}", [.. items]);
    }

    /// <summary>The same for one name.</summary>
    public void SetPolicy(string name, params IReadOnlyList<PolicyAccess> accesses) => SetPolicy([new KeyValuePair<string, IReadOnlyList<PolicyAccess>>(name, accesses)]);

    /// <summary>Ends the endpoint and all connections that came through it.</summary>
    public void Dispose() => _file.Dispose();
}
