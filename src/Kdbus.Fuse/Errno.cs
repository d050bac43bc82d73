namespace Kdbus.Fuse;

/// <summary>The error numbers this layer itself answers with (errno(3), the numbers of the asm-generic ABI).</summary>
internal static class Errno
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int EAGAIN = 11;
    public const int ENODEV = 19;
    public const int EINVAL = 22;
    public const int ENOTTY = 25;
    public const int ERANGE = 34;
    public const int ENOSYS = 38;
    public const int EPROTO = 71;
    public const int EOPNOTSUPP = 95;
    public const int ECONNABORTED = 103;

    /// <summary>The largest number an out header may carry; above it are the kernel's internal restart codes.</summary>
    public const int Max = 511;
}
