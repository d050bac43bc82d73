using System.ComponentModel;
using System.Text;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client.Services;

/// <summary>What is known of an interface when it is compiled. Generated code derives from it and registers itself; nobody else needs it.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class ServiceContract
{
    private readonly ServiceMember[] _members;
    private readonly byte[] _name;

    private protected ServiceContract(string interfaceName, IBusSerializer serializer, ServiceMember[] members, ServiceError[] errors)
    {
        Interface = interfaceName;
        Serializer = serializer;
        _members = members;
        _name = Encoding.UTF8.GetBytes(interfaceName);
        foreach (ServiceMember member in members)
            member.Complete(interfaceName, serializer.Id, errors);
    }

    /// <summary>Name of the interface on the bus.</summary>
    public string Interface { get; }

    /// <summary>How its values are encoded.</summary>
    public IBusSerializer Serializer { get; }

    /// <summary>A member, in the order of the generated code.</summary>
    public ServiceMember this[int index] => _members[index];

    internal bool IsNamed(ReadOnlySpan<byte> name) => name.SequenceEqual(_name);

    /// <summary>Which member has this name; -1 if none.</summary>
    internal int IndexOf(ReadOnlySpan<byte> member)
    {
        for (int i = 0; i < _members.Length; i++)
        {
            if (member.SequenceEqual(_members[i].Utf8Name))
                return i;
        }
        return -1;
    }

    internal abstract void Invoke(int member, object service, ref ServiceCall call);
}

/// <inheritdoc/>
/// <typeparam name="T">The interface.</typeparam>
/// <param name="interfaceName">Name of the interface on the bus.</param>
/// <param name="serializer">How its values are encoded.</param>
/// <param name="members">Its members.</param>
/// <param name="errors">Errors that all members may answer with.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class ServiceContract<T>(string interfaceName, IBusSerializer serializer, ServiceMember[] members, ServiceError[] errors)
    : ServiceContract(interfaceName, serializer, members, errors)
    where T : class
{
    /// <summary>Makes a client.</summary>
    public abstract T CreateClient(ServiceClient client);

    /// <summary>Reads the arguments of a call, lets a member of the service run, and gives its result to the call.</summary>
    protected abstract void Invoke(int member, T service, ref ServiceCall call);

    internal sealed override void Invoke(int member, object service, ref ServiceCall call) => Invoke(member, (T)service, ref call);
}

/// <summary>A member of an interface.</summary>
/// <param name="name">Its name on the bus.</param>
/// <param name="parameters">How many arguments its clients send.</param>
/// <param name="isStream">Whether it answers with a stream.</param>
/// <param name="errors">Errors that it alone may answer with.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class ServiceMember(string name, int parameters, bool isStream = false, params ServiceError[] errors)
{
    private ServiceError[] _errors = errors;

    /// <summary>Its name on the bus.</summary>
    public string Name { get; } = name;

    internal byte[] Utf8Name { get; } = Encoding.UTF8.GetBytes(name);

    internal bool IsStream { get; } = isStream;

    internal string Interface { get; private set; } = "";

    /// <summary>Interface and member, as spans are called.</summary>
    internal string FullName { get; private set; } = "";

    /// <summary>The beginning of every request, up to the names.</summary>
    internal byte[] RequestHeader { get; private set; } = [];

    internal void Complete(string interfaceName, byte serializer, ServiceError[] errors)
    {
        Interface = interfaceName;
        FullName = $"{interfaceName}/{Name}";
        _errors = [.. _errors, .. errors];
        byte[] interfaceBytes = Encoding.UTF8.GetBytes(interfaceName);
        RequestHeader =
        [
            CallHeader.Version, (byte)(IsStream ? CallKind.Open : CallKind.Call), serializer, (byte)CallFlags.None,
            (byte)interfaceBytes.Length, (byte)Utf8Name.Length, (byte)parameters, (byte)(parameters >> 8),
            .. interfaceBytes, .. Utf8Name,
        ];
    }

    /// <summary>An error as what it is, if this member is known to answer with it.</summary>
    internal PeerFailedException? Typed(Exception fault)
    {
        if (fault is not PeerFailedException { Failure: PeerFailure.Error } failure)
            return null;
        foreach (ServiceError error in _errors)
        {
            if (error.Name == failure.ErrorName)
                return error.Create(failure.Message);
        }
        return null;
    }
}

/// <summary>An exception that has a name on the bus.</summary>
/// <param name="Name">The name.</param>
/// <param name="Create">Makes one from its text.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record ServiceError(string Name, Func<string, PeerFailedException> Create);
