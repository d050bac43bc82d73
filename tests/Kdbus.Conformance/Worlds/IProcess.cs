namespace Kdbus.Conformance.Worlds;

/// <summary>
/// A process that makes the system calls it is told to. Each method is one call and returns what the kernel returns: a value of zero or more,
/// or a negative errno. A call that does not come back within <see cref="Pending.Patience"/> fails the test; those that are meant to block
/// have a form that runs in a thread of its own.
/// </summary>
public partial interface IProcess : IDisposable
{
    /// <summary>The process id, which is also the thread id of every call that does not say otherwise.</summary>
    int Id { get; }

    /// <summary>It sends and receives by EXCHANGE where SEND and RECV would do.</summary>
    bool ByExchange { get; }

    /// <summary>Commands and messages are laid out here.</summary>
    Scratch Scratch { get; }

    /// <summary>open(2) of an existing file.</summary>
    int Open(string path, int flags = OpenFlags.ReadWrite);

    /// <summary>open(2) with O_CREAT.</summary>
    int Create(string path, int mode);

    /// <summary>close(2).</summary>
    int Close(int descriptor);

    /// <summary>dup(2).</summary>
    int Duplicate(int descriptor);

    /// <summary>ioctl(2) by the main thread.</summary>
    int Ioctl(int descriptor, uint command, ulong address);

    /// <summary>ioctl(2) by a new thread.</summary>
    Pending IoctlInThread(int descriptor, uint command, ulong address);

    /// <summary>poll(2) of one descriptor. Returns the events found, 0 if there were none in the given time.</summary>
    int Poll(int descriptor, int events, int milliseconds);

    /// <summary>poll(2) by a new thread, with the result of <see cref="Poll"/>.</summary>
    Pending PollInThread(int descriptor, int events, int milliseconds);

    /// <summary>mmap(2). Returns the address; <paramref name="descriptor"/> -1 asks for anonymous memory.</summary>
    long Map(ulong length, int protection, int flags, int descriptor, ulong offset);

    /// <summary>munmap(2).</summary>
    int Unmap(ulong address, ulong length);

    /// <summary>mprotect(2).</summary>
    int Protect(ulong address, ulong length, int protection);

    /// <summary>Stores bytes into the process's memory; -EFAULT where there is none to write to.</summary>
    int Poke(ulong address, ReadOnlySpan<byte> data);

    /// <summary>Loads bytes from the process's memory; -EFAULT where there is none to read, also behind the end of a mapped file.</summary>
    int Peek(ulong address, Span<byte> data);

    /// <summary>stat(2).</summary>
    int Stat(string path, out FileStatus status);

    /// <summary>statfs(2). Returns f_type.</summary>
    long FileSystemType(string path);

    /// <summary>The names in a directory, with <c>.</c> and <c>..</c>, in the order given by readdir(3).</summary>
    int List(string path, out IReadOnlyList<string> names);

    /// <summary>access(2).</summary>
    int Access(string path, int mode);

    /// <summary>unlink(2).</summary>
    int Unlink(string path);

    /// <summary>rmdir(2).</summary>
    int RemoveDirectory(string path);

    /// <summary>mkdir(2).</summary>
    int MakeDirectory(string path, int mode);

    /// <summary>rename(2).</summary>
    int Rename(string from, string to);

    /// <summary>link(2).</summary>
    int Link(string from, string to);

    /// <summary>symlink(2).</summary>
    int Symlink(string target, string path);

    /// <summary>chmod(2).</summary>
    int ChangeMode(string path, int mode);

    /// <summary>chown(2).</summary>
    int ChangeOwner(string path, uint uid, uint gid);

    /// <summary>truncate(2).</summary>
    int Truncate(string path, long length);

    /// <summary>read(2).</summary>
    long Read(int descriptor, Span<byte> data);

    /// <summary>write(2).</summary>
    long Write(int descriptor, ReadOnlySpan<byte> data);

    /// <summary>eventfd(2): a descriptor that is readable while its counter is not 0. Write 8 bytes to it to add to that.</summary>
    int EventFd(uint value = 0);

    /// <summary>pipe2(2). Returns 0.</summary>
    int Pipe(out int readEnd, out int writeEnd);

    /// <summary>memfd_create(2): a file that cannot be polled.</summary>
    int MemoryFile();

    /// <summary>epoll_create1(2), and epoll_ctl(2) by which the instance watches a descriptor for reading.</summary>
    int PollSet(int descriptor);

    /// <summary>sigaction(2) with a handler that does nothing, with or without SA_RESTART.</summary>
    int Handle(int signal, bool restart);

    /// <summary>How often a handler installed by <see cref="Handle"/> has run.</summary>
    int Handled();

    /// <summary>tgkill(2) to a thread of this process, made by a thread that is not blocked.</summary>
    int SignalThread(int thread, int signal);

    /// <summary>CLOCK_MONOTONIC in nanoseconds.</summary>
    long Now();

    /// <summary>Ends the process, and returns its status when its parent has reaped it.</summary>
    int Exit(int status = 0);

    /// <summary>SIGKILL, whatever the process is waiting for, until its parent has reaped it.</summary>
    void Kill();
}

/// <summary>What stat(2) tells about a file; <see cref="Mode"/> includes the type.</summary>
public readonly record struct FileStatus(uint Mode, uint Uid, uint Gid, ulong Links, ulong Size, ulong Inode)
{
    /// <summary>The permission bits.</summary>
    public int Permissions => (int)(Mode & 0xfff);

    /// <summary>Is it a directory?</summary>
    public bool IsDirectory => (Mode & 0xf000) == 0x4000;

    /// <summary>Is it a regular file?</summary>
    public bool IsRegular => (Mode & 0xf000) == 0x8000;
}
