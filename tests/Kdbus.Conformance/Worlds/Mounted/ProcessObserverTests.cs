using System.Diagnostics;
using System.Globalization;
using System.Text;
using Kdbus.Daemon.Serving;
using Kdbus.Daemon.Serving.Processes;
using Kdbus.Engine;
using Kdbus.Engine.Processes;
using Kdbus.Linux;
using LinuxFileStatus = Kdbus.Linux.FileStatus;

namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>What the daemon finds out about processes for others, from the real kernel, held against what /proc shows to the test.</summary>
public sealed class ProcessObserverTests : IDisposable
{
    private const AttachFlags Everything = AttachMask.Process;

    private readonly PuppetFamily _family = new();
    private readonly ThreadCache _threads = new(openFiles: 1 << 20);
    private ProcessObserver _observer;

    public ProcessObserverTests() => _observer = new ProcessObserver(new UserNamespaces(), new PidNamespaces(), _threads);

    public void Dispose()
    {
        _observer.Dispose();
        _family.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void All_kinds_of_a_process_are_what_its_files_say(bool older)
    {
        UseKernel(older);
        IProcess puppet = _family.Start();
        Assert.Equal(0, puppet.Become(40001, 40002, 50000, 40003));
        // The second time it is known already.
        for (int i = 0; i < 2; i++)
        {
            ProcessRecord record = Describe(puppet.Id, Everything);
            Assert.Equal(Available(puppet.Id), record.Kinds);
            Assert.Equal(new TaskCreds(40001, 40001, 40001, 40001, 40002, 40002, 40002, 40002), record.Creds);
            Assert.Equal((puppet.Id, puppet.Id, Environment.ProcessId), (Seen(record.Process), Seen(record.Thread), Seen(record.Parent)));
            ProcessDetails details = record.Details!;
            Assert.Equal([40003, 50000], details.AuxGroups.ToArray());
            Assert.Equal("puppet", Text(details.TidComm));
            Assert.Equal("puppet", Text(details.PidComm));
            Assert.Equal(Path.Combine(AppContext.BaseDirectory, "puppet"), Text(details.Exe));
            Assert.Equal(Path.Combine(AppContext.BaseDirectory, "puppet"), Text(details.Cmdline));
            Assert.Contains(":" + Text(details.Cgroup) + "\n", File.ReadAllText($"/proc/{puppet.Id}/cgroup"), StringComparison.Ordinal);
            Assert.Equal(File.ReadAllText($"/proc/{puppet.Id}/loginuid"), details.LoginUid.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(File.ReadAllText($"/proc/{puppet.Id}/sessionid"), details.AuditSession.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(StartTicks(puppet.Id) * 10_000_000, record.StartTime);
            Assert.Equal(PidFdInode(puppet.Id), record.PidfsId);
            Assert.Equal(Field(puppet.Id, "CapBnd:"), details.Caps.Bounding.ToString("x16", CultureInfo.InvariantCulture));
            Assert.Equal((0UL, 0UL, 0UL), (details.Caps.Inheritable, details.Caps.Permitted, details.Caps.Effective));
            Assert.Equal(File.ReadAllText("/proc/sys/kernel/cap_last_cap").Trim(), details.Caps.LastCap.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(ViewOf(Environment.ProcessId).UserNamespace, details.UserNamespace);
            Assert.Equal(ViewOf(Environment.ProcessId).Root, details.Root);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Only_what_is_asked_for_is_recorded(bool older)
    {
        UseKernel(older);
        IProcess puppet = _family.Start();
        AttachFlags available = Available(puppet.Id);
        Assert.All(Enumerable.Range(0, 64).Select(bit => (AttachFlags)(1UL << bit)), kind =>
        {
            ProcessRecord record = Describe(puppet.Id, kind);
            Assert.Equal(kind & available, record.Kinds);
            Assert.Equal((kind & available & DetailReader.Kinds) != 0, record.Details is not null && record.Kinds != 0);
        });
        Assert.Equal(AttachFlags.None, Describe(puppet.Id, AttachFlags.None).Kinds);
        Assert.Equal(default, Describe(puppet.Id, AttachFlags.Pids).Creds);
        Assert.Null(Describe(puppet.Id, AttachFlags.Creds).Process);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ids_that_change_are_seen_at_once(bool older)
    {
        UseKernel(older);
        IProcess puppet = _family.Start();
        Assert.Equal(0u, Describe(puppet.Id, AttachFlags.Creds).Creds.Uid);
        Assert.Equal(0, puppet.Become(40001, 40002, 40003));
        ProcessRecord record = Describe(puppet.Id, AttachFlags.Creds | AttachFlags.AuxGroups | AttachFlags.Caps);
        Assert.Equal((40001u, 40002u), (record.Creds.Uid, record.Creds.Gid));
        Assert.Equal([40003], record.Details!.AuxGroups.ToArray());
        Assert.Equal(0ul, record.Details.Caps.Effective);
        IProcess mixed = _family.Start();
        Assert.Equal(0u, Describe(mixed.Id, AttachFlags.Creds).Creds.Suid);
        Assert.Equal(0, mixed.SetUsers(40001, 40002, 40003));
        Assert.Equal(new TaskCreds(40001, 40002, 40003, 40002, 0, 0, 0, 0), Describe(mixed.Id, AttachFlags.Creds).Creds);
        Assert.Equal(!older, _observer.TryIdentify(mixed.Id, out PidInfo info));
        if (older)
            return;
        Assert.Equal((40001u, 40002u, (uint)mixed.Id), (info.RealUid, info.EffectiveUid, info.Tgid));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_thread_is_told_from_its_process(bool older)
    {
        UseKernel(older);
        IProcess puppet = _family.Start();
        Pending wait = puppet.PollInThread(puppet.Open("/dev/ptmx"), PollEvents.In, 60_000);
        for (int i = 0; i < 2; i++)
        {
            ProcessRecord record = Describe(wait.Thread, Everything);
            Assert.Equal(Available(puppet.Id), record.Kinds);
            Assert.Equal((puppet.Id, wait.Thread, Environment.ProcessId), (Seen(record.Process), Seen(record.Thread), Seen(record.Parent)));
            Assert.Equal(PidFdInode(puppet.Id), record.PidfsId);
            Assert.Equal(StartTicks(puppet.Id) * 10_000_000, record.StartTime);
        }
        Assert.Equal(!older, _observer.TryIdentify(wait.Thread, out PidInfo info));
        if (older)
            return;
        Assert.Equal(((uint)wait.Thread, (uint)puppet.Id), (info.Pid, info.Tgid));
    }

    [Fact]
    public void The_name_of_a_thread_is_its_own_whatever_is_in_it()
    {
        Barrier together = new(2);
        int id = 0;
        Thread thread = new(() =>
        {
            id = CurrentProcess.ThreadId;
            Assert.Equal(0, CurrentProcess.SetThreadName("a) name\n"));
            together.SignalAndWait();
            together.SignalAndWait();
        });
        thread.Start();
        together.SignalAndWait(TestContext.Current.CancellationToken);
        ProcessRecord record = Describe(id, AttachFlags.TidComm | AttachFlags.PidComm | AttachFlags.Pids);
        together.SignalAndWait(TestContext.Current.CancellationToken);
        thread.Join();
        Assert.Equal((Environment.ProcessId, id), (Seen(record.Process), Seen(record.Thread)));
        Assert.Equal("a) name\n", Text(record.Details!.TidComm));
        Assert.Equal(File.ReadAllText($"/proc/{Environment.ProcessId}/comm"), Text(record.Details.PidComm) + "\n");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_parent_that_ends_is_followed_by_another(bool older)
    {
        UseKernel(older);
        IProcess puppet = _family.Start();
        Assert.True(puppet.Fork(out IProcess? child) > 0);
        Assert.True(child!.Fork(out IProcess? grandchild) > 0);
        Assert.Equal(child.Id, Seen(Describe(grandchild!.Id, AttachFlags.Pids).Parent));
        Assert.Equal(0, child.Exit(0));
        ProcessRecord orphan = Describe(grandchild.Id, AttachFlags.Pids);
        Assert.Equal(Field(grandchild.Id, "PPid:"), Seen(orphan.Parent).ToString(CultureInfo.InvariantCulture));
        Assert.NotEqual(child.Id, Seen(orphan.Parent));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_process_in_another_user_namespace_has_ids_of_the_domain_and_a_view_of_its_own(bool older)
    {
        UseKernel(older);
        IProcess puppet = _family.Start();
        ReaderView own = ViewOf(puppet.Id);
        Assert.Equal((ViewOf(Environment.ProcessId), (IdMaps?)null), (own, own.Maps));
        Assert.True(own is { UserNamespace: > 0, PidNamespace: > 0 } && own.Root != default);
        Assert.True(puppet.ForkIntoUserNamespace(7, 40001, 2, out IProcess? child) > 0);
        ProcessRecord record = Describe(child!.Id, AttachFlags.Creds | AttachFlags.Pids | AttachFlags.Caps);
        Assert.Equal((40001u, child.Id), (record.Creds.Euid, Seen(record.Process)));
        ReaderView view = ViewOf(child.Id);
        Assert.Equal(record.Details!.UserNamespace, view.UserNamespace);
        Assert.Equal((ulong)ProcessNamespace.Inode(child.Id, NamespaceKind.User), view.UserNamespace);
        Assert.NotEqual(own.UserNamespace, view.UserNamespace);
        Assert.Equal([new IdRange(7, 40001, 2)], view.Maps!.Users.ToArray());
        Assert.Equal([new IdRange(7, 40001, 2)], view.Maps.Groups.ToArray());
        Assert.Equal((own.PidNamespace, own.Root), (view.PidNamespace, view.Root));
        Assert.Equal(default, _observer.ViewOf(child.Id, CallerFacts.Groups | CallerFacts.Maps));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_who_cannot_be_seen_nothing_is_told(bool older)
    {
        UseKernel(older);
        IProcess gone = _family.Start();
        Describe(gone.Id, AttachFlags.Creds | AttachFlags.Pids);
        gone.Exit();
        foreach (int thread in (int[])[0, -1, gone.Id, int.MaxValue])
        {
            Assert.Null(_observer.Describe(thread, Everything));
            Assert.Null(_observer.Describe(thread, AttachFlags.None));
            Assert.False(_observer.TryIdentify(thread, out _));
            Assert.Equal(new ReaderView { Maps = UserNamespaces.Nothing }, ViewOf(thread));
            Assert.Equal(default, _observer.Name(thread, new KdbusPids { Pid = (ulong)Environment.ProcessId }));
            Assert.True(_observer.Name(thread, default).Found);
        }
        Assert.True(_observer.IsEmpty);
    }

    /// <summary>What it comes to when a number has been given to another: the pidfd kept by the number is of a process that has ended.</summary>
    [Fact]
    public void What_is_known_of_a_thread_that_ended_is_not_told_of_the_one_that_has_its_number()
    {
        IProcess gone = _family.Start();
        IProcess puppet = _family.Start();
        KnownThread old = new(puppet.Id, PidFd.OpenThread(gone.Id));
        PidNumbers wrong = new([ViewOf(puppet.Id).PidNamespace], [4711]);
        old.Numbers = new ThreadNumbers(wrong, wrong, 4711);
        old.Parent = new KnownParent((uint)Environment.ProcessId, wrong);
        Assert.True(old.TryProcess(gone.Id, out ulong oldId) && old.TryStartTime(1, out _));
        AttachFlags[] asked = [AttachFlags.Pids, AttachFlags.PidfsId, AttachFlags.StartTime, AttachFlags.Creds, AttachFlags.Pidfd];
        gone.Exit();
        Assert.All(asked, kind =>
        {
            _threads.Keep(old);
            ProcessRecord record = Describe(puppet.Id, kind);
            Assert.Equal(kind, record.Kinds);
            ProcessRecord all = Describe(puppet.Id, AttachFlags.Pids | AttachFlags.PidfsId | AttachFlags.StartTime);
            Assert.Equal((puppet.Id, puppet.Id, Environment.ProcessId), (Seen(all.Process), Seen(all.Thread), Seen(all.Parent)));
            Assert.Equal(kind == AttachFlags.Pids ? puppet.Id : 0, record.Process is null ? 0 : Seen(record.Process));
            Assert.Equal(kind == AttachFlags.PidfsId ? all.PidfsId : 0, kind == AttachFlags.PidfsId ? record.PidfsId : 0);
            Assert.Equal(kind == AttachFlags.StartTime ? all.StartTime : 0, record.StartTime);
            Assert.NotEqual(oldId, all.PidfsId);
        });
        _threads.Keep(old);
        Assert.NotEqual(4711ul, _observer.ViewOf(puppet.Id, CallerFacts.PidNamespace).PidNamespace);
        _threads.Keep(old);
        Assert.True(_observer.TryIdentify(puppet.Id, out PidInfo info));
        Assert.Equal((uint)puppet.Id, info.Pid);
        string ended = $"\nino:\t{oldId}\nPid:\t-1\n";
        Assert.Equal(1, Descriptors(ended));
        old.Release();
        Assert.Equal(0, Descriptors(ended));
    }

    [Fact]
    public void A_thread_is_kept_in_the_place_of_the_one_that_had_its_number()
    {
        IProcess[] puppets = [_family.Start(), _family.Start()];
        foreach (IProcess puppet in puppets)
        {
            KnownThread thread = new(int.MaxValue, PidFd.OpenThread(puppet.Id));
            _threads.Keep(thread);
            thread.Release();
            _observer.Trim();
            Assert.False(_observer.IsEmpty);
        }
        Assert.Equal((0, 1), (DescriptorsOf(puppets[0].Id), DescriptorsOf(puppets[1].Id)));
        _observer.Trim();
        Assert.True(_observer.IsEmpty);
        Assert.Equal((0, 0), (DescriptorsOf(puppets[0].Id), DescriptorsOf(puppets[1].Id)));
    }

    [Fact]
    public void A_known_thread_costs_no_more_than_its_record()
    {
        IProcess puppet = _family.Start();
        for (int i = 0; i < 3; i++)
            Describe(puppet.Id, AttachFlags.Creds | AttachFlags.Pids);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ProcessRecord? record = _observer.Describe(puppet.Id, AttachFlags.Creds | AttachFlags.Pids);
        long one = GC.GetAllocatedBytesForCurrentThread() - before;
        before = GC.GetAllocatedBytesForCurrentThread();
        record = new ProcessRecord { Kinds = record!.Kinds };
        Assert.Equal(GC.GetAllocatedBytesForCurrentThread() - before, one);
        GC.KeepAlive(record);
    }

    [Fact]
    public void Threads_that_do_not_call_any_more_are_let_go()
    {
        IProcess[] puppets = [_family.Start(), _family.Start()];
        Assert.True(_observer.IsEmpty);
        foreach (IProcess puppet in puppets)
            Describe(puppet.Id, AttachFlags.Pids);
        Assert.All(puppets, puppet => Assert.Equal(1, DescriptorsOf(puppet.Id)));
        _observer.Trim();
        Describe(puppets[0].Id, AttachFlags.Pids);
        _observer.Trim();
        Assert.Equal((1, 0), (DescriptorsOf(puppets[0].Id), DescriptorsOf(puppets[1].Id)));
        Assert.False(_observer.IsEmpty);
        _observer.Trim();
        Assert.Equal((0, 0), (DescriptorsOf(puppets[0].Id), DescriptorsOf(puppets[1].Id)));
        Assert.True(_observer.IsEmpty);
        Describe(puppets[1].Id, AttachFlags.Pids);
        _observer.Dispose();
        Assert.Equal(0, DescriptorsOf(puppets[1].Id));
        Describe(puppets[1].Id, AttachFlags.Pids);
        Assert.Equal(0, DescriptorsOf(puppets[1].Id));
    }

    [Fact]
    public void The_thread_that_has_not_called_for_the_longest_time_goes_first_but_not_while_it_is_looked_at()
    {
        IProcess[] puppets = [_family.Start(), _family.Start(), _family.Start()];
        foreach (IProcess puppet in puppets)
            Describe(puppet.Id, AttachFlags.Creds);
        KnownThread inUse = _threads.Find(puppets[1].Id, out _)!;
        Describe(puppets[0].Id, AttachFlags.Creds);
        Describe(puppets[2].Id, AttachFlags.Creds);
        Fill(ThreadCache.Capacity - 2);
        Assert.Equal((1, 1, 1), (DescriptorsOf(puppets[0].Id), DescriptorsOf(puppets[1].Id), DescriptorsOf(puppets[2].Id)));
        Assert.True(inUse.Ask(out PidInfo info));
        Assert.Equal((uint)puppets[1].Id, info.Pid);
        inUse.Release();
        Assert.Equal((1, 0, 1), (DescriptorsOf(puppets[0].Id), DescriptorsOf(puppets[1].Id), DescriptorsOf(puppets[2].Id)));
        Fill(ThreadCache.Capacity - 1);
        Assert.Equal((0, 0, 1), (DescriptorsOf(puppets[0].Id), DescriptorsOf(puppets[1].Id), DescriptorsOf(puppets[2].Id)));
        Fill(ThreadCache.Capacity);
        Assert.Equal(0, DescriptorsOf(puppets[2].Id));

        // Numbers that no process has, so that they mean nothing else.
        void Fill(int count)
        {
            for (int i = 0; i < count; i++)
            {
                KnownThread filler = new(int.MaxValue - i, PidFd.Open(Environment.ProcessId));
                _threads.Keep(filler);
                filler.Release();
            }
        }
    }

    [Fact]
    public void Several_may_look_at_one_thread_while_it_is_let_go_of()
    {
        IProcess puppet = _family.Start();
        int expected = puppet.Id;
        Parallel.For(0, 4, worker =>
        {
            for (int i = 0; i < 2000; i++)
            {
                if (worker == 0)
                    _observer.Trim();
                else
                    Assert.Equal(expected, Seen(Describe(expected, AttachFlags.Creds | AttachFlags.Pids).Process));
            }
        });
        _observer.Trim();
        _observer.Trim();
        Assert.Equal(0, DescriptorsOf(expected));
    }

    [Fact]
    public void The_path_of_a_program_is_told_as_its_root_directory_has_it()
    {
        using Shell jailed = Shell.Start("chroot", "/usr", "/bin/sh", "-c", "echo $$; read line");
        int id = jailed.ReadNumber();
        ProcessRecord record = Describe(id, AttachFlags.Exe);
        string program = new FileInfo("/usr/bin/sh").ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? "/usr/bin/sh";
        Assert.Equal(program["/usr".Length..], Text(record.Details!.Exe));
        Assert.Equal(0, LinuxFileStatus.Of("/usr", out LinuxFileStatus usr));
        Assert.Equal(usr.Inode, record.Details.Root.Inode);
        Assert.Equal(record.Details.Root, ViewOf(id).Root);
        Assert.NotEqual(record.Details.Root, ViewOf(Environment.ProcessId).Root);
        Assert.Equal(default, _observer.ViewOf(id, CallerFacts.UserNamespace | CallerFacts.PidNamespace).Root);
    }

    /// <summary>Init of a namespace in a namespace, with a child; each says its number in ours, which is that of the /proc they see.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Numbers_are_told_for_each_pid_namespace(bool older)
    {
        UseKernel(older);
        const string Outside = "read n rest </proc/self/stat; echo $n";
        using Shell nested = Shell.Start(
            "unshare", "--pid", "--fork", "unshare", "--pid", "--fork", "sh", "-c", $"{Outside}; sh -c '{Outside}; exec sleep 1000' & read line");
        int init = nested.ReadNumber(), child = nested.ReadNumber(), around = int.Parse(Field(init, "PPid:"), CultureInfo.InvariantCulture);
        for (int i = 0; i < 2; i++)
        {
            ProcessRecord record = Describe(child, AttachFlags.Pids);
            ReaderView view = ViewOf(child);
            Assert.Equal(view.PidNamespace, ViewOf(init).PidNamespace);
            Assert.Equal([ViewOf(Environment.ProcessId).PidNamespace, ViewOf(around).PidNamespace, view.PidNamespace], record.Process!.Namespaces.ToArray());
            Assert.Equal(3, record.Process.Namespaces.ToArray().Distinct().Count());
            Assert.Equal(Field(child, "NSpid:"), string.Join('\t', record.Process.Numbers.ToArray()));
            Assert.Equal(Field(init, "NSpid:"), string.Join('\t', record.Parent!.Numbers.ToArray()));
            Assert.Equal((2u, 1u), (record.Thread!.In(view.PidNamespace), record.Parent.In(view.PidNamespace)));
            // Its parent is in the namespace around it, where it cannot see it.
            PidNumbers outer = Describe(init, AttachFlags.Pids).Parent!;
            Assert.Equal((0u, 1u), (outer.In(view.PidNamespace), outer.In(ViewOf(around).PidNamespace)));
        }

        NamedProcesses named = _observer.Name(init, new KdbusPids { Pid = 2, Tid = 1, Ppid = 0 });
        Assert.True(named.Found);
        Assert.Equal((child, init), (Seen(named.Process), Seen(named.Thread)));
        Assert.Null(named.Parent);
        Assert.Equal(Field(child, "NSpid:"), string.Join('\t', named.Process!.Numbers.ToArray()));
        // Numbers are those of the namespace of whoever says them.
        Assert.Equal(child, Seen(_observer.Name(Environment.ProcessId, new KdbusPids { Ppid = (ulong)child }).Parent));
        Assert.False(_observer.Name(init, new KdbusPids { Pid = (ulong)child }).Found);
        Assert.False(_observer.Name(init, new KdbusPids { Pid = 2, Ppid = 77 }).Found);
        Assert.Equal(older ? 0 : 1, DescriptorsOf(init));
        string[] spaces = [.. new[] { around, init }.Select(id => $"pid:[{ProcessNamespace.Inode(id, NamespaceKind.Pid)}]")];
        Assert.DoesNotContain(Directory.GetFiles("/proc/self/fd"), file => spaces.Contains(new FileInfo(file).LinkTarget));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Numbers_that_are_nobodys_are_not_found(bool older)
    {
        UseKernel(older);
        IProcess puppet = _family.Start();
        IProcess gone = _family.Start();
        ulong here = (ulong)puppet.Id;
        Pending wait = puppet.PollInThread(puppet.Open("/dev/ptmx"), PollEvents.In, 60_000);
        gone.Exit();
        NamedProcesses named = _observer.Name(puppet.Id, new KdbusPids { Pid = here, Tid = (ulong)wait.Thread });
        Assert.Equal((true, puppet.Id, wait.Thread), (named.Found, Seen(named.Process), Seen(named.Thread)));
        Assert.Equal(new NamedProcesses(true, null, null, null), _observer.Name(puppet.Id, default));
        foreach (ulong nobody in (ulong[])[(ulong)gone.Id, int.MaxValue, uint.MaxValue, (1UL << 32) | here, ulong.MaxValue])
        {
            Assert.False(_observer.Name(puppet.Id, new KdbusPids { Pid = nobody }).Found);
            Assert.False(_observer.Name(puppet.Id, new KdbusPids { Pid = here, Tid = nobody }).Found);
            Assert.False(_observer.Name(puppet.Id, new KdbusPids { Pid = here, Tid = here, Ppid = nobody }).Found);
        }
    }

    /// <summary>One that has neither PIDFD_GET_INFO of threads nor NS_GET_ID, so nothing can be kept and all is in /proc.</summary>
    private void UseKernel(bool older)
    {
        if (!older)
            return;
        _observer.Dispose();
        _observer = new ProcessObserver(new UserNamespaces(), new PidNamespaces(mayHaveUniqueIds: false), new ThreadCache(isPossible: false));
    }

    private ProcessRecord Describe(int thread, AttachFlags kinds)
    {
        ProcessRecord? record = _observer.Describe(thread, kinds);
        Assert.NotNull(record);
        return record;
    }

    private ReaderView ViewOf(int thread) =>
        _observer.ViewOf(thread, CallerFacts.UserNamespace | CallerFacts.PidNamespace | CallerFacts.Root);

    /// <summary>The number by which the test knows somebody.</summary>
    private static int Seen(PidNumbers? who) => (int)who!.Numbers[0];

    private static string Text(ReadOnlyMemory<byte> text) => Encoding.UTF8.GetString(text.Span);

    private static string Field(int id, string name) =>
        File.ReadLines($"/proc/{id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Trim();

    private static ulong StartTicks(int id) => ulong.Parse(File.ReadAllText($"/proc/{id}/stat").Split(") ")[^1].Split(' ')[19], CultureInfo.InvariantCulture);

    private static ulong PidFdInode(int id)
    {
        int pidfd = PidFd.Open(id);
        Assert.Equal(0, LinuxFileStatus.Of(pidfd, out LinuxFileStatus status));
        Assert.Equal(0, FileDescriptor.Close(pidfd));
        return status.Inode;
    }

    /// <summary>All kinds but those for which the kernel has no file that can be read.</summary>
    private static AttachFlags Available(int id)
    {
        AttachFlags kinds = Everything;
        try
        {
            File.ReadAllBytes($"/proc/{id}/attr/current");
        }
        catch (IOException)
        {
            kinds &= ~AttachFlags.Seclabel;
        }
        return File.Exists($"/proc/{id}/loginuid") ? kinds : kinds & ~AttachFlags.Audit;
    }

    /// <summary>How many pidfds this process has of another one.</summary>
    private static int DescriptorsOf(int id) => Descriptors($"\nPid:\t{id}\n");

    /// <summary>How many descriptors this process has that the kernel describes so.</summary>
    private static int Descriptors(string description)
    {
        int count = 0;
        foreach (string entry in Directory.GetFiles("/proc/self/fdinfo"))
        {
            try
            {
                if (File.ReadAllText(entry).Contains(description, StringComparison.Ordinal))
                    count++;
            }
            catch (IOException)
            {
                // It is gone: the one by which the list was read, or another test's.
            }
        }
        return count;
    }

    /// <summary>A command that says numbers and runs until its input ends.</summary>
    private sealed class Shell : IDisposable
    {
        private readonly Process _process;

        private Shell(Process process) => _process = process;

        public static Shell Start(string command, params string[] arguments) => new(Process.Start(
            new ProcessStartInfo(command, arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!);

        public int ReadNumber() => int.Parse(_process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
