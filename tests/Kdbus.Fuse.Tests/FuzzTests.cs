using System.Diagnostics;
using System.Runtime.InteropServices;
using Kdbus.Fuse.Tests.Infrastructure;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests;

/// <summary>
/// Random and damaged requests through a whole session with a file system that does everything, sensible and not: each request that wants an answer gets
/// exactly one the kernel accepts, nothing else is sent, and no reader dies. KDBUSFS_FUZZ_SECONDS sets how long.
/// </summary>
public sealed class FuzzTests
{
    private const int Batch = 400;

    [Fact]
    public void Every_request_gets_one_answer_whatever_is_in_it()
    {
        int seconds = int.TryParse(Environment.GetEnvironmentVariable("KDBUSFS_FUZZ_SECONDS"), out int given) ? given : 3;
        var watch = Stopwatch.StartNew();
        int rounds = 0;
        for (int seed = Environment.TickCount; rounds == 0 || watch.Elapsed.TotalSeconds < seconds; seed++, rounds++)
            Run(seed);
    }

    private static void Run(int seed)
    {
        var random = new Random(seed);
        var options = new FuseSessionOptions
        {
            StallThreshold = TimeSpan.FromMilliseconds(1),
            MaxStuckPerUser = 3,
            MaxStuck = 4,
            Trace = random.Next(2) == 0 ? new FuseTextTrace(line => GC.KeepAlive(line)) : null,
        };
        var files = new DoEverything(seed);
        using var running = new RunningSession(options, files);
        files.Session = running.Session;
        FakeKernel kernel = running.Kernel;

        var awaited = new List<ulong>();
        for (int i = 0; i < Batch; i++)
        {
            ulong unique = kernel.NextUnique();
            byte[] message = Request(random, unique);
            if (random.Next(3) == 0)
                Damage(random, message);
            if (random.Next(20) == 0)
                message = message[..random.Next(1, message.Length)];
            bool awaitsAnswer = AwaitsAnswer(message, unique);
            kernel.SubmitRaw(message, awaitsAnswer ? unique : null);
            if (awaitsAnswer)
                awaited.Add(unique);
            if (awaited.Count > 0 && random.Next(5) == 0)
                kernel.Interrupt(awaited[random.Next(awaited.Count)]);
        }
        foreach (ulong unique in awaited)
        {
            var patience = Stopwatch.StartNew();
            while (!kernel.IsAnswered(unique))
            {
                files.AnswerHeld();
                Thread.Sleep(0);
                Assert.True(patience.Elapsed.TotalSeconds < 60, $"seed {seed}: request {unique} is not answered; {kernel.Unanswered} are not");
            }
        }
        files.Finish();
        Assert.Equal(FuseSessionEnd.Unmounted, running.Unmount());
        Assert.True(kernel.Unanswered == 0, $"seed {seed}");
        Assert.True(kernel.Answered == awaited.Count + 1, $"seed {seed}: {kernel.Answered} answers to {awaited.Count + 1} requests");
        Assert.Equal(0, running.Session.HeldReplies);
        Assert.False(kernel.SawTwoReaders);
        // The only bugs are those the file system makes on purpose.
        Assert.All(running.Bugs, bug => Assert.True(
            bug.InnerException is InvalidOperationException { Message: "on purpose" } || bug.Message.Contains("without answering", StringComparison.Ordinal),
            $"seed {seed}: {bug}"));
        Assert.Empty(kernel.Refusals);
    }

    /// <summary>A request that could be one, with arguments of the right size for most opcodes.</summary>
    private static byte[] Request(Random random, ulong unique)
    {
        var opcode = (FuseOpcode)(random.Next(30) == 0 ? random.Next() : random.Next(1, 56));
        if (opcode is FuseOpcode.NotifyReply)
            opcode = FuseOpcode.Ioctl;
        int size = opcode switch
        {
            FuseOpcode.GetAttr or FuseOpcode.FSync or FuseOpcode.FSyncDir => 16,
            FuseOpcode.SetAttr => 88,
            FuseOpcode.Open or FuseOpcode.OpenDir or FuseOpcode.Access or FuseOpcode.Forget => 8,
            FuseOpcode.Read or FuseOpcode.ReadDir or FuseOpcode.ReadDirPlus => 40,
            FuseOpcode.Release or FuseOpcode.ReleaseDir or FuseOpcode.Flush or FuseOpcode.LSeek or FuseOpcode.Poll => 24,
            _ => 0,
        };
        byte[] arguments = new byte[size];
        random.NextBytes(arguments);
        byte[] more = new byte[random.Next(2) * random.Next(200)];
        random.NextBytes(more);
        switch (opcode)
        {
            case FuseOpcode.Lookup:
                arguments = [.. "a name"u8, 0];
                break;
            case FuseOpcode.MkNod:
                arguments = [.. new byte[16], .. "a name"u8, 0];
                break;
            case FuseOpcode.Write:
                arguments = [.. Bytes(new FuseWriteIn { Size = (uint)more.Length }), .. more];
                break;
            case FuseOpcode.Ioctl:
                arguments = [.. Bytes(new FuseIoctlIn { InSize = (uint)more.Length, OutSize = (uint)random.Next(100), Fh = (ulong)random.Next(8) }), .. more];
                break;
            case FuseOpcode.BatchForget:
                arguments = [.. Bytes(new FuseBatchForgetIn { Count = (uint)random.Next(5) }), .. new byte[16 * random.Next(5)]];
                break;
            case FuseOpcode.Interrupt:
                arguments = [.. Bytes(new FuseInterruptIn { Unique = (ulong)random.Next(0, 2 * Batch) & ~1UL })];
                break;
            default:
                break;
        }
        return FakeKernel.Message(opcode, unique, (ulong)random.Next(5), arguments, (uint)random.Next(3));

        static byte[] Bytes<T>(in T value)
            where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();
    }

    /// <summary>Changes bytes anywhere but in the number of the request, which the kernel would not get wrong.</summary>
    private static void Damage(Random random, byte[] message)
    {
        for (int n = random.Next(1, 6); n > 0; n--)
        {
            int at = random.Next(message.Length);
            if (at is >= 8 and < 16)
                continue;
            message[at] = random.Next(3) switch
            {
                0 => (byte)random.Next(256),
                1 => 0xFF,
                _ => (byte)(message[at] ^ (1 << random.Next(8))),
            };
        }
    }

    private static bool AwaitsAnswer(byte[] message, ulong unique)
    {
        if (!MemoryMarshal.TryRead(message, out FuseInHeader header) || header.Unique != unique)
            return false;
        return header.Opcode is not (FuseOpcode.Forget or FuseOpcode.BatchForget or FuseOpcode.Interrupt or FuseOpcode.NotifyReply);
    }

    /// <summary>Answers everything, now or later, in every way there is, and sometimes badly.</summary>
    private sealed class DoEverything(int seed) : IFuseFileSystem
    {
        private readonly Lock _lock = new();
        private readonly List<HeldReply> _held = [];
        private readonly Random _random = new(seed);
        private bool _finished;

        public FuseSession? Session { get; set; }

        public void AnswerHeld()
        {
            HeldReply[] all;
            lock (_lock)
            {
                all = [.. _held];
                _held.Clear();
            }
            foreach (HeldReply held in all)
                held.Error(11);
        }

        public void Finish()
        {
            lock (_lock)
                _finished = true;
            AnswerHeld();
        }

        public void Forget(ulong nodeId, ulong lookups) => Trip();

        public void Lookup(in LookupRequest request, FuseReply reply)
        {
            if (Oddly(in request, request.Context, reply))
                return;
            Assert.InRange(request.Name.Length, 1, FuseProtocol.NameMax);
            reply.Entry(new FuseEntryOut { NodeId = 1 });
        }

        public void GetAttr(in GetAttrRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Attr(new FuseAttrOut());
        }

        public void SetAttr(in SetAttrRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Attr(new FuseAttrOut());
        }

        public void Access(in AccessRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Ok();
        }

        public void StatFs(in StatFsRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.StatFs(default);
        }

        public void MkNod(in MkNodRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Entry(new FuseEntryOut { NodeId = 1 });
        }

        public void OpenDir(in OpenRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Open(1);
        }

        public void ReadDir(in ReadDirRequest request, FuseReply reply)
        {
            if (Oddly(in request, request.Context, reply))
                return;
            DirectoryBuffer buffer = reply.DirectoryBuffer(in request);
            for (ulong i = 1; i < 1000 && buffer.TryAdd("some name"u8, new FuseEntryOut(), i); i++)
            {
            }
            reply.Directory(in buffer);
        }

        public void ReleaseDir(in ReleaseRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Ok();
        }

        public void Open(in OpenRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Open(1, FuseOpenFlags.DirectIo);
        }

        public void Read(in ReadRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Data(reply.Scratch[..(int)Math.Min(request.Size, (uint)reply.Scratch.Length)]);
        }

        public void Write(in WriteRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Written((uint)request.Data.Length);
        }

        public void Flush(in FlushRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Ok();
        }

        public void Release(in ReleaseRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Ok();
        }

        public void FSync(in FSyncRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Ok();
        }

        public void LSeek(in LSeekRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Seek(request.Offset);
        }

        public void Ioctl(in IoctlRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Ioctl(0, reply.Scratch[..(int)Math.Min(request.OutputSize, 16383)]);
        }

        public void Poll(in PollRequest request, FuseReply reply)
        {
            if (!Oddly(in request, request.Context, reply))
                reply.Poll(1);
        }

        public void Interrupt(in InterruptRequest request, HeldReply target)
        {
            int what = Next(3);
            if (what == 0)
                target.Error(4);
            else if (what == 1)
                target.Error(-512 + 1);
            Trip();
        }

        private int Next(int limit)
        {
            lock (_lock)
                return _random.Next(limit);
        }

        private void Trip()
        {
            if (Next(50) == 0)
                throw new InvalidOperationException("on purpose");
        }

        private bool Oddly<T>(in T request, RequestContext context, FuseReply reply)
            where T : allows ref struct
        {
            switch (Next(14))
            {
                case 0:
                    Hold(reply);
                    return true;
                case 1:
                    throw new InvalidOperationException("on purpose");
                case 2:
                    return true;
                case 3:
                    Hold(reply);
                    reply.Error(13);
                    return true;
                case 4:
                    Block(context);
                    return false;
                case 5:
                    Block(context);
                    Hold(reply);
                    return true;
                case 6:
                    reply.Error(Next(511) + 1);
                    return true;
                default:
                    return false;
            }
        }

        private void Block(RequestContext context)
        {
            if (!Session!.EnterBlocking(new BlockingCaller(context.Pid, context.Uid, context.Unique)))
                return;
            if (Next(10) == 0)
                Thread.Sleep(Next(5));
            Session.LeaveBlocking();
        }

        private void Hold(FuseReply reply)
        {
            HeldReply held = reply.Hold();
            lock (_lock)
            {
                if (!_finished)
                {
                    _held.Add(held);
                    return;
                }
            }
            held.Error(11);
        }
    }
}
