namespace Kdbus.Conformance.Worlds;

public partial interface IProcess
{
    /// <summary>What the main thread and the kernel say of it now.</summary>
    Self Self();

    /// <summary>setgroups(2), setresgid(2) and setresuid(2) with the same id three times.</summary>
    int Become(uint uid, uint gid, params ReadOnlySpan<uint> groups);

    /// <summary>setresgid(2) and setresuid(2) of the effective ids only: the real and saved ones stay.</summary>
    int BecomeEffectively(uint uid, uint gid);

    /// <summary>setresuid(2). Without privileges, each must be one of those the process has.</summary>
    int SetUsers(uint real, uint effective, uint saved);

    /// <summary>As <see cref="Become"/>, and of the capabilities CAP_IPC_OWNER is kept, by the main thread.</summary>
    int BecomeIpcOwner(uint uid, uint gid);

    /// <summary>Changes the main thread and no other.</summary>
    int ChangeThread(ThreadChange change);

    /// <summary>ioctl(2) by a new thread, which becomes somebody else before and leaves the others as they are.</summary>
    Pending IoctlInThread(int descriptor, uint command, ulong address, ThreadChange change);

    /// <summary>prctl(2) with PR_SET_DUMPABLE: whether others of the same user may look into the process.</summary>
    int SetDumpable(bool dumpable);

    /// <summary>capset(2) by the main thread.</summary>
    int SetCapabilities(ulong inheritable, ulong permitted, ulong effective);

    /// <summary>prctl(2) with PR_CAPBSET_DROP by the main thread.</summary>
    int DropFromBoundingSet(int capability);

    /// <summary>
    /// execve(2) of the same program under another file name. The process that comes of it has the open files; it has new memory, and this object
    /// is of no more use.
    /// </summary>
    int Execute(string fileName, string firstArgument, out IProcess? process);

    /// <summary>chroot(2) and chdir(2) into it.</summary>
    int ChangeRoot(string path);

    /// <summary>unshare(2) of the mount namespace by the main thread.</summary>
    int UnshareMounts();

    /// <summary>unshare(2) of the user namespace, with names as <see cref="ForkIntoUserNamespace"/> gives them.</summary>
    int UnshareUserNamespace(uint inside, uint outside, uint count);

    /// <summary>fork(2). The child has the parent's open files and a copy of its memory.</summary>
    int Fork(out IProcess? child);

    /// <summary>
    /// fork(2) into a new user namespace. There, <paramref name="count"/> users and groups from <paramref name="inside"/> on are those from
    /// <paramref name="outside"/> on of the initial one, and the child is the first of them with all capabilities. An ordinary user can only give
    /// himself another name.
    /// </summary>
    int ForkIntoUserNamespace(uint inside, uint outside, uint count, out IProcess? child);

    /// <summary>fork(2) into a new pid namespace, of which the child is the first process.</summary>
    int ForkIntoPidNamespace(out IProcess? child);

    /// <summary>Both, in one.</summary>
    int ForkIntoUserAndPidNamespace(uint inside, uint outside, uint count, out IProcess? child);
}
