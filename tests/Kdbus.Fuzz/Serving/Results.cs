namespace Kdbus.Fuzz.Serving;

/// <summary>The errors each command can give.</summary>
internal static class Results
{
    /// <summary>Those of any command: it is malformed, unreadable, or not for this handle; the connection has ended; too many callers are stuck.</summary>
    private static readonly Errno[] Any = [Errno.OK, Errno.EFAULT, Errno.EINVAL, Errno.EMSGSIZE, Errno.EBADFD, Errno.ECONNRESET, Errno.EUSERS];

    private static readonly Dictionary<Command, Errno[]> Own = new()
    {
        [Command.BusMake] = [Errno.ENAMETOOLONG, Errno.EEXIST, Errno.EMFILE],
        [Command.EndpointMake] = [Errno.ENAMETOOLONG, Errno.EEXIST, Errno.EPERM, Errno.ENOENT, Errno.ESHUTDOWN],
        [Command.EndpointUpdate] = [Errno.EEXIST, Errno.ESHUTDOWN],
        [Command.Hello] =
        [
            Errno.ENAMETOOLONG, Errno.EPERM, Errno.EOPNOTSUPP, Errno.ECONNREFUSED, Errno.EMFILE, Errno.EEXIST, Errno.ESHUTDOWN, Errno.ENOMEM,
        ],
        [Command.Update] = [Errno.EOPNOTSUPP, Errno.EEXIST, Errno.E2BIG],
        [Command.Byebye] = [Errno.EOPNOTSUPP, Errno.EBUSY],
        [Command.Free] = [Errno.EOPNOTSUPP, Errno.ENXIO],
        [Command.ConnInfo] = [Errno.ESRCH, Errno.ENXIO, Errno.EXFULL, Errno.ENOMEM],
        [Command.BusCreatorInfo] = [Errno.EXFULL, Errno.ENOMEM],
        [Command.List] = [Errno.EXFULL, Errno.ENOMEM],
        [Command.Send] =
        [
            Errno.EOPNOTSUPP, Errno.EBADF, Errno.E2BIG, Errno.EEXIST, Errno.EMEDIUMTYPE, Errno.ETXTBSY, Errno.EMFILE, Errno.EDOM, Errno.EDESTADDRREQ,
            Errno.EBADMSG, Errno.ENOTUNIQ, Errno.ENXIO, Errno.ESRCH, Errno.EREMCHG, Errno.EADDRNOTAVAIL, Errno.EPERM, Errno.EMLINK, Errno.ECOMM,
            Errno.ENOBUFS, Errno.EXFULL, Errno.ENOMEM, Errno.ETIMEDOUT, Errno.ECANCELED, Errno.EPIPE, Errno.ENAMETOOLONG,
            Errno.EREMOTEIO, Errno.EXDEV, Errno.EIO,
        ],
        [Command.Exchange] =
        [
            Errno.EOPNOTSUPP, Errno.ENXIO, Errno.EINTR, Errno.EXDEV, Errno.EIO,
            // Of the request whose reply is waited for.
            Errno.EBADF, Errno.E2BIG, Errno.EEXIST, Errno.EMEDIUMTYPE, Errno.ETXTBSY, Errno.EMFILE, Errno.EDOM, Errno.EDESTADDRREQ,
            Errno.EBADMSG, Errno.ENOTUNIQ, Errno.ESRCH, Errno.EREMCHG, Errno.EADDRNOTAVAIL, Errno.EPERM, Errno.EMLINK, Errno.ECOMM,
            Errno.ENOBUFS, Errno.EXFULL, Errno.ENOMEM, Errno.ETIMEDOUT, Errno.ECANCELED, Errno.EPIPE, Errno.ENAMETOOLONG, Errno.EREMOTEIO,
        ],
        [Command.Recv] = [Errno.EOPNOTSUPP, Errno.EAGAIN, Errno.EXDEV, Errno.EIO],
        [Command.FdsInstalled] = [Errno.EOPNOTSUPP, Errno.ENXIO],
        [Command.NameAcquire] = [Errno.EOPNOTSUPP, Errno.E2BIG, Errno.EPERM, Errno.EALREADY, Errno.EEXIST],
        [Command.NameRelease] = [Errno.EOPNOTSUPP, Errno.ESRCH, Errno.EADDRINUSE],
        [Command.MatchAdd] = [Errno.EOPNOTSUPP, Errno.EDOM, Errno.EMFILE],
        [Command.MatchRemove] = [Errno.EOPNOTSUPP, Errno.EBADSLT],
    };

    /// <summary>Whether a command can come to this.</summary>
    public static bool Allow(uint command, Errno result) =>
        CommandLayout.Of(command) is { } layout && Own.TryGetValue(layout.Command, out var own) ? Any.Contains(result) || own.Contains(result) : result == Errno.ENOTTY;
}
