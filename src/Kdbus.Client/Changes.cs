namespace Kdbus.Client;

/// <summary>A name has got, lost or changed its owner.</summary>
/// <param name="Name">The name.</param>
/// <param name="OldOwner">Id of who had it; 0 if nobody.</param>
/// <param name="NewOwner">Id of who has it now; 0 if nobody.</param>
/// <param name="IsActivator">Whether who has it is only an activator.</param>
public readonly record struct NameChange(string Name, ulong OldOwner, ulong NewOwner, bool IsActivator);

/// <summary>A connection came or went.</summary>
/// <param name="Id">Its id.</param>
/// <param name="IsThere">Whether it came.</param>
public readonly record struct PeerChange(ulong Id, bool IsThere);

/// <summary>Who owns a name.</summary>
/// <param name="Name">The name.</param>
/// <param name="Owner">Id of the owner; 0 if nobody has it.</param>
/// <param name="IsActivator">Whether the owner is only an activator.</param>
public readonly record struct NameOwner(string Name, ulong Owner, bool IsActivator)
{
    /// <summary>Whether there is somebody who serves, or will be started when something is sent.</summary>
    public bool IsOwned => Owner != 0;
}
