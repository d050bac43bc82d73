using Kdbus.Fuse.Tests.Infrastructure;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests;

/// <summary>The debug log names what it sees, and cannot be brought down by it.</summary>
public sealed class TraceTests
{
    [Fact]
    public void A_conversation_reads_like_one()
    {
        var lines = new List<string>();
        using (var running = new RunningSession(new FuseSessionOptions { Trace = new FuseTextTrace(Add) }))
        {
            running.FileSystem.OnLookup = (in LookupRequest r, FuseReply reply) => reply.Entry(new FuseEntryOut { NodeId = 5, Attr = new FuseAttr { Mode = 0x81A4 } });
            running.FileSystem.OnOpen = (in OpenRequest r, FuseReply reply) => reply.Open(6, FuseOpenFlags.Passthrough | FuseOpenFlags.Stream, 2);
            running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => reply.Ioctl(-22, "abc"u8);
            running.FileSystem.OnPoll = (in PollRequest r, FuseReply reply) => reply.Error(5);
            FakeKernel kernel = running.Kernel;
            kernel.Wait(kernel.Submit(FuseOpcode.Lookup, "some name\0"u8));
            kernel.Wait(kernel.Submit(FuseOpcode.Open, new FuseOpenIn { Flags = 0x8002 }));
            kernel.Wait(kernel.Submit(FuseOpcode.Ioctl, new FuseIoctlIn { Cmd = 0x40389540, OutSize = 8, Flags = FuseIoctlFlags.Compat | FuseIoctlFlags.Is32Bit }));
            kernel.Wait(kernel.Submit(FuseOpcode.Poll, new FusePollIn { Kh = 3, Flags = FusePollFlags.ScheduleNotify }));
            running.Session.Notify.Poll(3);
            running.Session.Notify.InvalEntry(1, "old"u8, FuseInvalEntryFlags.ExpireOnly);
            kernel.Wait(kernel.Submit(FuseOpcode.Destroy));
        }
        string[] expected =
        [
            "<- Init #2 node 1 uid 1000 gid 100 pid 4711 version 7.45 flags AsyncRead, ",
            "-> Init #2 version 7.45 flags BigWrites, HasIoctlDir, DoReadDirPlus, ",
            "<- Lookup #4 node 1 uid 1000 gid 100 pid 4711 name \"some name\"",
            "-> Lookup #4 node 5 mode 0100644",
            "<- Open #6 node 1 uid 1000 gid 100 pid 4711 flags 0x8002",
            "-> Open #6 handle 6 flags Stream, Passthrough backing 2",
            "<- Ioctl #8 node 1 uid 1000 gid 100 pid 4711 handle 0 cmd 0x40389540 arg 0x0 in 0 out 8 flags Compat, Is32Bit",
            "-> Ioctl #8 result -22 +3 bytes",
            "<- Poll #10 node 1 uid 1000 gid 100 pid 4711 handle 0 kh 3 events 0x0 flags ScheduleNotify",
            "-> Poll #10 error 5",
            "=> Poll kh 3",
            "=> InvalEntry parent 1 name \"old\" flags ExpireOnly",
        ];
        lock (lines)
        {
            foreach (string start in expected)
                Assert.True(lines.Exists(line => line.StartsWith(start, StringComparison.Ordinal)), $"no line begins \"{start}\":\n{string.Join("\n", lines)}");
        }

        void Add(string line)
        {
            lock (lines)
                lines.Add(line);
        }
    }

    [Fact]
    public void Whatever_a_request_contains_it_can_be_described()
    {
        var random = new Random(7);
        var trace = new FuseTextTrace(line => Assert.NotEmpty(line));
        for (int i = 0; i < 20000; i++)
        {
            byte[] bytes = new byte[random.Next(0, 120)];
            random.NextBytes(bytes);
            trace.Received(new FuseInHeader { Opcode = (FuseOpcode)random.Next(0, 60), Unique = (ulong)random.NextInt64() }, bytes);
            trace.Answered((FuseOpcode)random.Next(0, 60), new FuseOutHeader { Error = random.Next(-1, 1) }, bytes, [], random.Next(-1, 1));
            trace.Notified((FuseNotifyCode)random.Next(0, 12), bytes, bytes, random.Next(-1, 1));
        }
    }
}
