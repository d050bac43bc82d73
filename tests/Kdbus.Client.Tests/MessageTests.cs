using System.Buffers;
using Kdbus.Abi;
using Microsoft.Win32.SafeHandles;

namespace Kdbus.Client.Tests;

/// <summary>Messages that were received: what they say, and how long they are good.</summary>
public sealed class MessageTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_message_says_who_sent_it_and_what_it_is(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using OwnedName name = await scene.Service.AcquireNameAsync("org.example.Box");
        ulong cookie = scene.Client.Send("org.example.Box", "x"u8, new MessageOptions { PayloadType = 77, Priority = -3 });
        using Message message = await scene.Service.ReceiveAsync(Cancel);
        Assert.Equal(
            (scene.Client.Id, cookie, 77UL, -3L, "org.example.Box", false, false, false),
            (message.Sender, message.Cookie, message.PayloadType, message.Priority, message.Name, message.IsRequest, message.IsSignal, message.IsNotification));
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_message_given_back_is_no_more(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Client.Send(scene.Service.Id, "x"u8);
        Message message = await scene.Service.ReceiveAsync(Cancel);
        Message copy = message;
        message.Dispose();
        message.Dispose();
        Assert.Throws<ObjectDisposedException>(() => copy.Payload);
        Assert.Throws<ObjectDisposedException>(() => copy.Sender);

        // Not even when its place is that of another message.
        scene.Client.Send(scene.Service.Id, "y"u8);
        using Message next = await scene.Service.ReceiveAsync(Cancel);
        Assert.Throws<ObjectDisposedException>(() => copy.Sender);
        Assert.Equal("y"u8, next.ToArray());
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_message_is_good_when_its_connection_is_not_there_any_more(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        byte[] large = new byte[50_000];
        new Random(3).NextBytes(large);
        scene.Client.Send(scene.Service.Id, large);
        scene.Client.Send(scene.Service.Id, "small"u8);
        using Message first = await scene.Service.ReceiveAsync(Cancel);
        using Message second = await scene.Service.ReceiveAsync(Cancel);
        await scene.Service.DisposeAsync();
        Assert.Equal(large, first.ToArray());
        Assert.Equal("small"u8, second.ToArray());
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_pool_is_as_good_as_new_after_many_times_its_size_has_gone_through_it(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way, new() { PoolSize = 1 << 20 });
        byte[] bytes = new byte[100_000];
        for (int i = 0; i < 60; i++)
        {
            await scene.Client.SendAsync(scene.Service.Id, bytes, cancellation: Cancel);
            using Message message = await scene.Service.ReceiveAsync(Cancel);
            Assert.Equal(bytes.Length, message.Payload.Length);
        }
    }

    [Theory, MemberData(nameof(Scene.ExchangeWays), MemberType = typeof(Scene))]
    public async Task A_memfd_arrives_without_a_copy_and_cannot_be_changed(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        using MemfdPayload sent = MemfdPayload.Create(3 << 20, static memory => memory.Fill(7));
        scene.Client.Send(scene.Service.Id, "head"u8, new MessageOptions { Memfds = [sent] });
        using Message message = await scene.Service.ReceiveAsync(Cancel);
        MemfdPayload received = Assert.Single(message.Memfds);
        Assert.Equal(3 << 20, received.Length);
        Assert.Equal(4 + (3 << 20), message.Payload.Length);
        Assert.Equal(-1, received.Memory.Span.IndexOfAnyExcept((byte)7));
        Assert.ThrowsAny<Exception>(() => RandomAccess.Write(received.Handle, "x"u8, 0));
    }

    [Theory, MemberData(nameof(Scene.ExchangeWays), MemberType = typeof(Scene))]
    public async Task Descriptors_arrive_open_and_are_closed_with_the_message_unless_taken(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        string path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, "read me", Cancel);
            using (SafeFileHandle file = File.OpenHandle(path))
                scene.Client.Send(scene.Service.Id, "two"u8, new MessageOptions { Descriptors = [file, file] });
            Message message = await scene.Service.ReceiveAsync(Cancel);
            Assert.Equal(2, message.Descriptors.Count);
            SafeFileHandle left = message.Descriptors[0];
            using SafeFileHandle taken = message.TakeDescriptor(1);
            message.Dispose();
            Assert.True(left.IsClosed);
            byte[] text = new byte[16];
            Assert.Equal(7, RandomAccess.Read(taken, text, 0));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Who_accepts_no_descriptors_is_sent_none(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way, new() { AcceptDescriptors = false });
        using SafeFileHandle file = File.OpenHandle("/dev/null");
        BusRefusedException refusal = Assert.Throws<BusRefusedException>(() => scene.Client.Send(scene.Service.Id, "x"u8, new MessageOptions { Descriptors = [file] }));
        Assert.Equal(Errno.ECOMM, refusal.Error);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Metadata_says_who_the_sender_is(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(
            way, new() { ReceiveMetadata = AttachFlags.All }, new() { Description = "tester" });
        await using OwnedName name = await scene.Client.AcquireNameAsync("org.example.Asker");
        scene.Client.Send(scene.Service.Id, "x"u8);
        using Message message = await scene.Service.ReceiveAsync(Cancel);
        Assert.Equal((ulong)Environment.ProcessId, message.Metadata.Process?.Pid);
        Assert.Equal(0UL, message.Metadata.Credentials?.Euid ^ Linux.Credentials.EffectiveUid);
        Assert.Equal("tester", message.Metadata.Description);
        Assert.Equal(["org.example.Asker"], message.Metadata.Names);
        Assert.Equal(Environment.ProcessPath, message.Metadata.Executable);
        Assert.Equal(Environment.GetCommandLineArgs().Length, message.Metadata.CommandLine.Count - (Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? 1 : 0));
        Assert.NotNull(message.Metadata.Timestamp);
        Assert.NotNull(message.Metadata.EffectiveCapabilities);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Metadata_that_was_not_asked_for_is_null(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Client.Send(scene.Service.Id, "x"u8);
        using Message message = await scene.Service.ReceiveAsync(Cancel);
        Assert.Null(message.Metadata.Process);
        Assert.Null(message.Metadata.Credentials);
        Assert.Empty(message.Metadata.Names);
    }

    [Fact]
    public async Task A_process_has_a_number_that_no_other_one_gets()
    {
        await using Scene scene = await Scene.OpenAsync(
            Way.Mounted, new() { ReceiveMetadata = AttachFlags.PidfsId | AttachFlags.StartTime | AttachFlags.Pidfd },
            new() { SendMetadata = AttachFlags.All | AttachFlags.PidfsId | AttachFlags.StartTime | AttachFlags.Pidfd });
        scene.Client.Send(scene.Service.Id, "x"u8);
        using Message message = await scene.Service.ReceiveAsync(Cancel);
        Assert.NotNull(message.Metadata.UniqueProcessId);
        Assert.NotNull(message.Metadata.StartTime);
        Assert.False(message.Metadata.Pidfd!.IsInvalid);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Messages_of_one_sender_arrive_in_order(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        for (int i = 0; i < 100; i++)
            scene.Client.Send(scene.Service.Id, BitConverter.GetBytes(i));
        for (int i = 0; i < 100; i++)
        {
            using Message message = await scene.Service.ReceiveAsync(Cancel);
            Assert.Equal(i, BitConverter.ToInt32(message.ToArray()));
        }
    }
}
