using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Kdbus.Fuzz.Grammar;

/// <summary>Breaks something valid a little: most of it stays valid, so that the break is met deep inside.</summary>
internal static class Damage
{
    public static byte[] Do(Dice dice, byte[] bytes)
    {
        var broken = (byte[])bytes.Clone();
        for (var times = dice.OneIn(4) ? dice.Below(6) : 1; times > 0 && broken.Length > 0; times--) broken = Once(dice, broken);
        return broken;
    }

    private static byte[] Once(Dice dice, byte[] bytes)
    {
        switch (dice.Below(9))
        {
            case 0: // a bit
                bytes[dice.Below(bytes.Length)] ^= (byte)(1 << dice.Below(8));
                return bytes;
            case 1: // a byte
                bytes[dice.Below(bytes.Length)] = (byte)dice.Wild();
                return bytes;
            case 2 or 3: // a number, of those that stand at multiples of 8
                if (bytes.Length < 8) return bytes;
                Word(dice, bytes) = dice.Wild();
                return bytes;
            case 4: // a number, a little
                if (bytes.Length < 8) return bytes;
                Word(dice, bytes) += (ulong)(dice.Below(33) - 16);
                return bytes;
            case 5: // the size
                if (bytes.Length < 8) return bytes;
                var size = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                BinaryPrimitives.WriteUInt64LittleEndian(bytes, dice.OneIn(3) ? dice.Wild() : size + (ulong)(dice.Below(33) - 16));
                return bytes;
            case 6: // too short
                return bytes[..dice.Below(bytes.Length)];
            case 7: // garbage behind it, counted
                byte[] longer = [.. bytes, .. dice.Bytes(dice.Below(64))];
                if (longer.Length >= 8) BinaryPrimitives.WriteUInt64LittleEndian(longer, (ulong)longer.Length);
                return longer;
            default: // a piece of it twice, counted
                var start = dice.Below(bytes.Length) & ~7;
                byte[] doubled = [.. bytes, .. bytes[start..]];
                if (doubled.Length >= 8) BinaryPrimitives.WriteUInt64LittleEndian(doubled, (ulong)doubled.Length);
                return doubled;
        }
    }

    private static ref ulong Word(Dice dice, byte[] bytes) =>
        ref MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan(0, bytes.Length & ~7))[dice.Below(bytes.Length / 8)];
}
