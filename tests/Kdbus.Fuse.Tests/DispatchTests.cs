using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Fuse.Tests.Infrastructure;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests;

/// <summary>Each opcode: the arguments arrive typed, the answer leaves with its structure.</summary>
public sealed class DispatchTests : IDisposable
{
    private readonly RunningSession _running = new();
    private FakeKernel Kernel => _running.Kernel;
    private ScriptedFileSystem Files => _running.FileSystem;

    public void Dispose()
    {
        _running.Dispose();
        Assert.Empty(_running.Bugs);
        Assert.Empty(Kernel.Refusals);
    }

    [Fact]
    public void Every_request_names_its_caller()
    {
        RequestContext seen = default;
        Files.OnStatFs = (in StatFsRequest r, FuseReply reply) =>
        {
            seen = r.Context;
            reply.StatFs(new FuseKStatFs { NameLen = 63 });
        };
        ulong unique = Kernel.Submit(FuseOpcode.StatFs, [], node: 7, uid: 1001, gid: 1002, pid: 1003);
        Answer answer = Kernel.Wait(unique);
        Assert.Equal(63u, answer.As<FuseKStatFs>().NameLen);
        Assert.Equal(new RequestContext(unique, 7, 1001, 1002, 1003), seen);
        Assert.False(seen.IsResent);
    }

    [Fact]
    public void Lookup_passes_the_name_and_answers_an_entry()
    {
        string name = "";
        Files.OnLookup = (in LookupRequest r, FuseReply reply) =>
        {
            name = Encoding.UTF8.GetString(r.Name);
            Assert.True(reply.Entry(new FuseEntryOut { NodeId = 42, Generation = 1, AttrValid = 3600, Attr = new FuseAttr { Ino = 9, Mode = 0x81A4 } }));
        };
        FuseEntryOut entry = Kernel.Wait(Kernel.Submit(FuseOpcode.Lookup, "control\0"u8)).As<FuseEntryOut>();
        Assert.Equal("control", name);
        Assert.Equal(42UL, entry.NodeId);
        Assert.Equal(3600UL, entry.AttrValid);
        Assert.Equal(9UL, entry.Attr.Ino);
    }

    [Fact]
    public void Forget_and_batch_forget_reach_the_same_method_and_get_no_answer()
    {
        var forgotten = new List<(ulong, ulong)>();
        Files.OnForget = (node, count) => forgotten.Add((node, count));
        Kernel.Submit(FuseOpcode.Forget, new FuseForgetIn { NLookup = 3 }, node: 5);
        FuseForgetOne[] ones = [new() { NodeId = 6, NLookup = 1 }, new() { NodeId = 7, NLookup = 2 }];
        Kernel.Submit(FuseOpcode.BatchForget, new FuseBatchForgetIn { Count = 2 }, MemoryMarshal.AsBytes<FuseForgetOne>(ones));
        Synchronise();
        Assert.Equal([(5UL, 3UL), (6UL, 1UL), (7UL, 2UL)], forgotten);
        Assert.Equal(0, Kernel.Unanswered);
    }

    [Fact]
    public void A_batch_forget_that_claims_more_entries_than_it_has_forgets_nothing()
    {
        int forgotten = 0;
        Files.OnForget = (_, _) => forgotten++;
        Kernel.Submit(FuseOpcode.BatchForget, new FuseBatchForgetIn { Count = uint.MaxValue }, new byte[32]);
        Synchronise();
        Assert.Equal(0, forgotten);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void GetAttr_tells_fstat_from_stat(bool byHandle)
    {
        ulong? handle = 1;
        Files.OnGetAttr = (in GetAttrRequest r, FuseReply reply) =>
        {
            handle = r.Handle;
            reply.Attr(new FuseAttrOut { AttrValid = 5, Attr = new FuseAttr { Size = 11 } });
        };
        var request = new FuseGetAttrIn { Flags = byHandle ? FuseGetAttrFlags.Handle : FuseGetAttrFlags.None, Fh = 77 };
        FuseAttrOut answer = Kernel.Wait(Kernel.Submit(FuseOpcode.GetAttr, request)).As<FuseAttrOut>();
        Assert.Equal(11UL, answer.Attr.Size);
        Assert.Equal(byHandle ? 77 : null, handle);
    }

    [Fact]
    public void SetAttr_says_which_fields_are_meant()
    {
        FuseSetAttrFields fields = default;
        ulong size = 0;
        Files.OnSetAttr = (in SetAttrRequest r, FuseReply reply) =>
        {
            fields = r.Fields;
            size = r.Arguments.Size;
            reply.Attr(new FuseAttrOut());
        };
        Kernel.Wait(Kernel.Submit(FuseOpcode.SetAttr, new FuseSetAttrIn { Valid = FuseSetAttrFields.Size | FuseSetAttrFields.Handle, Size = 123 }));
        Assert.Equal(FuseSetAttrFields.Size | FuseSetAttrFields.Handle, fields);
        Assert.Equal(123UL, size);
    }

    [Fact]
    public void Access_passes_the_mask_and_answers_without_a_body()
    {
        uint mask = 0;
        Files.OnAccess = (in AccessRequest r, FuseReply reply) =>
        {
            mask = r.Mask;
            reply.Ok();
        };
        Answer answer = Kernel.Wait(Kernel.Submit(FuseOpcode.Access, new FuseAccessIn { Mask = 6 }));
        Assert.Equal((0, 0, 6u), (answer.Error, answer.Body.Length, mask));
    }

    [Fact]
    public void MkNod_passes_mode_and_name()
    {
        string seen = "";
        Files.OnMkNod = (in MkNodRequest r, FuseReply reply) =>
        {
            seen = $"{Encoding.UTF8.GetString(r.Name)} {r.Mode:x} {r.Device} {r.Umask}";
            reply.Entry(new FuseEntryOut { NodeId = 8 });
        };
        Answer answer = Kernel.Wait(Kernel.Submit(FuseOpcode.MkNod, new FuseMkNodIn { Mode = 0xC1ED, RDev = 5, Umask = 18 }, "sock\0"u8));
        Assert.Equal(8UL, answer.As<FuseEntryOut>().NodeId);
        Assert.Equal("sock c1ed 5 18", seen);
    }

    [Theory]
    [InlineData(FuseOpcode.Open)]
    [InlineData(FuseOpcode.OpenDir)]
    public void Open_answers_handle_flags_and_backing_file(FuseOpcode opcode)
    {
        uint flags = 0;
        Handler<OpenRequest> handler = (in OpenRequest r, FuseReply reply) =>
        {
            flags = r.Flags;
            reply.Open(99, FuseOpenFlags.Passthrough | FuseOpenFlags.NonSeekable, 3);
        };
        if (opcode == FuseOpcode.Open)
            Files.OnOpen = handler;
        else
            Files.OnOpenDir = handler;
        FuseOpenOut answer = Kernel.Wait(Kernel.Submit(opcode, new FuseOpenIn { Flags = 2 })).As<FuseOpenOut>();
        Assert.Equal((99UL, FuseOpenFlags.Passthrough | FuseOpenFlags.NonSeekable, 3, 2u), (answer.Fh, answer.OpenFlags, answer.BackingId, flags));
    }

    [Theory]
    [InlineData(FuseOpcode.Release)]
    [InlineData(FuseOpcode.ReleaseDir)]
    public void Release_passes_the_handle(FuseOpcode opcode)
    {
        ulong handle = 0;
        Handler<ReleaseRequest> handler = (in ReleaseRequest r, FuseReply reply) =>
        {
            handle = r.Handle;
            reply.Ok();
        };
        if (opcode == FuseOpcode.Release)
            Files.OnRelease = handler;
        else
            Files.OnReleaseDir = handler;
        Assert.Equal(0, Kernel.Wait(Kernel.Submit(opcode, new FuseReleaseIn { Fh = 31 })).Error);
        Assert.Equal(31UL, handle);
    }

    [Fact]
    public void Read_answers_the_data()
    {
        (ulong, ulong, uint) seen = default;
        Files.OnRead = (in ReadRequest r, FuseReply reply) =>
        {
            seen = (r.Handle, r.Offset, r.Size);
            reply.Data("abc"u8);
        };
        Assert.Equal("abc"u8, Kernel.Wait(Kernel.Submit(FuseOpcode.Read, new FuseReadIn { Fh = 1, Offset = 2, Size = 3 })).Body);
        Assert.Equal((1UL, 2UL, 3u), seen);
    }

    [Fact]
    public void Write_passes_the_data()
    {
        byte[] data = [];
        Files.OnWrite = (in WriteRequest r, FuseReply reply) =>
        {
            data = r.Data.ToArray();
            reply.Written((uint)r.Data.Length);
        };
        byte[] large = new byte[128 * 1024];
        Random.Shared.NextBytes(large);
        Answer answer = Kernel.Wait(Kernel.Submit(FuseOpcode.Write, new FuseWriteIn { Size = (uint)large.Length }, large));
        Assert.Equal((uint)large.Length, answer.As<FuseWriteOut>().Size);
        Assert.Equal(large, data);
    }

    [Fact]
    public void Flush_passes_the_handle()
    {
        ulong handle = 0;
        Files.OnFlush = (in FlushRequest r, FuseReply reply) =>
        {
            handle = r.Handle;
            reply.Ok();
        };
        Assert.Equal(0, Kernel.Wait(Kernel.Submit(FuseOpcode.Flush, new FuseFlushIn { Fh = 12 })).Error);
        Assert.Equal(12UL, handle);
    }

    [Theory]
    [InlineData(FuseOpcode.FSync)]
    [InlineData(FuseOpcode.FSyncDir)]
    public void FSync_tells_file_from_directory(FuseOpcode opcode)
    {
        bool? directory = null;
        Files.OnFSync = (in FSyncRequest r, FuseReply reply) =>
        {
            directory = r.IsDirectory;
            Assert.True(r.DataOnly);
            reply.Ok();
        };
        Assert.Equal(0, Kernel.Wait(Kernel.Submit(opcode, new FuseFSyncIn { FSyncFlags = FuseFSyncFlags.DataOnly })).Error);
        Assert.Equal(opcode == FuseOpcode.FSyncDir, directory);
    }

    [Fact]
    public void LSeek_answers_the_offset()
    {
        Files.OnLSeek = (in LSeekRequest r, FuseReply reply) => reply.Seek(r.Offset + r.Whence);
        Assert.Equal(14UL, Kernel.Wait(Kernel.Submit(FuseOpcode.LSeek, new FuseLSeekIn { Offset = 10, Whence = 4 })).As<FuseLSeekOut>().Offset);
    }

    [Fact]
    public void Ioctl_carries_data_both_ways()
    {
        string seen = "";
        Files.OnIoctl = (in IoctlRequest r, FuseReply reply) =>
        {
            seen = $"{r.Handle} {r.Command:x} {r.Argument:x} {r.OutputSize} {r.Flags} {Encoding.UTF8.GetString(r.Input)}";
            reply.Ioctl(7, "out"u8);
        };
        var request = new FuseIoctlIn { Fh = 3, Cmd = 0xC0109500, Arg = 0x7fff0000, InSize = 2, OutSize = 16, Flags = FuseIoctlFlags.Compat };
        Answer answer = Kernel.Wait(Kernel.Submit(FuseOpcode.Ioctl, request, "in"u8));
        Assert.Equal("3 c0109500 7fff0000 16 Compat in", seen);
        Assert.Equal(7, answer.As<FuseIoctlOut>().Result);
        Assert.Equal("out"u8, answer.Body.AsSpan(Unsafe.SizeOf<FuseIoctlOut>()));
    }

    [Theory]
    [InlineData(-22)]
    [InlineData(-512)]
    public void A_failing_ioctl_can_carry_data_too(int result)
    {
        Files.OnIoctl = (in IoctlRequest r, FuseReply reply) => reply.Ioctl(result, "why"u8);
        Answer answer = Kernel.Wait(Kernel.Submit(FuseOpcode.Ioctl, new FuseIoctlIn { OutSize = 8 }));
        Assert.Equal(0, answer.Error);
        Assert.Equal(result, answer.As<FuseIoctlOut>().Result);
        Assert.Equal(19, answer.Body.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Poll_says_whether_somebody_waits(bool waits)
    {
        (ulong, uint, bool) seen = default;
        Files.OnPoll = (in PollRequest r, FuseReply reply) =>
        {
            seen = (r.PollHandle, r.Events, r.WantsNotification);
            reply.Poll(5);
        };
        var request = new FusePollIn { Kh = 1234, Events = 3, Flags = waits ? FusePollFlags.ScheduleNotify : FusePollFlags.None };
        Assert.Equal(5u, Kernel.Wait(Kernel.Submit(FuseOpcode.Poll, request)).As<FusePollOut>().Revents);
        Assert.Equal((1234UL, 3u, waits), seen);
    }

    [Theory]
    [InlineData(FuseOpcode.ReadDir, 24)]
    [InlineData(FuseOpcode.ReadDirPlus, 152)]
    public void A_directory_is_read_in_as_many_parts_as_it_needs(FuseOpcode opcode, int head)
    {
        string[] names = ["a", "bb", "ccc", "dddddddd", "eeeeeeeee"];
        Files.OnReadDir = (in ReadDirRequest r, FuseReply reply) =>
        {
            DirectoryBuffer buffer = reply.DirectoryBuffer(in r);
            for (int i = (int)r.Offset; i < names.Length; i++)
            {
                var entry = new FuseEntryOut { NodeId = 100, Attr = new FuseAttr { Ino = (ulong)i + 1, Mode = 0x41ED } };
                if (!buffer.TryAdd(Encoding.UTF8.GetBytes(names[i]), in entry, (ulong)i + 1))
                    break;
            }
            reply.Directory(in buffer);
        };
        var found = new List<string>();
        ulong offset = 0;
        while (true)
        {
            byte[] body = Kernel.Wait(Kernel.Submit(opcode, new FuseReadIn { Offset = offset, Size = (uint)head * 2 + 24 })).Body;
            if (body.Length == 0)
                break;
            Assert.Equal(0, body.Length % 8);
            for (int at = 0; at < body.Length;)
            {
                FuseDirent dirent = MemoryMarshal.Read<FuseDirent>(body.AsSpan(at + head - 24));
                if (head > 24)
                    Assert.Equal(100UL, MemoryMarshal.Read<FuseEntryOut>(body.AsSpan(at)).NodeId);
                Assert.Equal(4u, dirent.Type);
                found.Add(Encoding.UTF8.GetString(body, at + head, (int)dirent.NameLen));
                offset = dirent.Off;
                at += head + (((int)dirent.NameLen + 7) & ~7);
            }
        }
        Assert.Equal(string.Join(" ", names), string.Join(" ", found));
    }

    [Fact]
    public void Destroy_is_answered()
    {
        Assert.Equal(0, Kernel.Wait(Kernel.Submit(FuseOpcode.Destroy)).Error);
    }

    [Theory]
    [InlineData(FuseOpcode.Create, -1)]
    [InlineData(FuseOpcode.MkDir, -1)]
    [InlineData(FuseOpcode.Unlink, -1)]
    [InlineData(FuseOpcode.RmDir, -1)]
    [InlineData(FuseOpcode.Rename, -1)]
    [InlineData(FuseOpcode.Rename2, -1)]
    [InlineData(FuseOpcode.Link, -1)]
    [InlineData(FuseOpcode.SymLink, -1)]
    [InlineData(FuseOpcode.TmpFile, -1)]
    [InlineData(FuseOpcode.SetXAttr, -1)]
    [InlineData(FuseOpcode.RemoveXAttr, -1)]
    [InlineData(FuseOpcode.ReadLink, -22)]
    [InlineData(FuseOpcode.GetXAttr, -38)]
    [InlineData(FuseOpcode.ListXAttr, -38)]
    [InlineData(FuseOpcode.GetLock, -38)]
    [InlineData(FuseOpcode.SetLock, -38)]
    [InlineData(FuseOpcode.SetLockWait, -38)]
    [InlineData(FuseOpcode.BMap, -38)]
    [InlineData(FuseOpcode.FAllocate, -38)]
    [InlineData(FuseOpcode.CopyFileRange, -38)]
    [InlineData(FuseOpcode.CopyFileRange64, -38)]
    [InlineData(FuseOpcode.SetupMapping, -38)]
    [InlineData(FuseOpcode.RemoveMapping, -38)]
    [InlineData(FuseOpcode.SyncFs, -38)]
    [InlineData(FuseOpcode.Statx, -38)]
    [InlineData((FuseOpcode)54, -38)]
    [InlineData((FuseOpcode)0, -38)]
    [InlineData((FuseOpcode)4096, -38)]
    [InlineData((FuseOpcode)uint.MaxValue, -38)]
    [InlineData(FuseOpcode.Init, -5)]
    public void What_is_not_offered_fails_with_the_error_that_says_so(FuseOpcode opcode, int error)
    {
        Assert.Equal(error, Kernel.Wait(Kernel.Submit(opcode, "name\0"u8)).Error);
    }

    [Theory]
    [InlineData(FuseOpcode.Lookup, 0)]
    [InlineData(FuseOpcode.GetAttr, 16)]
    [InlineData(FuseOpcode.SetAttr, 88)]
    [InlineData(FuseOpcode.Access, 8)]
    [InlineData(FuseOpcode.MkNod, 16)]
    [InlineData(FuseOpcode.Open, 8)]
    [InlineData(FuseOpcode.OpenDir, 8)]
    [InlineData(FuseOpcode.ReadDir, 40)]
    [InlineData(FuseOpcode.ReadDirPlus, 40)]
    [InlineData(FuseOpcode.ReleaseDir, 24)]
    [InlineData(FuseOpcode.Release, 24)]
    [InlineData(FuseOpcode.Read, 40)]
    [InlineData(FuseOpcode.Write, 40)]
    [InlineData(FuseOpcode.Flush, 24)]
    [InlineData(FuseOpcode.FSync, 16)]
    [InlineData(FuseOpcode.LSeek, 24)]
    [InlineData(FuseOpcode.Ioctl, 32)]
    [InlineData(FuseOpcode.Poll, 24)]
    public void Arguments_that_are_cut_short_are_invalid_at_every_length(FuseOpcode opcode, int size)
    {
        for (int length = 0; length < size; length++)
            Assert.Equal(-22, Kernel.Wait(Kernel.Submit(opcode, new byte[length])).Error);
        if (opcode == FuseOpcode.Lookup)
            Assert.Equal(-22, Kernel.Wait(Kernel.Submit(opcode)).Error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("open end")]
    [InlineData("two\0names\0")]
    [InlineData("a/b\0")]
    public void A_name_that_is_none_is_invalid(string name)
    {
        Assert.Equal(-22, Kernel.Wait(Kernel.Submit(FuseOpcode.Lookup, Encoding.UTF8.GetBytes(name))).Error);
        Assert.Equal(-22, Kernel.Wait(Kernel.Submit(FuseOpcode.MkNod, new FuseMkNodIn(), Encoding.UTF8.GetBytes(name))).Error);
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(2, 3)]
    [InlineData(uint.MaxValue, 3)]
    [InlineData(0, 1)]
    public void Data_must_have_the_length_it_claims(uint claimed, int there)
    {
        Assert.Equal(-22, Kernel.Wait(Kernel.Submit(FuseOpcode.Write, new FuseWriteIn { Size = claimed }, new byte[there])).Error);
        Assert.Equal(-22, Kernel.Wait(Kernel.Submit(FuseOpcode.Ioctl, new FuseIoctlIn { InSize = claimed }, new byte[there])).Error);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(-40)]
    [InlineData(1000000)]
    public void A_request_with_a_wrong_length_in_its_header_fails_with_an_io_error(int difference)
    {
        ulong unique = Kernel.NextUnique();
        byte[] message = FakeKernel.Message(FuseOpcode.StatFs, unique, 1, []);
        MemoryMarshal.Write(message, (uint)(message.Length + difference));
        Kernel.SubmitRaw(message, unique);
        Assert.Equal(-5, Kernel.Wait(unique).Error);
    }

    [Fact]
    public void Extensions_are_no_part_of_the_arguments()
    {
        string name = "";
        Files.OnLookup = (in LookupRequest r, FuseReply reply) =>
        {
            name = Encoding.UTF8.GetString(r.Name);
            reply.Error(2);
        };
        ulong unique = Kernel.NextUnique();
        byte[] message = FakeKernel.Message(FuseOpcode.Lookup, unique, 1, [.. "name\0"u8, .. new byte[16]]);
        MemoryMarshal.Write(message.AsSpan(36), (ushort)2);
        Kernel.SubmitRaw(message, unique);
        Assert.Equal(-2, Kernel.Wait(unique).Error);
        Assert.Equal("name", name);

        unique = Kernel.NextUnique();
        message = FakeKernel.Message(FuseOpcode.Lookup, unique, 1, "name\0"u8);
        MemoryMarshal.Write(message.AsSpan(36), (ushort)1);
        Kernel.SubmitRaw(message, unique);
        Assert.Equal(-5, Kernel.Wait(unique).Error);
    }

    [Fact]
    public void What_is_shorter_than_a_header_is_ignored()
    {
        for (int length = 1; length < FuseProtocol.InHeaderSize; length++)
            Kernel.SubmitRaw(new byte[length]);
        Synchronise();
        Assert.Equal(0, Kernel.Unanswered);
    }

    [Fact]
    public void A_resent_request_is_marked_and_answered_with_its_whole_number()
    {
        bool resent = false;
        Files.OnStatFs = (in StatFsRequest r, FuseReply reply) =>
        {
            resent = r.Context.IsResent;
            reply.StatFs(default);
        };
        ulong unique = Kernel.NextUnique() | FuseProtocol.ResentBit;
        Kernel.SubmitRaw(FakeKernel.Message(FuseOpcode.StatFs, unique, 1, []), unique);
        Assert.Equal(0, Kernel.Wait(unique).Error);
        Assert.True(resent);
    }

    private void Synchronise() => Kernel.Wait(Kernel.Submit(FuseOpcode.Destroy));
}
