namespace Kdbus.Testing;

/// <summary>Where a <see cref="TestBus"/> is.</summary>
public enum TestTransport
{
    /// <summary>Mounted where that is possible, in memory where it is not.</summary>
    Automatic,

    /// <summary>
    /// A mounted domain of its own, served by the program kdbusfs: what programs use. Other processes can connect. Needs /dev/fuse, and root or fusermount3.
    /// </summary>
    Mounted,

    /// <summary>
    /// The daemon in this process: the same code, reached without the kernel. Needs nothing, starts at once, and can have a time of its own. Permissions of
    /// files are not checked, and only this process can connect.
    /// </summary>
    InMemory,
}
