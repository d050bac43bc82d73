using System.Buffers;
using System.Text;
using CsCheck;
using Kdbus.Client.Services;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client.Tests.Services;

/// <summary>The format of requests, answers and signals, and what is made of bytes that have another one.</summary>
public sealed class WireTests
{
    [Fact]
    public void A_request_has_the_bytes_that_are_written_down()
    {
        ServiceContract<IShop> contract = ServiceRegistry.Get<IShop>();
        PayloadWriter writer = PayloadWriter.Rent();
        writer.Write(contract[0].RequestHeader);
        writer.WriteValue(contract.Serializer, "tea");
        Assert.Equal(
            "01010100" + "10050300" + Hex("org.example.Shop") + Hex("Price") + "05000000" + Hex("\"tea\""),
            Convert.ToHexString(writer.Written));

        Assert.Null(CallHeader.TryRead(new ReadOnlySequence<byte>(writer.Written.ToArray()), new byte[CallHeader.MostBytes], out CallHeader header));
        Assert.Equal((CallKind.Call, 1, 3, 29), (header.Kind, header.Serializer, header.Arguments, header.Length));
        Assert.Equal("org.example.Shop", Encoding.UTF8.GetString(header.Interface));
        Assert.Equal("Price", Encoding.UTF8.GetString(header.Member));
    }

    [Theory]
    [InlineData("", "shorter")]
    [InlineData("02010100100500006f", "version 2")]
    [InlineData("0105010010050000", "kind")]
    [InlineData("0100010010050000", "kind")]
    [InlineData("0101010210050000", "flags")]
    [InlineData("0101010001010000" + "61", "cut off")]
    [InlineData("0101010000010000" + "6161", "cut off")]
    [InlineData("0101010101010000" + "6161" + "00", "trace")]
    public void A_request_that_is_none_is_told_what_is_wrong(string hex, string fault)
    {
        Assert.Contains(fault, CallHeader.TryRead(new ReadOnlySequence<byte>(Convert.FromHexString(hex)), new byte[CallHeader.MostBytes], out _), StringComparison.Ordinal);
    }

    [Fact]
    public void Any_bytes_in_any_pieces_are_a_request_or_not() => Gen.Select(Gen.Byte.Array[0, 80], Gen.Int[0, 80]).Sample((bytes, cut) =>
    {
        // Most of them get as far as the names.
        if (bytes.Length > 8)
            (bytes[0], bytes[1], bytes[3], bytes[4], bytes[5]) = (1, (byte)(1 + bytes[1] % 4), (byte)(bytes[3] % 2), (byte)(bytes[4] % 40), (byte)(bytes[5] % 40));
        string? whole = CallHeader.TryRead(new ReadOnlySequence<byte>(bytes), new byte[CallHeader.MostBytes], out CallHeader header);
        string? pieces = CallHeader.TryRead(Pieces(bytes, cut), new byte[CallHeader.MostBytes], out CallHeader same);
        Assert.Equal(whole, pieces);
        Assert.Equal(header.Length, same.Length);
        Assert.True(header.Length <= bytes.Length);
        _ = header.Trace;
        SignalHeader.TryRead(Pieces(bytes, cut), new byte[SignalHeader.MostBytes], out SignalHeader signal);
        Assert.True(signal.Length <= bytes.Length);
    });

    [Fact]
    public void Any_bytes_are_values_or_malformed() => Gen.Select(Gen.Byte.Array[0, 60], Gen.Int[0, 60]).Sample((bytes, cut) =>
    {
        if (bytes.Length > 4)
            (bytes[0], bytes[1], bytes[2], bytes[3]) = ((byte)(bytes[0] % 60), 0, 0, 0);
        var reader = new ValueReader(Pieces(bytes, cut));
        try
        {
            while (!reader.IsAtEnd)
                _ = reader.ReadValue<List<string>>(JsonBusSerializer.Simple);
        }
        catch (MalformedException fault)
        {
            Assert.NotEmpty(fault.Message);
        }
    });

    [Fact]
    public async Task A_service_answers_any_bytes_and_goes_on()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock());
        byte[] start = ServiceRegistry.Get<IClock>()[4].RequestHeader;
        MessageOptions options = new() { PayloadType = PayloadTypes.Call };
        Random random = new(5);
        for (int i = 0; i < 300; i++)
        {
            byte[] rest = new byte[random.Next(40)];
            random.NextBytes(rest);
            byte[] request = [.. start, .. rest];
            if (i % 2 == 0)
                request[random.Next(request.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                scene.Client.Call(scene.Service.Id, request, options, TestContext.Current.CancellationToken).Dispose();
            }
            catch (PeerFailedException fault)
            {
                Assert.True(fault.ErrorName is BusErrors.Malformed or BusErrors.UnknownInterface or BusErrors.UnknownMember, fault.ErrorName);
            }
        }
        Assert.Equal(3, scene.Client.GetClient<IClock>().Add(1, 2));
    }

    [Fact]
    public async Task A_client_does_not_take_an_answer_for_another_one()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        byte[][] answers = [[], [1, 0x81], [2, 0x81, 1, 0, (byte)'1'], [1, 0x82, 1, 0, (byte)'1'], [1, 0x81, 2, 0, (byte)'1'], [1, 0x81, 1, 0], [1, 0x81, 1, 0, (byte)'x'], [1, 0x81, 1, 0, (byte)'1', (byte)'2', (byte)' ', (byte)'3']];
        int next = 0;
        _ = AnswerAsync();
        IClock client = scene.Client.GetClient<IClock>(scene.Service.Id);
        for (int i = 0; i < answers.Length; i++)
            Assert.Equal(BusErrors.Malformed, Assert.Throws<PeerFailedException>(() => client.Add(1, 2)).ErrorName);

        async Task AnswerAsync()
        {
            await foreach (Message request in scene.Service.ReceiveAllAsync(TestContext.Current.CancellationToken))
            {
                using (request)
                    request.Reply(answers[next++], new MessageOptions { PayloadType = PayloadTypes.Call });
            }
        }
    }

    private static string Hex(string text) => Convert.ToHexString(Encoding.UTF8.GetBytes(text));

    private static ReadOnlySequence<byte> Pieces(byte[] bytes, int cut)
    {
        cut = Math.Min(cut, bytes.Length);
        Piece first = new(bytes.AsMemory(0, cut), null);
        Piece last = new(bytes.AsMemory(cut), first);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null)
                return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
