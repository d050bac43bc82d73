using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;

namespace Kdbus.Client.Internal;

/// <summary>The command HELLO, from options.</summary>
internal static class Hello
{
    /// <summary>Says what is wrong with the options.</summary>
    /// <exception cref="ArgumentException">Something is.</exception>
    public static void Check(BusConnectionOptions options)
    {
        if (options.PoolSize <= 0 || options.PoolSize % Environment.SystemPageSize != 0)
            throw new ArgumentException($"PoolSize is {options.PoolSize}; it must be a multiple of the page size, {Environment.SystemPageSize}.", nameof(options));
        if (options.MaxPendingCalls < 1)
            throw new ArgumentException("MaxPendingCalls must be at least 1.", nameof(options));
        if (options.InboxCapacity < 1)
            throw new ArgumentException("InboxCapacity must be at least 1.", nameof(options));
        bool needsName = options.Kind is ConnectionKind.Activator or ConnectionKind.PolicyHolder;
        if (needsName != options.Name is not null)
            throw new ArgumentException(needsName ? $"{options.Kind} needs a Name." : "A Name is for an Activator or a PolicyHolder; others acquire names.", nameof(options));
        if (options.Name is not null)
            _ = Names.Check(options.Name, acceptWildcard: options.Kind == ConnectionKind.PolicyHolder);
        if (options.Description is { } description && (description.Length is 0 or > Limits.SysNameMaxLen || !Ascii.IsValid(description)))
            throw new ArgumentException($"Description must have 1 to {Limits.SysNameMaxLen} ASCII characters.", nameof(options));
    }

    /// <summary>The command with its items.</summary>
    public static byte[] Write(BusConnectionOptions options)
    {
        int head = Marshal.SizeOf<KdbusCmdHello>();
        byte[] command = new byte[head + 512 + options.Policy.Count * Item.SizeInChain(Marshal.SizeOf<KdbusPolicyAccess>())];
        var items = new ItemWriter(command.AsSpan(head));
        if (options.Description is not null)
            items.WriteString(ItemType.ConnDescription, Encoding.ASCII.GetBytes(options.Description));
        if (options.Name is not null)
            items.WriteString(ItemType.Name, Encoding.ASCII.GetBytes(options.Name));
        foreach (PolicyAccess access in options.Policy)
            items.Write(ItemType.PolicyAccess, access.ToItem());
        MemoryMarshal.Write(command, new KdbusCmdHello
        {
            Size = (ulong)(head + items.Length),
            Flags = (ulong)Flags(options),
            AttachFlagsSend = (ulong)options.SendMetadata,
            AttachFlagsRecv = (ulong)options.ReceiveMetadata,
            PoolSize = (ulong)options.PoolSize,
        });
        return command;
    }

    private static HelloFlags Flags(BusConnectionOptions options) =>
        (options.AcceptDescriptors ? HelloFlags.AcceptFd : HelloFlags.None) | options.Kind switch
        {
            ConnectionKind.Ordinary => HelloFlags.None,
            ConnectionKind.Activator => HelloFlags.Activator,
            ConnectionKind.PolicyHolder => HelloFlags.PolicyHolder,
            ConnectionKind.Monitor => HelloFlags.Monitor,
            _ => throw new ArgumentException($"{options.Kind} is no kind of connection.", nameof(options)),
        };
}
