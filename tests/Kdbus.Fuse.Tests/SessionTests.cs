using Kdbus.Fuse.Tests.Infrastructure;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests;

/// <summary>How a session begins and ends.</summary>
public sealed class SessionTests
{
    private static readonly FuseInitIn s_offer = new() { Major = 7, Minor = 45, Flags = uint.MaxValue, Flags2 = uint.MaxValue };

    [Fact]
    public void The_file_system_is_told_of_the_agreement_before_the_first_request_and_of_the_end()
    {
        using var running = new RunningSession();
        running.FileSystem.OnStatFs = (in StatFsRequest r, FuseReply reply) =>
        {
            if (running.FileSystem.Capabilities is null)
                reply.Error(5);
            else
                reply.StatFs(default);
        };
        Assert.Equal(0, running.Kernel.Wait(running.Kernel.Submit(FuseOpcode.StatFs)).Error);
        Assert.True(running.FileSystem.Capabilities!.Passthrough);
        Assert.Equal(0, running.FileSystem.Destroyed);
        Assert.Equal(FuseSessionEnd.Unmounted, running.Unmount());
        Assert.Equal(1, running.FileSystem.Destroyed);
        Assert.Equal(0, running.Session.Readers);
    }

    [Theory]
    [InlineData(19, FuseSessionEnd.Unmounted)]
    [InlineData(103, FuseSessionEnd.Aborted)]
    [InlineData(9, FuseSessionEnd.Failed)]
    public void The_end_has_a_reason(int errno, FuseSessionEnd end)
    {
        using var running = new RunningSession();
        running.Kernel.End(errno);
        Assert.Equal(end, running.WaitForEnd());
        Assert.Equal(end == FuseSessionEnd.Failed, running.Session.EndDescription?.Contains("errno 9", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public void Stopping_ends_a_session_that_waits_for_a_request()
    {
        using var running = new RunningSession();
        running.Session.Stop();
        Assert.Equal(FuseSessionEnd.Stopped, running.WaitForEnd());
        Assert.Equal(1, running.FileSystem.Destroyed);
    }

    [Fact]
    public void Where_the_reader_cannot_be_woken_stopping_takes_effect_after_the_next_request()
    {
        using var running = new RunningSession();
        running.FileSystem.OnStatFs = (in StatFsRequest r, FuseReply reply) => reply.StatFs(default);
        running.Kernel.WakeResult = -38;
        running.Kernel.WaitForReader();
        running.Session.Stop();
        ulong unique = running.Kernel.Submit(FuseOpcode.StatFs);
        Assert.Equal(0, running.Kernel.Wait(unique).Error);
        Assert.Equal(FuseSessionEnd.Stopped, running.WaitForEnd());
    }

    [Fact]
    public void Requests_before_init_fail_and_init_still_works()
    {
        var kernel = new FakeKernel();
        using var session = new FuseSession(kernel, new ScriptedFileSystem());
        ulong early = kernel.Submit(FuseOpcode.GetAttr, new FuseGetAttrIn());
        kernel.Submit(FuseOpcode.Forget, new FuseForgetIn());
        kernel.SubmitRaw([1, 2, 3]);
        ulong init = kernel.Submit(FuseOpcode.Init, s_offer);
        Assert.Null(session.Initialize());
        Assert.Equal(-5, kernel.Wait(early).Error);
        Assert.Equal(0, kernel.Wait(init).Error);
        Assert.Null(session.Initialize());
        Assert.NotNull(session.Capabilities);
    }

    [Fact]
    public void A_kernel_of_a_newer_major_version_is_told_ours_and_may_ask_again()
    {
        var kernel = new FakeKernel();
        using var session = new FuseSession(kernel, new ScriptedFileSystem());
        ulong first = kernel.Submit(FuseOpcode.Init, new FuseInitIn { Major = 8, Minor = 1 });
        ulong second = kernel.Submit(FuseOpcode.Init, s_offer);
        Assert.Null(session.Initialize());
        Assert.Equal(7u, kernel.Wait(first).As<FuseInitOut>().Major);
        Assert.Equal(45u, kernel.Wait(second).As<FuseInitOut>().Minor);
    }

    [Theory]
    [InlineData(6, 40)]
    [InlineData(7, 30)]
    public void A_kernel_that_is_too_old_is_refused_with_a_reason(uint major, uint minor)
    {
        var kernel = new FakeKernel();
        var files = new ScriptedFileSystem();
        using var session = new FuseSession(kernel, files);
        ulong init = kernel.Submit(FuseOpcode.Init, new FuseInitIn { Major = major, Minor = minor });
        Assert.Equal(FuseSessionEnd.Refused, session.Run());
        Assert.Equal(-71, kernel.Wait(init).Error);
        Assert.Contains($"{major}.{minor}", session.EndDescription, StringComparison.Ordinal);
        Assert.Equal(0, files.Destroyed);
    }

    [Fact]
    public void A_connection_that_ends_before_init_ends_the_session()
    {
        var kernel = new FakeKernel();
        using var session = new FuseSession(kernel, new ScriptedFileSystem());
        kernel.End();
        Assert.Equal(FuseSessionEnd.Unmounted, session.Initialize());
        Assert.Equal(FuseSessionEnd.Unmounted, session.Run());
    }

    [Fact]
    public void A_successor_takes_over_without_init()
    {
        var kernel = new FakeKernel();
        var files = new ScriptedFileSystem { OnStatFs = (in StatFsRequest r, FuseReply reply) => reply.StatFs(default) };
        using var session = new FuseSession(kernel, files);
        var agreed = new FuseCapabilities(45, FuseInitFlags.Passthrough | FuseInitFlags.HasResend, 131072, 32);
        session.Adopt(agreed);
        Assert.Equal(0, session.Notify.Resend());
        Assert.Equal(FuseNotifyCode.Resend, Assert.Single(kernel.Notifications).Code);
        Assert.Same(agreed, files.Capabilities);
        Assert.Throws<InvalidOperationException>(() => session.Adopt(agreed));
        ulong unique = kernel.Submit(FuseOpcode.StatFs);
        kernel.End();
        Assert.Equal(FuseSessionEnd.Unmounted, session.Run());
        Assert.Equal(0, kernel.Wait(unique).Error);
        Assert.Throws<InvalidOperationException>(() => session.Run());
    }

    [Fact]
    public void The_defaults_of_a_file_system_make_the_kernel_do_without()
    {
        using var running = new RunningSession(fileSystem: new Minimal());
        var expected = new Dictionary<FuseOpcode, int>
        {
            [FuseOpcode.SetAttr] = -1, [FuseOpcode.MkNod] = -1, [FuseOpcode.Access] = -38, [FuseOpcode.Read] = -22, [FuseOpcode.Write] = -22,
            [FuseOpcode.Flush] = -38, [FuseOpcode.FSync] = -38, [FuseOpcode.LSeek] = -38, [FuseOpcode.Ioctl] = -25, [FuseOpcode.Poll] = -38,
        };
        foreach ((FuseOpcode opcode, int error) in expected)
        {
            int size = opcode switch
            {
                FuseOpcode.SetAttr => 88,
                FuseOpcode.Access => 8,
                FuseOpcode.Read or FuseOpcode.Write => 40,
                FuseOpcode.FSync or FuseOpcode.MkNod => 16,
                FuseOpcode.Ioctl => 32,
                _ => 24,
            };
            byte[] arguments = opcode == FuseOpcode.MkNod ? [.. new byte[16], .. "n\0"u8] : new byte[size];
            Assert.Equal((opcode, error), (opcode, running.Kernel.Wait(running.Kernel.Submit(opcode, arguments)).Error));
        }
        Assert.Empty(running.Bugs);
    }

    private sealed class Minimal : IFuseFileSystem
    {
        public void Lookup(in LookupRequest request, FuseReply reply) => reply.Error(2);

        public void Forget(ulong nodeId, ulong lookups)
        {
        }

        public void GetAttr(in GetAttrRequest request, FuseReply reply) => reply.Error(2);

        public void StatFs(in StatFsRequest request, FuseReply reply) => reply.Error(2);

        public void OpenDir(in OpenRequest request, FuseReply reply) => reply.Error(2);

        public void ReadDir(in ReadDirRequest request, FuseReply reply) => reply.Error(2);

        public void ReleaseDir(in ReleaseRequest request, FuseReply reply) => reply.Error(2);

        public void Open(in OpenRequest request, FuseReply reply) => reply.Error(2);

        public void Release(in ReleaseRequest request, FuseReply reply) => reply.Error(2);

        public void Interrupt(in InterruptRequest request, HeldReply target)
        {
        }
    }
}
