using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace Kdbus.Linux;

/// <summary>
/// The C library as the kernel sees it: one declaration per function, blittable arguments only, no policy. Nothing outside this assembly
/// calls these; the topic classes around them turn the C convention (-1 and errno) into the kernel's own (a result &gt;= 0, or -errno).
/// System calls that older C libraries lack go through <see cref="Syscall"/>; those that have numbers above 423 have the
/// same on every architecture.
/// </summary>
internal static unsafe partial class Libc
{
    private const string Name = "libc";

    // errno is read after the return transition of the call; both runtimes preserve it there, which is what LibraryImport's own
    // SetLastError relies on as well.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Result(int value) => value >= 0 ? value : -Marshal.GetLastSystemError();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static nint Result(nint value) => value != -1 ? value : -Marshal.GetLastSystemError();

    [LibraryImport(Name, EntryPoint = "read")]
    internal static partial nint Read(int fd, void* buffer, nuint count);

    [LibraryImport(Name, EntryPoint = "write")]
    internal static partial nint Write(int fd, void* buffer, nuint count);

    [LibraryImport(Name, EntryPoint = "readv")]
    internal static partial nint Readv(int fd, IoVec* iov, int count);

    [LibraryImport(Name, EntryPoint = "writev")]
    internal static partial nint Writev(int fd, IoVec* iov, int count);

    // On 64-bit Linux off_t is 64 bits wide in the plain entry points too.
    [LibraryImport(Name, EntryPoint = "pread")]
    internal static partial nint Pread(int fd, void* buffer, nuint count, long offset);

    [LibraryImport(Name, EntryPoint = "pwrite")]
    internal static partial nint Pwrite(int fd, void* buffer, nuint count, long offset);

    [LibraryImport(Name, EntryPoint = "ioctl")]
    internal static partial int Ioctl(int fd, nuint request, nint argument);

    [LibraryImport(Name, EntryPoint = "openat")]
    internal static partial int Openat(int directory, byte* path, int flags, uint mode);

    [LibraryImport(Name, EntryPoint = "close")]
    internal static partial int Close(int fd);

    [LibraryImport(Name, EntryPoint = "poll")]
    internal static partial int Poll(PollEntry* entries, nuint count, int timeoutMilliseconds);

    // struct epoll_event has another layout on x86_64 than elsewhere: Epoll lays it out.
    [LibraryImport(Name, EntryPoint = "epoll_create1")]
    internal static partial int EpollCreate1(int flags);

    [LibraryImport(Name, EntryPoint = "epoll_ctl")]
    internal static partial int EpollCtl(int epoll, int operation, int fd, byte* entry);

    [LibraryImport(Name, EntryPoint = "epoll_wait")]
    internal static partial int EpollWait(int epoll, byte* entries, int count, int timeoutMilliseconds);

    [LibraryImport(Name, EntryPoint = "pipe2")]
    internal static partial int Pipe2(int* fds, int flags);

    [LibraryImport(Name, EntryPoint = "fcntl")]
    internal static partial int Fcntl(int fd, int command, nint argument);

    [LibraryImport(Name, EntryPoint = "prlimit")]
    internal static partial int Prlimit(int pid, int resource, ResourceLimit* newLimit, ResourceLimit* oldLimit);

    [LibraryImport(Name, EntryPoint = "memfd_create")]
    internal static partial int MemfdCreate(byte* name, uint flags);

    [LibraryImport(Name, EntryPoint = "ftruncate")]
    internal static partial int Ftruncate(int fd, long length);

    [LibraryImport(Name, EntryPoint = "fallocate")]
    internal static partial int Fallocate(int fd, int mode, long offset, long length);

    [LibraryImport(Name, EntryPoint = "mmap")]
    internal static partial nint Mmap(nint address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport(Name, EntryPoint = "munmap")]
    internal static partial int Munmap(nint address, nuint length);

    [LibraryImport(Name, EntryPoint = "madvise")]
    internal static partial int Madvise(nint address, nuint length, int advice);

    [LibraryImport(Name, EntryPoint = "process_vm_readv")]
    internal static partial nint ProcessVmReadv(
        int pid, IoVec* local, nuint localCount, RemoteIoVec* remote, nuint remoteCount, nuint flags);

    [LibraryImport(Name, EntryPoint = "process_vm_writev")]
    internal static partial nint ProcessVmWritev(
        int pid, IoVec* local, nuint localCount, RemoteIoVec* remote, nuint remoteCount, nuint flags);

    [LibraryImport(Name, EntryPoint = "statx")]
    internal static partial int Statx(int directory, byte* path, int flags, uint mask, FileStatus* status);

    [LibraryImport(Name, EntryPoint = "fstatfs")]
    internal static partial int Fstatfs(int fd, StatfsBuffer* status);

    [LibraryImport(Name, EntryPoint = "readlinkat")]
    internal static partial nint Readlinkat(int directory, byte* path, byte* buffer, nuint size);

    [LibraryImport(Name, EntryPoint = "sysconf")]
    internal static partial nint Sysconf(int name);

    [LibraryImport(Name, EntryPoint = "mount")]
    internal static partial int Mount(byte* source, byte* target, byte* type, nuint flags, byte* data);

    [LibraryImport(Name, EntryPoint = "umount2")]
    internal static partial int Umount2(byte* target, int flags);

    [LibraryImport(Name, EntryPoint = "socketpair")]
    internal static partial int Socketpair(int domain, int type, int protocol, int* fds);

    [LibraryImport(Name, EntryPoint = "recvmsg")]
    internal static partial nint Recvmsg(int fd, MessageHeader* message, int flags);

    [LibraryImport(Name, EntryPoint = "sendmsg")]
    internal static partial nint Sendmsg(int fd, MessageHeader* message, int flags);

    [LibraryImport(Name, EntryPoint = "capget")]
    internal static partial int Capget(void* header, void* data);

    [LibraryImport(Name, EntryPoint = "getsockopt")]
    internal static partial int Getsockopt(int fd, int level, int option, void* value, int* length);

    [LibraryImport(Name, EntryPoint = "timerfd_create")]
    internal static partial int TimerfdCreate(int clock, int flags);

    [LibraryImport(Name, EntryPoint = "timerfd_settime")]
    internal static partial int TimerfdSettime(int fd, int flags, TimerSetting* value, TimerSetting* old);

    [LibraryImport(Name, EntryPoint = "eventfd")]
    internal static partial int Eventfd(uint initial, int flags);

    // A vDSO read of some tens of nanoseconds that never blocks: the one call for which leaving out the GC transition is worth its rules.
    [LibraryImport(Name, EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    internal static partial int ClockGettime(int clock, TimeSpec* time);

    [LibraryImport(Name, EntryPoint = "getuid")]
    internal static partial uint Getuid();

    [LibraryImport(Name, EntryPoint = "geteuid")]
    internal static partial uint Geteuid();

    [LibraryImport(Name, EntryPoint = "getgid")]
    internal static partial uint Getgid();

    [LibraryImport(Name, EntryPoint = "getegid")]
    internal static partial uint Getegid();

    [LibraryImport(Name, EntryPoint = "getppid")]
    internal static partial int Getppid();

    [LibraryImport(Name, EntryPoint = "gettid")]
    internal static partial int Gettid();

    [LibraryImport(Name, EntryPoint = "setsid")]
    internal static partial int Setsid();

    [LibraryImport(Name, EntryPoint = "umask")]
    internal static partial uint Umask(uint mask);

    [LibraryImport(Name, EntryPoint = "kill")]
    internal static partial int Kill(int pid, int signal);

    [LibraryImport(Name, EntryPoint = "tgkill")]
    internal static partial int Tgkill(int pid, int thread, int signal);

    [LibraryImport(Name, EntryPoint = "sigaction")]
    internal static partial int Sigaction(int signal, SignalAction* action, SignalAction* old);

    [LibraryImport(Name, EntryPoint = "pthread_sigmask")]
    internal static partial int PthreadSigmask(int how, ulong* set, ulong* old);

    [LibraryImport(Name, EntryPoint = "prctl")]
    internal static partial int Prctl(int option, nint argument2, nint argument3, nint argument4, nint argument5);

    [LibraryImport(Name, EntryPoint = "dup2")]
    internal static partial int Dup2(int fd, int newFd);

    [LibraryImport(Name, EntryPoint = "waitpid")]
    internal static partial int Waitpid(int pid, int* status, int options);

    [LibraryImport(Name, EntryPoint = "execvp")]
    internal static partial int Execvp(byte* file, byte** argv);

    // The posix_spawn family returns the error number itself and leaves errno alone.
    [LibraryImport(Name, EntryPoint = "posix_spawn")]
    internal static partial int PosixSpawn(int* pid, byte* path, void* actions, void* attributes, byte** argv, byte** envp);

    [LibraryImport(Name, EntryPoint = "posix_spawn_file_actions_init")]
    internal static partial int SpawnActionsInit(void* actions);

    [LibraryImport(Name, EntryPoint = "posix_spawn_file_actions_destroy")]
    internal static partial int SpawnActionsDestroy(void* actions);

    [LibraryImport(Name, EntryPoint = "posix_spawn_file_actions_adddup2")]
    internal static partial int SpawnActionsAddDup2(void* actions, int fd, int newFd);

    [LibraryImport(Name, EntryPoint = "posix_spawnattr_init")]
    internal static partial int SpawnAttributesInit(void* attributes);

    [LibraryImport(Name, EntryPoint = "posix_spawnattr_destroy")]
    internal static partial int SpawnAttributesDestroy(void* attributes);

    [LibraryImport(Name, EntryPoint = "posix_spawnattr_setflags")]
    internal static partial int SpawnAttributesSetFlags(void* attributes, short flags);

    [LibraryImport(Name, EntryPoint = "posix_spawnattr_setsigdefault")]
    internal static partial int SpawnAttributesSetSignalDefault(void* attributes, void* signals);

    [LibraryImport(Name, EntryPoint = "posix_spawnattr_setsigmask")]
    internal static partial int SpawnAttributesSetSignalMask(void* attributes, void* signals);

    [LibraryImport(Name, EntryPoint = "sigfillset")]
    internal static partial int Sigfillset(void* signals);

    [LibraryImport(Name, EntryPoint = "sigemptyset")]
    internal static partial int Sigemptyset(void* signals);

    [LibraryImport(Name, EntryPoint = "syscall")]
    internal static partial nint Syscall(nint number, nint argument1, nint argument2, nint argument3, nint argument4, nint argument5);

    private static bool IsX64 => RuntimeInformation.ProcessArchitecture is Architecture.X64;

    internal static int SigactionNumber => IsX64 ? 13 : 134; // rt_sigaction
    internal static int SeccompNumber => IsX64 ? 317 : 277;

    internal const int PidfdSendSignalNumber = 424;
    internal const int FsopenNumber = 430;
    internal const int FsconfigNumber = 431;
    internal const int FsmountNumber = 432;
    internal const int PidfdOpenNumber = 434;
    internal const int CloseRangeNumber = 436;
    internal const int PidfdGetfdNumber = 438;

    internal const int CurrentDirectory = -100; // AT_FDCWD
    internal const int EmptyPath = 0x1000; // AT_EMPTY_PATH
    internal const int DoNotSynchronize = 0x4000; // AT_STATX_DONT_SYNC
    internal const int NoAutomount = 0x800; // AT_NO_AUTOMOUNT
    internal const int SymlinkNoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
}
