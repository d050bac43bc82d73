using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Fuse.Tests.Infrastructure;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests;

/// <summary>Sizes, offsets and numbers: against what is written down here, and against the kernel's header on this machine.</summary>
public sealed class WireTests
{
    /// <summary>C name, our type, its size, and fields as "c_name=OurName". A plus in front of a field or structure: newer than the header may be.</summary>
    private static readonly (string C, Type Type, int Size, string Fields)[] s_structures =
    [
        ("fuse_in_header", typeof(FuseInHeader), 40, "len=Len opcode=Opcode unique=Unique nodeid=NodeId uid=Uid gid=Gid pid=Pid total_extlen=TotalExtLen padding=Padding"),
        ("fuse_out_header", typeof(FuseOutHeader), 16, "len=Len error=Error unique=Unique"),
        ("fuse_init_in", typeof(FuseInitIn), 64, "major=Major minor=Minor max_readahead=MaxReadahead flags=Flags flags2=Flags2"),
        ("fuse_init_out", typeof(FuseInitOut), 64, "major=Major minor=Minor max_readahead=MaxReadahead flags=Flags max_background=MaxBackground "
            + "congestion_threshold=CongestionThreshold max_write=MaxWrite time_gran=TimeGran max_pages=MaxPages map_alignment=MapAlignment "
            + "flags2=Flags2 +max_stack_depth=MaxStackDepth +request_timeout=RequestTimeout"),
        ("fuse_attr", typeof(FuseAttr), 88, "ino=Ino size=Size blocks=Blocks atime=ATime mtime=MTime ctime=CTime atimensec=ATimeNsec mtimensec=MTimeNsec "
            + "ctimensec=CTimeNsec mode=Mode nlink=NLink uid=Uid gid=Gid rdev=RDev blksize=BlkSize flags=Flags"),
        ("fuse_entry_out", typeof(FuseEntryOut), 128, "nodeid=NodeId generation=Generation entry_valid=EntryValid attr_valid=AttrValid "
            + "entry_valid_nsec=EntryValidNsec attr_valid_nsec=AttrValidNsec attr=Attr"),
        ("fuse_attr_out", typeof(FuseAttrOut), 104, "attr_valid=AttrValid attr_valid_nsec=AttrValidNsec dummy=Dummy attr=Attr"),
        ("fuse_statfs_out", typeof(FuseKStatFs), 80, "st.blocks=Blocks st.bfree=BFree st.bavail=BAvail st.files=Files st.ffree=FFree st.bsize=BSize "
            + "st.namelen=NameLen st.frsize=FrSize"),
        ("fuse_forget_in", typeof(FuseForgetIn), 8, "nlookup=NLookup"),
        ("fuse_forget_one", typeof(FuseForgetOne), 16, "nodeid=NodeId nlookup=NLookup"),
        ("fuse_batch_forget_in", typeof(FuseBatchForgetIn), 8, "count=Count dummy=Dummy"),
        ("fuse_getattr_in", typeof(FuseGetAttrIn), 16, "getattr_flags=Flags dummy=Dummy fh=Fh"),
        ("fuse_setattr_in", typeof(FuseSetAttrIn), 88, "valid=Valid padding=Padding fh=Fh size=Size lock_owner=LockOwner atime=ATime mtime=MTime ctime=CTime "
            + "atimensec=ATimeNsec mtimensec=MTimeNsec ctimensec=CTimeNsec mode=Mode uid=Uid gid=Gid"),
        ("fuse_mknod_in", typeof(FuseMkNodIn), 16, "mode=Mode rdev=RDev umask=Umask padding=Padding"),
        ("fuse_open_in", typeof(FuseOpenIn), 8, "flags=Flags open_flags=OpenFlags"),
        ("fuse_open_out", typeof(FuseOpenOut), 16, "fh=Fh open_flags=OpenFlags +backing_id=BackingId"),
        ("fuse_release_in", typeof(FuseReleaseIn), 24, "fh=Fh flags=Flags release_flags=ReleaseFlags lock_owner=LockOwner"),
        ("fuse_flush_in", typeof(FuseFlushIn), 24, "fh=Fh unused=Unused padding=Padding lock_owner=LockOwner"),
        ("fuse_read_in", typeof(FuseReadIn), 40, "fh=Fh offset=Offset size=Size read_flags=ReadFlags lock_owner=LockOwner flags=Flags padding=Padding"),
        ("fuse_write_in", typeof(FuseWriteIn), 40, "fh=Fh offset=Offset size=Size write_flags=WriteFlags lock_owner=LockOwner flags=Flags padding=Padding"),
        ("fuse_write_out", typeof(FuseWriteOut), 8, "size=Size padding=Padding"),
        ("fuse_fsync_in", typeof(FuseFSyncIn), 16, "fh=Fh fsync_flags=FSyncFlags padding=Padding"),
        ("fuse_access_in", typeof(FuseAccessIn), 8, "mask=Mask padding=Padding"),
        ("fuse_interrupt_in", typeof(FuseInterruptIn), 8, "unique=Unique"),
        ("fuse_ioctl_in", typeof(FuseIoctlIn), 32, "fh=Fh flags=Flags cmd=Cmd arg=Arg in_size=InSize out_size=OutSize"),
        ("fuse_ioctl_out", typeof(FuseIoctlOut), 16, "result=Result flags=Flags in_iovs=InIovs out_iovs=OutIovs"),
        ("fuse_poll_in", typeof(FusePollIn), 24, "fh=Fh kh=Kh flags=Flags events=Events"),
        ("fuse_poll_out", typeof(FusePollOut), 8, "revents=Revents padding=Padding"),
        ("fuse_lseek_in", typeof(FuseLSeekIn), 24, "fh=Fh offset=Offset whence=Whence padding=Padding"),
        ("fuse_lseek_out", typeof(FuseLSeekOut), 8, "offset=Offset"),
        ("fuse_dirent", typeof(FuseDirent), 24, "ino=Ino off=Off namelen=NameLen type=Type"),
        ("fuse_direntplus", typeof(FuseDirentPlus), 152, "entry_out=Entry dirent=Dirent"),
        ("fuse_notify_poll_wakeup_out", typeof(FuseNotifyPollOut), 8, "kh=Kh"),
        ("fuse_notify_inval_inode_out", typeof(FuseNotifyInvalInodeOut), 24, "ino=NodeId off=Offset len=Length"),
        ("fuse_notify_inval_entry_out", typeof(FuseNotifyInvalEntryOut), 16, "parent=Parent namelen=NameLen flags=Flags"),
        ("fuse_notify_delete_out", typeof(FuseNotifyDeleteOut), 24, "parent=Parent child=Child namelen=NameLen padding=Padding"),
        ("fuse_notify_store_out", typeof(FuseNotifyStoreOut), 24, "nodeid=NodeId offset=Offset size=Size padding=Padding"),
        ("fuse_notify_retrieve_out", typeof(FuseNotifyRetrieveOut), 32, "notify_unique=NotifyUnique nodeid=NodeId offset=Offset size=Size padding=Padding"),
        ("+fuse_backing_map", typeof(FuseBackingMap), 16, "fd=Fd flags=Flags padding=Padding"),
    ];

    /// <summary>Enumerations whose C names are a prefix and our name in capitals, but for the exceptions.</summary>
    private static readonly (Type Type, string Prefix, string Exceptions)[] s_enumerations =
    [
        (typeof(FuseOpcode), "FUSE_", "GetLock=GETLK SetLock=SETLK SetLockWait=SETLKW Statx= CopyFileRange=COPY_FILE_RANGE CopyFileRange64= NotifyReply=NOTIFY_REPLY BatchForget=BATCH_FORGET"),
        (typeof(FuseNotifyCode), "FUSE_NOTIFY_", "InvalInode=INVAL_INODE InvalEntry=INVAL_ENTRY Resend= IncEpoch= Prune="),
        (typeof(FuseInitFlags), "FUSE_", "AsyncRead=ASYNC_READ PosixLocks=POSIX_LOCKS FileOps=FILE_OPS AtomicOTrunc=ATOMIC_O_TRUNC ExportSupport=EXPORT_SUPPORT "
            + "BigWrites=BIG_WRITES DontMask=DONT_MASK SpliceWrite=SPLICE_WRITE SpliceMove=SPLICE_MOVE SpliceRead=SPLICE_READ FlockLocks=FLOCK_LOCKS "
            + "HasIoctlDir=HAS_IOCTL_DIR AutoInvalData=AUTO_INVAL_DATA DoReadDirPlus=DO_READDIRPLUS ReadDirPlusAuto=READDIRPLUS_AUTO AsyncDio=ASYNC_DIO "
            + "WritebackCache=WRITEBACK_CACHE NoOpenSupport=NO_OPEN_SUPPORT ParallelDirOps=PARALLEL_DIROPS HandleKillPriv=HANDLE_KILLPRIV PosixAcl=POSIX_ACL "
            + "AbortError=ABORT_ERROR MaxPages=MAX_PAGES CacheSymlinks=CACHE_SYMLINKS NoOpenDirSupport=NO_OPENDIR_SUPPORT ExplicitInvalData=EXPLICIT_INVAL_DATA "
            + "MapAlignment=MAP_ALIGNMENT SubMounts=SUBMOUNTS HandleKillPrivV2=HANDLE_KILLPRIV_V2 SetXAttrExt=SETXATTR_EXT InitExt=INIT_EXT "
            + "InitReserved=INIT_RESERVED SecurityCtx=SECURITY_CTX HasInodeDax=HAS_INODE_DAX HasExpireOnly=HAS_EXPIRE_ONLY CreateSuppGroup=CREATE_SUPP_GROUP "
            + "DirectIoAllowMmap=DIRECT_IO_ALLOW_MMAP NoExportSupport=NO_EXPORT_SUPPORT HasResend=HAS_RESEND AllowIdmap=ALLOW_IDMAP "
            + "OverIoUring=OVER_IO_URING RequestTimeout=REQUEST_TIMEOUT"),
        (typeof(FuseOpenFlags), "FOPEN_", "DirectIo=DIRECT_IO KeepCache=KEEP_CACHE CacheDir=CACHE_DIR ParallelDirectWrites=PARALLEL_DIRECT_WRITES"),
        (typeof(FuseSetAttrFields), "FATTR_", "Handle=FH ATimeNow=ATIME_NOW MTimeNow=MTIME_NOW KillSuidGid=KILL_SUIDGID"),
        (typeof(FuseIoctlFlags), "FUSE_IOCTL_", "Is32Bit=32BIT Directory=DIR CompatX32=COMPAT_X32"),
        (typeof(FusePollFlags), "FUSE_POLL_", "ScheduleNotify=SCHEDULE_NOTIFY"),
        (typeof(FuseGetAttrFlags), "FUSE_GETATTR_", "Handle=FH"),
        (typeof(FuseWriteFlags), "FUSE_WRITE_", "KillSuidGid=KILL_SUIDGID"),
        (typeof(FuseReadFlags), "FUSE_READ_", ""),
        (typeof(FuseReleaseFlags), "FUSE_RELEASE_", "FlockUnlock=FLOCK_UNLOCK"),
        (typeof(FuseFSyncFlags), "FUSE_FSYNC_", "DataOnly=FDATASYNC"),
        (typeof(FuseAttrFlags), "FUSE_ATTR_", ""),
        (typeof(FuseInvalEntryFlags), "FUSE_", "ExpireOnly=EXPIRE_ONLY"),
    ];

    [Fact]
    public void Every_structure_has_the_size_written_down()
    {
        foreach ((string name, Type type, int size, _) in s_structures)
            Assert.Equal((name, size), (name, Marshal.SizeOf(type)));
    }

    [Fact]
    public void Every_structure_and_every_field_is_pinned_here()
    {
        IEnumerable<Type> all = typeof(FuseInHeader).Assembly.GetTypes()
            .Where(type => type is { IsValueType: true, IsEnum: false, IsExplicitLayout: true } && type.Namespace == typeof(FuseInHeader).Namespace);
        foreach (Type type in all)
        {
            (string C, Type Type, int Size, string Fields) pinned = Assert.Single(s_structures, s => s.Type == type);
            string[] fields = [.. pinned.Fields.Split(' ').Select(field => field[(field.IndexOf('=', StringComparison.Ordinal) + 1)..])];
            Assert.Equal(
                string.Join(" ", type.GetFields().Select(field => field.Name).Order(StringComparer.Ordinal)),
                string.Join(" ", fields.Order(StringComparer.Ordinal)));
        }
    }

    [Fact]
    public void Numbers_newer_than_the_header_are_what_the_kernel_uses()
    {
        Assert.Equal((36, 40), (Offset<FuseInitOut>(nameof(FuseInitOut.MaxStackDepth)), Offset<FuseInitOut>(nameof(FuseInitOut.RequestTimeout))));
        Assert.Equal(12, Offset<FuseOpenOut>(nameof(FuseOpenOut.BackingId)));
        Assert.Equal((0, 4, 8), (Offset<FuseBackingMap>(nameof(FuseBackingMap.Fd)), Offset<FuseBackingMap>(nameof(FuseBackingMap.Flags)), Offset<FuseBackingMap>(nameof(FuseBackingMap.Padding))));
        Assert.Equal((52u, 53u), ((uint)FuseOpcode.Statx, (uint)FuseOpcode.CopyFileRange64));
        Assert.Equal((7, 8, 9), ((int)FuseNotifyCode.Resend, (int)FuseNotifyCode.IncEpoch, (int)FuseNotifyCode.Prune));
        Assert.Equal(0x80u, (uint)FuseOpenFlags.Passthrough);
        Assert.Equal(
            (1UL << 36, 1UL << 37, 1UL << 38, 1UL << 39, 1UL << 40, 1UL << 41, 1UL << 42),
            ((ulong)FuseInitFlags.DirectIoAllowMmap, (ulong)FuseInitFlags.Passthrough, (ulong)FuseInitFlags.NoExportSupport, (ulong)FuseInitFlags.HasResend,
                (ulong)FuseInitFlags.AllowIdmap, (ulong)FuseInitFlags.OverIoUring, (ulong)FuseInitFlags.RequestTimeout));
        Assert.Equal((1u << 30 | 16u << 16 | 229u << 8 | 1, 1u << 30 | 4u << 16 | 229u << 8 | 2), (FuseProtocol.DevIocBackingOpen, FuseProtocol.DevIocBackingClose));

        static int Offset<T>(string field) => (int)Marshal.OffsetOf<T>(field);
    }

    [Fact]
    public void The_kernels_own_header_says_the_same()
    {
        Assert.SkipUnless(File.Exists("/usr/include/linux/fuse.h"), "there is no <linux/fuse.h>");
        var program = new StringBuilder("#include <stddef.h>\n#include <stdio.h>\n#include <sys/ioctl.h>\n#include <linux/fuse.h>\nint main(void) {\n");
        var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((string name, Type type, int size, string fields) in s_structures)
        {
            if (name[0] == '+')
                continue;
            if (name is not "fuse_dirent" and not "fuse_direntplus")
                Expect($"sizeof({name})", $"sizeof(struct {name})", size);
            foreach (string field in fields.Split(' '))
            {
                if (field[0] == '+')
                    continue;
                string[] names = field.Split('=');
                Expect($"{name}.{names[0]}", $"offsetof(struct {name}, {names[0]})", (long)Marshal.OffsetOf(type, names[1]));
                if (names[0] is "dirent")
                    continue;
                Expect($"sizeof({name}.{names[0]})", $"sizeof(((struct {name} *)0)->{names[0]})", FieldSize(type.GetField(names[1])!.FieldType));
            }
        }
        Expect("name of fuse_dirent", "offsetof(struct fuse_dirent, name)", 24);
        Expect("name of fuse_direntplus", "offsetof(struct fuse_direntplus, dirent.name)", 152);
        foreach ((Type type, string prefix, string exceptions) in s_enumerations)
        {
            Dictionary<string, string> names = exceptions.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(exception => exception.Split('=')).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
            foreach (object value in Enum.GetValues(type))
            {
                string ours = value.ToString()!;
                if (ours == "None" || names.GetValueOrDefault(ours, ours) is not { Length: > 0 } theirs)
                    continue;
                string c = prefix + theirs.ToUpperInvariant();
                bool isMacro = type != typeof(FuseOpcode) && type != typeof(FuseNotifyCode);
                if (isMacro)
                    program.Append(CultureInfo.InvariantCulture, $"#ifdef {c}\n");
                ulong number = type == typeof(FuseNotifyCode) ? (ulong)(int)value : Convert.ToUInt64(value, CultureInfo.InvariantCulture);
                // Bits up to 31 are int in the header: sign extension is the header's, not the protocol's.
                string expression = number <= uint.MaxValue ? $"(unsigned int)({c})" : c;
                Expect(c, expression, (long)number);
                if (isMacro)
                    program.Append("#endif\n");
            }
        }
        Expect("FUSE_ROOT_ID", "FUSE_ROOT_ID", (long)FuseProtocol.RootId);
        Expect("FUSE_MIN_READ_BUFFER", "FUSE_MIN_READ_BUFFER", FuseProtocol.MinReadBuffer);
        Expect("FUSE_DEV_IOC_CLONE", "FUSE_DEV_IOC_CLONE", FuseProtocol.DevIocClone);
        program.Append("return 0;\n}\n");

        DirectoryInfo directory = Directory.CreateTempSubdirectory("kdbus-fuse-wire-");
        try
        {
            string source = Path.Combine(directory.FullName, "wire.c");
            string binary = Path.Combine(directory.FullName, "wire");
            File.WriteAllText(source, program.ToString());
            string complaint = RealMount.Output("cc", "-Wall", "-o", binary, source);
            Assert.True(complaint.Length == 0, complaint);
            string[] lines = RealMount.Output(binary).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(lines.Length > 300, $"only {lines.Length} comparisons");
            foreach (string line in lines)
            {
                string[] parts = line.Split('\t');
                Assert.Equal($"{parts[0]} is {expected[parts[0]]}", $"{parts[0]} is {parts[1]}");
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }

        void Expect(string name, string expression, long value)
        {
            expected[name] = value.ToString(CultureInfo.InvariantCulture);
            program.Append(CultureInfo.InvariantCulture, $"\tprintf(\"%s\\t%lld\\n\", \"{name}\", (long long)({expression}));\n");
        }

        static int FieldSize(Type type) => Marshal.SizeOf(type.IsEnum ? Enum.GetUnderlyingType(type) : type);
    }

    [Fact]
    public void Every_enumeration_is_compared()
    {
        IEnumerable<string> all = typeof(FuseOpcode).Assembly.GetTypes().Where(type => type.IsEnum && type.Namespace == typeof(FuseOpcode).Namespace)
            .Select(type => type.Name).Order(StringComparer.Ordinal);
        Assert.Equal(string.Join(" ", all), string.Join(" ", s_enumerations.Select(e => e.Type.Name).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Wire_structures_are_public_fields_only()
    {
        foreach ((_, Type type, _, _) in s_structures)
            Assert.Empty(type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic));
    }
}
