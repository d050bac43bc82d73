namespace Kdbus.Abi;

/// <summary>
/// Results of commands, under the names and numbers of errno(3) on Linux. A command returns <see cref="OK"/> or one
/// of these, negated, as the result of ioctl(2); it never returns a positive value.
/// </summary>
public enum Errno
{
    /// <summary>Success.</summary>
    OK = 0,
    /// <summary>Operation not permitted.</summary>
    EPERM = 1,
    /// <summary>No such file or directory.</summary>
    ENOENT = 2,
    /// <summary>No such process; here: no such well-known name.</summary>
    ESRCH = 3,
    /// <summary>Interrupted by a signal.</summary>
    EINTR = 4,
    /// <summary>Input/output error.</summary>
    EIO = 5,
    /// <summary>No such device or address; here: no such connection or slice.</summary>
    ENXIO = 6,
    /// <summary>Too many of something in one request.</summary>
    E2BIG = 7,
    /// <summary>Bad file descriptor.</summary>
    EBADF = 9,
    /// <summary>Nothing there now, try again.</summary>
    EAGAIN = 11,
    /// <summary>Out of memory.</summary>
    ENOMEM = 12,
    /// <summary>Permission denied.</summary>
    EACCES = 13,
    /// <summary>Bad address.</summary>
    EFAULT = 14,
    /// <summary>Busy.</summary>
    EBUSY = 16,
    /// <summary>Exists already.</summary>
    EEXIST = 17,
    /// <summary>Invalid cross-device link; here: not a thread that the caller may act for.</summary>
    EXDEV = 18,
    /// <summary>No such device.</summary>
    ENODEV = 19,
    /// <summary>Not a directory.</summary>
    ENOTDIR = 20,
    /// <summary>Is a directory.</summary>
    EISDIR = 21,
    /// <summary>Invalid argument.</summary>
    EINVAL = 22,
    /// <summary>A limit on files, connections or buses is reached.</summary>
    EMFILE = 24,
    /// <summary>Not a command of this kind of file.</summary>
    ENOTTY = 25,
    /// <summary>Text file busy; here: a memfd that is not sealed.</summary>
    ETXTBSY = 26,
    /// <summary>Too many links; here: too many open requests.</summary>
    EMLINK = 31,
    /// <summary>Broken pipe; here: the peer of a synchronous call is gone.</summary>
    EPIPE = 32,
    /// <summary>Out of domain; here: a bloom filter of the wrong size.</summary>
    EDOM = 33,
    /// <summary>Name too long.</summary>
    ENAMETOOLONG = 36,
    /// <summary>Function not implemented.</summary>
    ENOSYS = 38,
    /// <summary>Exchange full; here: no free range in the pool.</summary>
    EXFULL = 54,
    /// <summary>Invalid slot; here: no match of this cookie.</summary>
    EBADSLT = 57,
    /// <summary>Communication error on send; here: the receiver takes no descriptors.</summary>
    ECOMM = 70,
    /// <summary>Bad message.</summary>
    EBADMSG = 74,
    /// <summary>Not unique; here: not possible for a broadcast.</summary>
    ENOTUNIQ = 76,
    /// <summary>Descriptor in bad state; here: the handle has another role.</summary>
    EBADFD = 77,
    /// <summary>Remote address changed; here: the name belongs to another connection than the one named.</summary>
    EREMCHG = 78,
    /// <summary>Too many users.</summary>
    EUSERS = 87,
    /// <summary>Destination address required.</summary>
    EDESTADDRREQ = 89,
    /// <summary>Message too long.</summary>
    EMSGSIZE = 90,
    /// <summary>Not supported on this kind of connection or descriptor.</summary>
    EOPNOTSUPP = 95,
    /// <summary>Address in use.</summary>
    EADDRINUSE = 98,
    /// <summary>Address not available; here: only the activator holds the name.</summary>
    EADDRNOTAVAIL = 99,
    /// <summary>The connection has ended.</summary>
    ECONNRESET = 104,
    /// <summary>No buffer space; here: the quota is used up.</summary>
    ENOBUFS = 105,
    /// <summary>The node this handle was opened on has ended.</summary>
    ESHUTDOWN = 108,
    /// <summary>The deadline has passed.</summary>
    ETIMEDOUT = 110,
    /// <summary>Refused; here: the bus requires metadata that is not granted.</summary>
    ECONNREFUSED = 111,
    /// <summary>Already so.</summary>
    EALREADY = 114,
    /// <summary>Stale file handle.</summary>
    ESTALE = 116,
    /// <summary>Remote I/O error; here: the answer carried descriptors that are not accepted.</summary>
    EREMOTEIO = 121,
    /// <summary>Wrong medium; here: not a file that can be sealed.</summary>
    EMEDIUMTYPE = 124,
    /// <summary>Canceled.</summary>
    ECANCELED = 125,
}
