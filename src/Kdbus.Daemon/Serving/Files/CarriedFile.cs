namespace Kdbus.Daemon.Serving.Files;

/// <summary>
/// A file that is carried for a message: our copy of a descriptor, and what has to be known when it is closed. The engine keeps it as a
/// number, which is never 0.
/// </summary>
/// <param name="Descriptor">Our copy.</param>
/// <param name="Uid">Whose it was.</param>
/// <param name="IsServedByOthers">It lies on a FUSE mount of somebody, who is told when the copy is closed and may never answer.</param>
internal readonly record struct CarriedFile(int Descriptor, uint Uid, bool IsServedByOthers)
{
    private const uint ServedByOthers = 1U << 31;

    public static CarriedFile Of(ulong number) =>
        new((int)((uint)number & ~ServedByOthers) - 1, (uint)(number >> 32), ((uint)number & ServedByOthers) != 0);

    public ulong ToNumber() => ((ulong)Uid << 32) | ((uint)Descriptor + 1) | (IsServedByOthers ? ServedByOthers : 0);
}
