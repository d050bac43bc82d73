using System.Globalization;
using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// Error numbers of the kernel and the one place that turns them into text. Every call of this assembly reports failure as a negative
/// number of this table (<c>-EPERM</c>), never as an exception: what a system call may answer is an expected outcome.
/// </summary>
public static class SystemError
{
#pragma warning disable CS1591 // The names are errno(3)'s and say what they mean there.
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int ESRCH = 3;
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int ENXIO = 6;
    public const int E2BIG = 7;
    public const int EBADF = 9;
    public const int ECHILD = 10;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EACCES = 13;
    public const int EFAULT = 14;
    public const int EBUSY = 16;
    public const int EEXIST = 17;
    public const int EXDEV = 18;
    public const int ENODEV = 19;
    public const int ENOTDIR = 20;
    public const int EISDIR = 21;
    public const int EINVAL = 22;
    public const int ENFILE = 23;
    public const int EMFILE = 24;
    public const int ENOTTY = 25;
    public const int ENOSPC = 28;
    public const int EPIPE = 32;
    public const int ERANGE = 34;
    public const int ENAMETOOLONG = 36;
    public const int ENOSYS = 38;
    public const int ELOOP = 40;
    public const int EPROTO = 71;
    public const int EOPNOTSUPP = 95;
    public const int ECONNABORTED = 103;
    public const int ENOTCONN = 107;
    public const int ETIMEDOUT = 110;
#pragma warning restore CS1591

    /// <summary>The kernel's own: a call that a signal has interrupted, to be repeated if the signal's handler allows that. Never seen by
    /// programs.</summary>
    public const int ERESTARTSYS = 512;

    /// <summary>The message of strerror(3) and the number, for an error number of either sign: <c>Permission denied (errno
    /// 13)</c>.</summary>
    public static string Describe(int error)
    {
        int number = Math.Abs(error);
        return string.Create(CultureInfo.InvariantCulture, $"{Marshal.GetPInvokeErrorMessage(number)} (errno {number})");
    }

    /// <inheritdoc cref="Describe(int)"/>
    public static string Describe(nint error) => Describe((int)error);
}
