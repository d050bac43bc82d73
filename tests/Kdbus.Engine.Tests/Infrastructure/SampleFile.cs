using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>What is in a file: whatever its number and the place make it, so that no two files and no two places are alike.</summary>
internal static class SampleFile
{
    public static byte[] Content(ulong file, ulong start, int size)
    {
        var bytes = new byte[size];
        for (var i = 0; i < size; i++)
        {
            var place = start + (ulong)i;
            bytes[i] = (byte)((file * 101) + (place * 7) + (place >> 8));
        }

        return bytes;
    }

    /// <summary>As whoever drives the engine does it; false if the host has no memory for it.</summary>
    public static bool Copy(Handout handout)
    {
        foreach (var content in handout.Contents)
        {
            if (!handout.Memory.Back(content.PoolOffset, content.Size)) return false;
            Content(content.File, content.Start, (int)content.Size).CopyTo(handout.Memory.Room(content.PoolOffset, (int)content.Size));
        }

        return true;
    }
}
