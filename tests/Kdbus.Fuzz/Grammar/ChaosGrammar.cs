using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;
using Kdbus.Fuzz.Serving;

namespace Kdbus.Fuzz.Grammar;

/// <summary>
/// What no kernel sends. Only two things stay true, or nobody could tell right from wrong: the number of a request is new,
/// and its thread is the one that it says.
/// </summary>
internal sealed class ChaosGrammar(Dice dice)
{
    private const int UniqueAt = 8;
    private const int PidAt = 32;
    private const int Longest = 60_000;

    /// <summary>Something made of a <paramref name="plausible"/> request or of nothing, numbered <paramref name="unique"/>.</summary>
    public Sent Build(Sent plausible, ulong unique)
    {
        var bytes = dice.Below(4) switch
        {
            0 => dice.Bytes(1 + dice.Below(dice.OneIn(20) ? Longest : 120)),
            1 => Made(),
            _ => Damage.Do(dice, plausible.Bytes),
        };
        if (bytes.Length > Longest) bytes = bytes[..Longest];
        // Nothing at all would be the end of the channel.
        if (bytes.Length == 0) bytes = [0];
        if (bytes.Length >= UniqueAt + sizeof(ulong)) MemoryMarshal.Write(bytes.AsSpan(UniqueAt), unique);
        if (bytes.Length >= FuseProtocol.InHeaderSize) plausible.Bytes.AsSpan(PidAt, sizeof(uint)).CopyTo(bytes.AsSpan(PidAt));
        // Mostly as long as it says: what is not goes no further than its header.
        if (bytes.Length >= FuseProtocol.InHeaderSize && !dice.OneIn(6))
        {
            MemoryMarshal.Write(bytes, (uint)bytes.Length);
            if (!dice.OneIn(6)) MemoryMarshal.Write(bytes.AsSpan(36), 0);
        }

        return new Sent(bytes)
        {
            Process = plausible.Process,
            Thread = plausible.Thread,
            Argument = ArgumentOf(bytes),
            CommandSize = Limits.CmdMaxSize,
        };
    }

    private byte[] Made()
    {
        var header = new FuseInHeader
        {
            Opcode = (FuseOpcode)(dice.OneIn(10) ? (uint)dice.Wild() : (uint)dice.Below(56)),
            NodeId = dice.OneIn(4) ? dice.Wild() : (ulong)dice.Below(20),
            Uid = (uint)dice.Wild(),
        };
        var arguments = new byte[dice.OneIn(10) ? dice.Below(300) : 8 * dice.Below(14)];
        for (var at = 0; at + 8 <= arguments.Length; at += 8)
        {
            BitConverter.TryWriteBytes(arguments.AsSpan(at), dice.OneIn(2) ? (ulong)dice.Below(24) : dice.Wild());
        }

        return [.. MemoryMarshal.AsBytes(new ReadOnlySpan<FuseInHeader>(in header)), .. arguments];
    }

    private static ulong ArgumentOf(byte[] bytes) =>
        bytes.Length >= FuseProtocol.InHeaderSize + 32 ? MemoryMarshal.Read<FuseIoctlIn>(bytes.AsSpan(FuseProtocol.InHeaderSize)).Arg : 0;
}
