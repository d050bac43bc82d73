namespace Kdbus.Conformance.Words;

public sealed partial class Peer
{
    /// <summary>A HELLO of an activator for a name, with who may do what with the name.</summary>
    public static WireStruct ActivatorHello(
        string name, Action<PolicyRules>? policy = null, HelloFlags flags = HelloFlags.AcceptFd, ulong recv = 0, ulong poolSize = DefaultPoolSize) =>
        NamedHello(HelloFlags.Activator | flags, name, policy, recv, poolSize);

    /// <summary>A HELLO of a policy holder for a name or wildcard, with who may do what with it.</summary>
    public static WireStruct PolicyHolderHello(string name, Action<PolicyRules>? policy = null) =>
        NamedHello(HelloFlags.PolicyHolder, name, policy, 0, DefaultPoolSize);

    /// <summary>A HELLO of a monitor.</summary>
    public static WireStruct MonitorHello(HelloFlags flags = HelloFlags.AcceptFd, ulong recv = 0, ulong poolSize = DefaultPoolSize) =>
        HelloCommand(HelloFlags.Monitor | flags, recv: recv, poolSize: poolSize);

    private static WireStruct NamedHello(HelloFlags flags, string name, Action<PolicyRules>? policy, ulong recv, ulong poolSize)
    {
        WireStruct hello = HelloCommand(flags, recv: recv, poolSize: poolSize).Text(ItemType.Name, name);
        policy?.Invoke(new PolicyRules(hello));
        return hello;
    }
}
