using System.Text;
using Kdbus.Engine.Processes;
using Kdbus.Linux;
using AttachFlags = Kdbus.Abi.AttachFlags;
using Errno = Kdbus.Abi.Errno;

namespace Kdbus.Conformance.Worlds.Simulated;

internal sealed partial class FakeProcess
{
    /// <summary>Where processes are that no test has moved.</summary>
    public const string UsualCgroup = "/user.slice/fake.scope";

    private const int LongestName = 15;
    private const string Label = "fake_u:fake_r:fake_t";

    private static readonly AuditIds s_audit = new(7, 1000);
    private static long s_places;

    private readonly ulong _started = (ulong)Clock.MonotonicNanoseconds;
    private RootDirectory _root = new(1, 1, 1);

    /// <summary>The ids of its main thread, which its other threads begin with.</summary>
    public FakeCredentials Credentials => _main.Credentials;

    /// <summary>Its control group.</summary>
    public string Cgroup { get; set; } = UsualCgroup;

    /// <summary>Its pid namespace.</summary>
    public ulong PidNamespace => _pids.Number;

    /// <summary>Is its number nobody's?</summary>
    public bool HasEnded => _exiting;

    private string Exe { get; set; } = "/usr/bin/fake";

    private string FirstArgument { get; set; } = "fake";

    // Where the parent has ended, the first process takes care of its children.
    private PidNumbers Parent => _parent is { _exiting: false } ? _parent._main.Numbers : FakePidNamespace.First;

    /// <summary>What the kernel keeps of a name.</summary>
    public static string NameOf(string text) => Path.GetFileName(text) is var name && name.Length > LongestName ? name[..LongestName] : name;

    /// <summary>What the daemon would find out about a thread.</summary>
    public ProcessRecord Describe(FakeTask task, AttachFlags kinds) => new()
    {
        Kinds = kinds,
        Creds = task.Credentials.Ids,
        Process = _main.Numbers,
        Thread = task.Numbers,
        Parent = Parent,
        PidfsId = (ulong)Id << 8,
        StartTime = _started,
        Details = new ProcessDetails
        {
            AuxGroups = task.Credentials.Groups.ToArray(),
            TidComm = Encoding.ASCII.GetBytes(task.Name),
            PidComm = Encoding.ASCII.GetBytes(_main.Name),
            Exe = Encoding.ASCII.GetBytes(Exe),
            Root = _root,
            Cmdline = Encoding.ASCII.GetBytes(FirstArgument),
            Cgroup = Encoding.ASCII.GetBytes(Cgroup),
            Caps = task.Credentials.Caps,
            UserNamespace = task.Credentials.Namespace.Number,
            Seclabel = Encoding.ASCII.GetBytes(Label),
            AuditSession = s_audit.Session,
            LoginUid = s_audit.LoginUid,
        },
    };

    /// <summary>From where a thread looks at others, as the daemon would find it out.</summary>
    public ReaderView ViewOf(FakeTask task, CallerFacts facts) => new()
    {
        UserNamespace = facts.HasFlag(CallerFacts.UserNamespace) ? task.Credentials.Namespace.Number : 0,
        Maps = facts.HasFlag(CallerFacts.UserNamespace) ? task.Credentials.Namespace.Maps : null,
        PidNamespace = facts.HasFlag(CallerFacts.PidNamespace) ? PidNamespace : 0,
        Root = facts.HasFlag(CallerFacts.Root) ? _root : default,
    };

    public Self Self()
    {
        TaskCreds c = Credentials.Ids;
        FakeUserNamespace n = Credentials.Namespace;
        TaskCreds own = new(User(c.Uid), User(c.Euid), User(c.Suid), User(c.Fsuid), Group(c.Gid), Group(c.Egid), Group(c.Sgid), Group(c.Fsgid));
        uint number = _main.Numbers.In(PidNamespace);
        return new Self(own, new TaskNumbers(number, number, Parent.In(PidNamespace)), [.. Credentials.Groups.Select(Group)])
        {
            ThreadName = _main.Name,
            Name = _main.Name,
            Exe = Exe,
            FirstArgument = FirstArgument,
            Caps = Credentials.Caps,
            Cgroup = Cgroup,
            Seclabel = Label,
            Audit = s_audit,
        };

        uint User(uint id) => n.NameOfUser(id);
        uint Group(uint id) => n.NameOfGroup(id);
    }

    public int Become(uint uid, uint gid, params ReadOnlySpan<uint> groups)
    {
        if (!Credentials.HasCapabilities)
            return -(int)Errno.EPERM;
        _main.Credentials = Credentials.With(FakeCredentials.Same(uid, gid)) with { Groups = groups.ToArray() };
        return 0;
    }

    public int BecomeEffectively(uint uid, uint gid)
    {
        if (!Credentials.HasCapabilities)
            return -(int)Errno.EPERM;
        _main.Credentials = Credentials.With(ThreadChange.Same with { Euid = uid, Egid = gid }) with { Groups = [] };
        return 0;
    }

    public int SetUsers(uint real, uint effective, uint saved) =>
        _main.Change(new ThreadChange(ThreadChange.Same with { Uid = real, Euid = effective, Suid = saved }));

    public int BecomeIpcOwner(uint uid, uint gid)
    {
        if (!Credentials.HasCapabilities)
            return -(int)Errno.EPERM;
        _main.Credentials = Credentials.IpcOwnerAs(uid, gid);
        return 0;
    }

    public int ChangeThread(ThreadChange change) => _main.Change(change);

    public int SetDumpable(bool dumpable) => 0;

    public int SetCapabilities(ulong inheritable, ulong permitted, ulong effective)
    {
        if ((permitted & ~Credentials.Caps.Permitted) != 0 || (effective & ~permitted) != 0)
            return -(int)Errno.EPERM;
        _main.Credentials = Credentials.WithCapabilities(inheritable, permitted, effective);
        return 0;
    }

    public int DropFromBoundingSet(int capability)
    {
        CapabilitySets caps = Credentials.Caps;
        _main.Credentials = Credentials with { Caps = caps with { Bounding = caps.Bounding & ~(1UL << capability) } };
        return 0;
    }

    public int Execute(string fileName, string firstArgument, out IProcess? process)
    {
        Memory = new FakeMemory();
        Scratch = new Scratch(this);
        Exe = $"/usr/bin/{fileName}";
        FirstArgument = firstArgument;
        _main.Name = NameOf(fileName);
        process = this;
        return 0;
    }

    public int ChangeRoot(string path)
    {
        if (!Credentials.HasCapabilities)
            return -(int)Errno.EPERM;
        _root = _root with { Inode = (ulong)Interlocked.Increment(ref s_places) + 1 };
        return 0;
    }

    public int UnshareMounts()
    {
        if (!Credentials.HasCapabilities)
            return -(int)Errno.EPERM;
        _root = _root with { Mount = (ulong)Interlocked.Increment(ref s_places) + 1 };
        return 0;
    }

    public int UnshareUserNamespace(uint inside, uint outside, uint count)
    {
        FakeCredentials c = Credentials;
        _main.Credentials = new FakeCredentials(c.Ids, c.Groups) { Namespace = FakeUserNamespace.Of(inside, outside, count) };
        return 0;
    }

    public int Fork(out IProcess? child) => Fork(Credentials, _pids, out child);

    public int ForkIntoUserNamespace(uint inside, uint outside, uint count, out IProcess? child) =>
        ForkIntoUserNamespace(inside, outside, count, _pids, out child);

    public int ForkIntoPidNamespace(out IProcess? child)
    {
        child = null;
        return Credentials.HasCapabilities ? Fork(Credentials, new FakePidNamespace(_pids), out child) : -(int)Errno.EPERM;
    }

    public int ForkIntoUserAndPidNamespace(uint inside, uint outside, uint count, out IProcess? child) =>
        ForkIntoUserNamespace(inside, outside, count, new FakePidNamespace(_pids), out child);

    private int ForkIntoUserNamespace(uint inside, uint outside, uint count, FakePidNamespace pids, out IProcess? child)
    {
        child = null;
        if (!Credentials.HasCapabilities && (outside != Credentials.Ids.Euid || count != 1))
            return -(int)Errno.EPERM;
        return Fork(FakeCredentials.FirstOf(FakeUserNamespace.Of(inside, outside, count), outside), pids, out child);
    }

    private int Fork(FakeCredentials credentials, FakePidNamespace pids, out IProcess? child)
    {
        FakeProcess made = new(_world, _kernel, _paths, credentials, pids, this)
        {
            Memory = Memory.Fork(), Exe = Exe, FirstArgument = FirstArgument, Cgroup = Cgroup, _root = _root,
        };
        lock (_files)
        {
            foreach ((int descriptor, RealFile other) in _others)
                made._others[descriptor] = other.Use();
            foreach ((int descriptor, FakeFile file) in _files)
                made._files[descriptor] = file.Use();
        }
        _world.Add(made);
        child = made;
        return (int)made._main.Numbers.In(PidNamespace);
    }
}
