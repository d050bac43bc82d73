using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Client.Internal;

/// <summary>Commands that consist of flags and items: those that make buses and endpoints, and give them policy.</summary>
internal static unsafe class MakeCommand
{
    /// <summary>The effective uid, with which names of buses and endpoints begin.</summary>
    public static uint Uid => Credentials.EffectiveUid;

    /// <summary>Makes something with a name.</summary>
    /// <exception cref="BusException">The bus does not want to; the file is closed.</exception>
    public static void Issue(IEndpointFile file, Command command, string name, Access access, string operation, params ReadOnlySpan<(ItemType Type, byte[] Payload)> items)
    {
        MakeFlags flags = access switch { Access.Owner => MakeFlags.None, Access.Group => MakeFlags.AccessGroup, _ => MakeFlags.AccessWorld };
        try
        {
            Issue(file, command, (ulong)flags, operation, [(ItemType.MakeName, Text(name)), .. items]);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Issues a command.</summary>
    public static void Issue(IEndpointFile file, Command command, ulong flags, string operation, params ReadOnlySpan<(ItemType Type, byte[] Payload)> items)
    {
        int size = sizeof(KdbusCmd);
        foreach ((_, byte[] payload) in items)
            size += Item.SizeInChain(payload.Length);
        byte[] bytes = new byte[size];
        var writer = new ItemWriter(bytes.AsSpan(sizeof(KdbusCmd)));
        foreach ((ItemType type, byte[] payload) in items)
            writer.Write(type, payload);
        MemoryMarshal.Write(bytes, new KdbusCmd { Size = (ulong)size, Flags = flags });
        int result;
        fixed (byte* argument = bytes)
        {
            do
            {
                result = file.Ioctl((uint)command, argument);
            }
            while (result == -SystemError.EINTR);
        }
        Failures.Check(result, operation);
    }

    public static byte[] Bytes<T>(T value)
        where T : unmanaged
    {
        byte[] bytes = new byte[Unsafe.SizeOf<T>()];
        MemoryMarshal.Write(bytes, value);
        return bytes;
    }

    public static byte[] Text(string text)
    {
        if (!Ascii.IsValid(text))
            throw new ArgumentException($"\"{text}\" has characters that names do not have.", nameof(text));
        return [.. Encoding.ASCII.GetBytes(text), 0];
    }
}
