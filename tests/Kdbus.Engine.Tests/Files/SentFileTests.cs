using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Files;

/// <summary>What may be sent, and in which order it is found out that something may not. What is refused is closed.</summary>
public sealed class SentFileTests
{
    private readonly TestDomain _world = new();
    private readonly TestPeer _sender;
    private readonly TestPeer _receiver;

    public SentFileTests()
    {
        _sender = _world.Connect();
        _receiver = _world.Connect(flags: HelloFlags.AcceptFd);
    }

    [Theory]
    [InlineData(0xf, Errno.OK)]
    [InlineData(0x1f, Errno.OK)]
    [InlineData(-1, Errno.EMEDIUMTYPE)]
    [InlineData(int.MinValue, Errno.EMEDIUMTYPE)]
    [InlineData(0, Errno.ETXTBSY)]
    [InlineData(0xe, Errno.ETXTBSY)]
    [InlineData(0xd, Errno.ETXTBSY)]
    [InlineData(0xb, Errno.ETXTBSY)]
    [InlineData(0x17, Errno.ETXTBSY)]
    public void A_memfd_has_all_four_seals(int seals, Errno expected) => AssertSent(expected, Memfd(_world.Memfd(100, seals)));

    [Theory]
    [InlineData(0, 100, Errno.OK)]
    [InlineData(99, 1, Errno.OK)]
    [InlineData(0, 101, Errno.EBADF)]
    [InlineData(100, 1, Errno.EBADF)]
    [InlineData(-2, 1, Errno.EBADF)]
    [InlineData(-1, 1, Errno.EMSGSIZE)]
    [InlineData(-1, 2, Errno.EMSGSIZE)]
    [InlineData(2, -1, Errno.EMSGSIZE)]
    [InlineData(0, 0, Errno.EINVAL)]
    public void A_range_of_a_memfd_lies_in_it(long start, long size, Errno expected) =>
        AssertSent(expected, new Letter().Memfd(_world.Memfd(100), unchecked((ulong)start), unchecked((ulong)size)));

    [Fact]
    public void The_first_thing_wrong_with_a_memfd_is_told()
    {
        var closed = new SentFile(Errno.EBADF, 0);
        var path = _world.Memfd(size: 0, seals: -1) with { Kind = SentFileKind.Path };
        AssertSent(Errno.EMSGSIZE, new Letter().Memfd(closed, ulong.MaxValue, 2));
        AssertSent(Errno.EBADF, new Letter().Memfd(path, 0, 1));
        AssertSent(Errno.EMEDIUMTYPE, new Letter().Memfd(_world.Memfd(size: 0, seals: -1), 0, 1));
        AssertSent(Errno.ETXTBSY, new Letter().Memfd(_world.Memfd(size: 0, seals: 7), 0, 1));

        var many = new Letter();
        for (var i = 0; i < 16; i++) many.Memfd(_world.Memfd());
        AssertSent(Errno.E2BIG, many.Memfd(closed));
        many = new Letter();
        for (var i = 0; i < 16; i++) many.Memfd(_world.Memfd());
        AssertSent(Errno.EMSGSIZE, many.Memfd(closed, ulong.MaxValue, 2));
    }

    [Fact]
    public void Sixteen_memfds_may_be_sent()
    {
        var many = new Letter();
        for (var i = 0; i < 16; i++) many.Memfd(_world.Memfd());
        AssertSent(Errno.OK, many);
    }

    [Theory]
    [InlineData(Errno.EBADF)]
    [InlineData(Errno.EMFILE)]
    [InlineData(Errno.ENOMEM)]
    [InlineData(Errno.EUSERS)]
    public void What_was_found_is_told_as_it_is(Errno found)
    {
        AssertSent(found, Memfd(new SentFile(found, 0)));
        AssertSent(found, new Letter().Fds(_world.File(), new SentFile(found, 0), _world.File(SentFileKind.Bus)));
    }

    [Theory]
    [InlineData(SentFileKind.Other, Errno.OK)]
    [InlineData(SentFileKind.Path, Errno.OK)]
    [InlineData(SentFileKind.Bus, Errno.EOPNOTSUPP)]
    [InlineData(SentFileKind.UnixSocket, Errno.EOPNOTSUPP)]
    public void Files_that_could_come_back_to_themselves_do_not_travel(SentFileKind kind, Errno expected) =>
        AssertSent(expected, new Letter().Fds(_world.File(), _world.File(kind), _world.File()));

    [Fact]
    public void There_is_one_FDS_item()
    {
        AssertSent(Errno.EEXIST, new Letter().Fds(_world.File()).Fds(_world.File()));
        AssertSent(Errno.EEXIST, new Letter().Fds().Fds());
        AssertSent(Errno.OK, new Letter().Fds());
    }

    [Theory]
    [InlineData(16, Errno.OK)]
    [InlineData(17, Errno.EMFILE)]
    public void It_names_sixteen_at_most(int count, Errno expected) => AssertSent(expected, new Letter().Fds([.. Enumerable.Range(0, count).Select(_ => _world.File())]));

    [Fact]
    public void More_than_that_is_told_before_what_they_are() =>
        AssertSent(Errno.EMFILE, new Letter().Fds([.. Enumerable.Repeat(new SentFile(Errno.EBADF, 0), 17)]));

    [Fact]
    public void The_first_wrong_item_is_told()
    {
        AssertSent(Errno.ETXTBSY, Memfd(_world.Memfd(seals: 0)).Fds(new SentFile(Errno.EBADF, 0)));
        AssertSent(Errno.EBADF, new Letter().Fds(new SentFile(Errno.EBADF, 0)).Memfd(_world.Memfd(seals: 0)));
        AssertSent(Errno.EINVAL, Memfd(_world.Memfd(seals: 0)).Item(Frame.Item(ItemType.Fds, new byte[6])));
    }

    [Fact]
    public void Broadcasts_have_memfds_and_no_other_files()
    {
        Assert.Equal(Errno.OK, _receiver.MatchAll());
        Assert.Equal(Errno.ENOTUNIQ, new Letter().Fds(_world.File()).Broadcast(_sender).Result);
        Assert.Equal(Errno.ENOTUNIQ, new Letter().Fds().Broadcast(_sender).Result);
        Assert.Equal((0, 0), (_world.OpenFiles, _receiver.Connection.Queued));
        Assert.Equal(Errno.OK, Memfd(_world.Memfd()).Broadcast(_sender).Result);
        Assert.Equal((1, 1), (_world.OpenFiles, _receiver.Connection.Queued));
    }

    [Fact]
    public void Files_that_nobody_found_are_not_there()
    {
        // Whoever drives the engine has looked at fewer numbers than the message names.
        var message = Frame.Of(new KdbusMsg { DstId = _receiver.Id, PayloadType = 1 }, Frame.Item(ItemType.Fds, 7L));
        Assert.Equal(Errno.EBADF, _sender.Send(Frame.Of(new KdbusCmdSend { MsgAddress = 8 }), message, default, PayloadPlace.Here).Result);
    }

    private static Letter Memfd(in SentFile file) => new Letter().Memfd(file);

    private void AssertSent(Errno expected, Letter letter)
    {
        var open = _world.OpenFiles - letter.Files.Count(file => file.Found == Errno.OK);
        Assert.Equal(expected, letter.Send(_sender, _receiver.Id).Result);
        Assert.Equal(expected == Errno.OK ? 1 : 0, _receiver.Connection.Queued);
        if (expected == Errno.OK) Assert.Equal(letter.Files.Length + open, _world.OpenFiles);
        else Assert.Equal(open, _world.OpenFiles);
        Assert.Equal(_world.OpenFiles - open, _sender.Connection.User.Files);
    }
}
