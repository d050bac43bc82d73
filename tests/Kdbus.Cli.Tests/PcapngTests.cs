using System.Buffers;
using System.Reflection;
using System.Text;
using Kdbus.Cli.Capture;
using Kdbus.Cli.Watching;
using static Kdbus.Cli.Tests.HandMade;

namespace Kdbus.Cli.Tests;

/// <summary>Captures as files: reader and writer, each against bytes that were written by hand.</summary>
public sealed class PcapngTests
{
    private static readonly byte[] s_call = Message(7, 0, cookie: 3, flags: 1, last: 9 * Second, items: [Name("org.example.Echo"), Timestamp(4 * Second), Payload("hello")]);
    private static readonly byte[] s_reply = Message(5, 7, cookie: 9, last: 3, items: [Timestamp(5 * Second), Payload("hi")]);

    [Fact]
    public void A_file_that_was_made_by_hand_is_read_as_what_it_is()
    {
        byte[] file = [.. Section(), .. Block(0x0bad, 1, 2, 3, 4), .. Interface(), .. Packet(Record(s_call, lost: 2)), .. Block(0x40000001, new byte[40]), .. Packet(Record(s_reply, flags: 3))];
        using CaptureReader reader = CaptureReader.Of(new MemoryStream(file));
        WatchedMessage call = reader.Read()!;
        Assert.Equal((MessageKind.Call, 7UL, "org.example.Echo", 3UL, 2UL), (call.Kind, call.Sender, call.Name, call.Header.Cookie, call.Notes.Lost));
        Assert.Equal("hello", Encoding.ASCII.GetString(call.Payload.ToArray()));
        Assert.Equal((4 * Second, 1_700_000_000 * Second, true), (call.MonotonicNs, call.RealtimeNs, call.HasTimestamp));
        WatchedMessage reply = reader.Read()!;
        Assert.Equal((MessageKind.Reply, 5UL, 7UL, 3UL, true), (reply.Kind, reply.Sender, reply.Receiver, reply.ReplyTo, reply.Notes.IsIncomplete));
        Assert.Null(reader.Read());
    }

    [Fact]
    public void The_example_of_the_description_is_a_message()
    {
        string root = typeof(PcapngTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static data => data.Key == "RepoRoot").Value!;
        string example = File.ReadAllText(Path.Combine(root, "docs/capture.md")).Split("## An example")[1].Split("```")[1];
        // What the bytes are stands behind at least five blanks.
        byte[] packet = Convert.FromHexString(string.Concat(example.Split('\n').Select(static line => line.Split("     ")[0])).Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal(Record(Message(7, 0, cookie: 3, flags: 1, last: 9 * Second, items: [Name("org.example.Echo"), Payload("hello")]), flags: 0, arrived: 10 * Second), packet);
        WatchedMessage message = CaptureReader.Of(new MemoryStream([.. Section(), .. Interface(), .. Packet(packet)])).Read()!;
        Assert.Equal(("org.example.Echo", "hello", 10 * Second), (message.Name, Encoding.ASCII.GetString(message.Payload.ToArray()), message.MonotonicNs));
    }

    [Fact]
    public void What_is_written_is_the_format_byte_by_byte()
    {
        using MemoryStream written = new();
        PcapngWriter writer = new(written);
        writer.Begin("kdbusctl", "0-demo", "a bus");
        WatchedMessage message = new(s_call, new MessageNotes(ArrivedMonotonic: 5 * Second, ArrivedRealtime: 1, Lost: 2, IsIncomplete: true));
        writer.Packet(message.RealtimeNs, CaptureRecord.Write(message), CaptureRecord.FullSize(message));
        writer.End(8 * Second, 1, 2);
        byte[] expected =
        [
            .. Block(0x0a0d0d0a, [.. U32(0x1a2b3c4d), .. U16(1), .. U16(0), .. U64(ulong.MaxValue), .. U16(4), .. U16(8), .. "kdbusctl"u8, .. U32(0)]),
            .. Block(1, [.. U16(147), .. U16(0), .. U32(0), .. U16(2), .. U16(6), .. "0-demo"u8, 0, 0, .. U16(3), .. U16(5), .. "a bus"u8, 0, 0, 0, .. U16(9), .. U16(1), 9, 0, 0, 0, .. U32(0)]),
            .. Packet(Record(s_call, flags: 3, lost: 2)),
            .. Block(5, [.. U32(0), .. U32((uint)(8 * Second >> 32)), .. U32((uint)(8 * Second & 0xffffffff)), .. U16(4), .. U16(8), .. U64(1), .. U16(5), .. U16(8), .. U64(2), .. U32(0)]),
        ];
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(written.ToArray()));
    }

    [Fact]
    public void Of_a_payload_that_was_cut_the_packet_tells_its_full_size()
    {
        byte[] bytes = Message(7, 5, items: [Item(0x10000, U64(1000), U32(2), U32(0), "abc"u8.ToArray()), Item(0x10000, U64(50), U32(3), U32(0))]);
        WatchedMessage message = new(bytes, default);
        Assert.Equal((1050UL, 1, true), (message.PayloadSize, message.Memfds, message.IsCut));
        Assert.Equal("abc", Encoding.ASCII.GetString(message.Payload.ToArray()));
        Assert.Equal((ulong)CaptureRecord.Write(message).Length + 997, CaptureRecord.FullSize(message));
    }

    [Fact]
    public void Times_are_read_in_the_unit_of_the_interface()
    {
        byte[] bare = Message(7, 5);
        Assert.Equal(3_000_000UL, TimeOf([.. Section(), .. Interface(resolution: null), .. Packet(Record(bare, flags: 0), time: 3000)]));
        Assert.Equal(3000UL, TimeOf([.. Section(), .. Interface(resolution: 9), .. Packet(Record(bare, flags: 0), time: 3000)]));
        Assert.Equal(3UL, TimeOf([.. Section(), .. Interface(resolution: 12), .. Packet(Record(bare, flags: 0), time: 3000)]));
        Assert.Equal(1_500_000_000UL, TimeOf([.. Section(), .. Interface(resolution: 0x8a), .. Packet(Record(bare, flags: 0), time: 1536)]));

        static ulong TimeOf(byte[] file) => CaptureReader.Of(new MemoryStream(file)).Read()!.RealtimeNs;
    }

    [Fact]
    public void A_file_that_ends_anywhere_gives_its_whole_blocks_and_names_the_place_where_it_ends()
    {
        byte[][] blocks = [Section(), Interface(), Packet(Record(s_call)), Packet(Record(s_reply))];
        byte[] file = [.. blocks.SelectMany(static block => block)];
        int[] ends = [.. Enumerable.Range(1, blocks.Length).Select(count => blocks.Take(count).Sum(static block => block.Length))];
        for (int length = 0; length <= file.Length; length++)
        {
            using CaptureReader reader = CaptureReader.Of(new MemoryStream(file, 0, length));
            int whole = ends.Count(end => end <= length), read = 0;
            CommandException? fault = null;
            try
            {
                while (reader.Read() is not null)
                    read++;
            }
            catch (CommandException exception)
            {
                fault = exception;
            }
            Assert.Equal(Math.Max(0, whole - 2), read);
            Assert.Equal(!ends.Contains(length), fault is not null);
            if (fault is not null)
            {
                Assert.Equal(65, fault.Code);
                Assert.Contains($"at byte {(whole == 0 ? 0 : ends[whole - 1])}:", fault.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Whatever_single_byte_is_changed_a_file_is_read_or_refused_and_nothing_else_happens()
    {
        byte[] file = [.. Section(), .. Interface(), .. Packet(Record(s_call)), .. Packet(Record(Message(0, ulong.MaxValue, 0, 4, 0, 0, [NameNews(0x8002, 1, 2, "org.example.Echo")])))];
        for (int at = 0; at < file.Length; at++)
        {
            foreach (byte value in (byte[])[0, 1, 0x7f, 0x80, 0xff, (byte)(file[at] ^ 4)])
            {
                byte[] changed = [.. file];
                changed[at] = value;
                using CaptureReader reader = CaptureReader.Of(new MemoryStream(changed));
                try
                {
                    while (reader.Read() is { } message)
                        _ = message.Payload.Length;
                }
                catch (CommandException exception)
                {
                    Assert.Equal(65, exception.Code);
                }
            }
        }
    }

    [Fact]
    public void What_is_no_capture_of_kdbus_is_refused_with_what_it_is()
    {
        Refused("at byte 0: this is no pcapng file", [.. U32(0xa1b2c3d4), .. new byte[40]]);
        Refused("at byte 0: the file is empty", []);
        Refused("at byte 0: the section is big-endian", [0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 28]);
        Refused($"at byte {Section().Length}: the interface is of link type 1;", [.. Section(), .. Interface(link: 1)]);
        Refused("a block of 28 bytes says at its end that it has 29", [.. Section()[..^4], 29, 0, 0, 0]);
        Refused($"at byte {Section().Length}: a block cannot have 11 bytes", [.. Section(), .. U32(7), .. U32(11), .. new byte[3]]);
        Refused("the packet says that it has 900 bytes of data", [.. Section(), .. Interface(), .. Block(6, [.. U32(0), .. U64(0), .. U32(900), .. U32(900), .. new byte[64]])]);
        Refused("which was not described", [.. Section(), .. Packet(Record(s_call))]);
        Refused("its data does not begin with KDBC", [.. Section(), .. Interface(), .. Packet([1, 2, 3, 4])]);
        Refused("it has version 2 of the format", [.. Section(), .. Interface(), .. Packet([.. "KDBC"u8, .. U16(2), .. U16(32), .. new byte[24], .. s_call])]);
        Refused("kdbus_msg.size is", [.. Section(), .. Interface(), .. Packet(Record([.. s_call, .. new byte[8]]))]);
        Refused("the item of type 0x3 ", [.. Section(), .. Interface(), .. Packet(Record(Message(7, 5, items: [Item(3, U64(4), U64(128))])))]);
        Refused("the items of the message do not fit", [.. Section(), .. Interface(), .. Packet(Record(Message(7, 5, items: [[.. U64(400), .. U64(5)]])))]);

        static void Refused(string text, byte[] file)
        {
            CommandException fault = Assert.Throws<CommandException>(() =>
            {
                using CaptureReader reader = CaptureReader.Of(new MemoryStream(file));
                while (reader.Read() is not null)
                {
                }
            });
            Assert.Equal(65, fault.Code);
            Assert.Contains(text, fault.Message, StringComparison.Ordinal);
        }
    }
}
