namespace Kdbus.Engine.Tests.Files;

/// <summary>Answers bring descriptors too. Who waits for one inside a call has no RECV to say how it gets at them: its call did.</summary>
public sealed class AnsweredFilesTests
{
    private const HelloFlags Accept = HelloFlags.AcceptFd;

    private readonly TestDomain _world = new();
    private readonly TestPeer _service;

    public AnsweredFilesTests() => _service = _world.Connect(flags: Accept);

    [Fact]
    public void Files_of_an_answer_are_sent_to_who_waits()
    {
        var client = _world.Connect(flags: Accept);
        var call = Call(client, takesDescriptors: true);
        Assert.Equal(Errno.OK, Answer().Answer(_service, client.Id, 7).Result);
        var completion = _world.Effects.Of(call.Request);
        Assert.Equal((Errno.OK, 0UL, 2), (completion.Result, completion.Reply.ReturnFlags, completion.Handout!.Files.Count));
        Assert.Equal(2, _world.OpenFiles);
        completion.Handout.End(done: true);
        Assert.Equal(0, _world.OpenFiles);
        Assert.Equal(Errno.OK, client.Install(completion.Reply.Offset, 4, 5));
        Assert.Equal([4, 5], client.Numbers(completion.Reply));
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void Memfds_are_sent_also_to_a_caller_that_has_not_said_that_it_accepts_descriptors(bool takesDescriptors)
    {
        var client = _world.Connect();
        var call = Call(client, takesDescriptors);
        var file = _world.Memfd();
        Assert.Equal(Errno.OK, new Letter().Memfd(file).Answer(_service, client.Id, 7).Result);
        var completion = _world.Effects.Of(call.Request);
        Assert.Equal(0UL, completion.Reply.ReturnFlags);
        Assert.Equal(takesDescriptors ? [file.File] : [], completion.Handout!.Files);
        Assert.True(SampleFile.Copy(completion.Handout));
        completion.Handout.End(done: true);
        Assert.Equal(takesDescriptors ? Errno.OK : Errno.ENXIO, client.Install(completion.Reply.Offset, 4));
        if (!takesDescriptors) Assert.Equal(SampleFile.Content(file.File, 0, 10), client.Read(completion.Reply).Payload);
    }

    [Fact]
    public void Without_a_socket_descriptors_are_missing()
    {
        var client = _world.Connect(flags: Accept);
        var call = Call(client, takesDescriptors: false);
        Assert.Equal(Errno.OK, new Letter().Fds(_world.File()).Answer(_service, client.Id, 7).Result);
        var completion = _world.Effects.Of(call.Request);
        Assert.Equal((null, (ulong)RecvReturnFlags.IncompleteFds), (completion.Handout, completion.Reply.ReturnFlags));
        Assert.Equal(0, _world.OpenFiles);
    }

    [Fact]
    public void An_answer_that_is_not_accepted_ends_the_call_with_EREMOTEIO()
    {
        var client = _world.Connect();
        var call = Call(client, takesDescriptors: true);
        Assert.Equal(Errno.ECOMM, Answer().Answer(_service, client.Id, 7).Result);
        Assert.Equal(Errno.EREMOTEIO, _world.Effects.Of(call.Request).Result);
        Assert.Equal(Errno.EPERM, _service.Answer(client.Id, 7).Result);
        AssertNothingLeft(client);
    }

    [Fact]
    public void So_it_ends_if_a_signal_had_interrupted_it()
    {
        var client = _world.Connect();
        var call = Call(client, takesDescriptors: true);
        _world.Domain.Interrupt(call.Request);
        Assert.Equal(Errno.ECOMM, Answer().Answer(_service, client.Id, 7).Result);
        Assert.Equal(Errno.EREMOTEIO, Call(client, takesDescriptors: true, take: false).Result);
        AssertNothingLeft(client);
    }

    [Fact]
    public void To_who_does_not_wait_it_is_ECOMM_and_the_request_is_used_up()
    {
        var client = _world.Connect();
        client.Ask(_service.Id, 7);
        _service.Take();
        Assert.Equal(Errno.ECOMM, Answer().Answer(_service, client.Id, 7).Result);
        Assert.Equal(Errno.EPERM, _service.Answer(client.Id, 7).Result);
        Assert.False(client.IsReadable);
        AssertNothingLeft(client);
    }

    [Theory]
    [CombinatorialBooleans(2)]
    public void An_answer_that_is_kept_keeps_its_files_and_goes_the_way_of_the_repeated_call(bool before, bool after)
    {
        var client = _world.Connect(flags: Accept);
        var call = Call(client, before);
        _world.Domain.Interrupt(call.Request);
        Assert.Equal(Errno.OK, Answer().Answer(_service, client.Id, 7).Result);
        Assert.Equal(2, _world.OpenFiles);

        var repeated = Call(client, after, take: false, file: true);
        Assert.Equal((Errno.OK, OutcomeKind.Done), (repeated.Result, repeated.Kind));
        Assert.Equal(after ? 2 : 0, repeated.Outcome.Handout!.Files.Count);
        Assert.Equal(after ? 0 : 1, repeated.Outcome.Handout.Contents.Count);
        Assert.Equal(after ? 0 : (ulong)RecvReturnFlags.IncompleteFds, repeated.Reply.ReturnFlags);
        Assert.Equal(2, _world.OpenFiles);
        repeated.Outcome.Handout.End(done: true);
        AssertNothingLeft(client);
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void A_call_that_is_repeated_before_the_answer_waits_in_its_new_way(bool takesDescriptors)
    {
        var client = _world.Connect(flags: Accept);
        _world.Domain.Interrupt(Call(client, !takesDescriptors).Request);
        var repeated = Call(client, takesDescriptors, take: false);
        Assert.Equal(OutcomeKind.Pending, repeated.Kind);
        Assert.Equal(Errno.OK, Answer().Answer(_service, client.Id, 7).Result);
        Assert.Equal(takesDescriptors ? 2 : 0, _world.Effects.Of(repeated.Request).Handout!.Files.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void An_answer_that_nobody_picks_up_ends_with_its_call(int how)
    {
        var client = _world.Connect(flags: Accept);
        _world.Domain.Interrupt(Call(client, takesDescriptors: true).Request);
        Assert.Equal(Errno.OK, Answer().Answer(_service, client.Id, 7).Result);
        Assert.Equal(2, _world.OpenFiles);
        if (how == 0) _world.Wait(2 * TestDomain.Second);
        else if (how == 1) client.Close();
        else _world.Close(_world.BusOwner);
        Assert.Equal(0, _world.OpenFiles);
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void An_answer_that_is_copied_when_the_deadline_passes_has_its_files_closed(bool done)
    {
        var client = _world.Connect(flags: Accept);
        var call = Call(client, takesDescriptors: true);
        var letter = new Letter { Place = PayloadPlace.Remote }.Vec("x"u8).Fds(_world.File());
        var answering = letter.Answer(_service, client.Id, 7);
        _world.Wait(2 * TestDomain.Second);
        Assert.Equal(Errno.ETIMEDOUT, _world.Effects.Of(call.Request).Result);
        Assert.Equal(1, _world.OpenFiles);
        Assert.Equal(done ? Errno.ECONNRESET : Errno.EFAULT, _service.Commit(answering, done ? Errno.OK : Errno.EFAULT));
        AssertNothingLeft(client);
    }

    [Fact]
    public void A_call_says_how_it_gets_at_descriptors_also_if_its_payload_is_copied_first()
    {
        var client = _world.Connect(flags: Accept);
        var letter = new Letter { TakesDescriptors = true, Place = PayloadPlace.Remote }.Vec("x"u8);
        var call = letter.Send(client, Request(), SendFlags.SyncReply);
        Assert.Equal(Errno.OK, client.Commit(call));
        Assert.Equal(OutcomeKind.Pending, call.Kind);
        Assert.Equal(Errno.OK, Answer().Answer(_service, client.Id, 7).Result);
        Assert.Equal(2, _world.Effects.Of(call.Request).Handout!.Files.Count);
    }

    [Fact]
    public void Files_of_a_request_end_with_it()
    {
        var client = _world.Connect(flags: Accept);
        Assert.Equal(OutcomeKind.Pending, new Letter().Fds(_world.File()).Send(client, Request(), SendFlags.SyncReply).Kind);
        Assert.Equal(1, _world.OpenFiles);
        _world.Wait(2 * TestDomain.Second);
        Assert.Equal(1, _world.OpenFiles);
        Assert.Equal(Errno.OK, _service.Recv(RecvFlags.Drop).Result);
        AssertNothingLeft(client);
    }

    private Letter Answer() => new Letter().Vec("pong"u8).Fds(_world.File()).Memfd(_world.Memfd());

    private Sending Call(TestPeer client, bool takesDescriptors, bool take = true, bool file = false)
    {
        var letter = new Letter { TakesDescriptors = takesDescriptors };
        if (file) letter.Memfd(_world.Memfd());
        var call = letter.Send(client, Request(), SendFlags.SyncReply);
        if (take) _service.Take();
        return call;
    }

    private KdbusMsg Request() => new()
    {
        DstId = _service.Id, Cookie = 7, Flags = (ulong)MessageFlags.ExpectReply, TimeoutNs = _world.Now.Monotonic + TestDomain.Second,
    };

    private void AssertNothingLeft(TestPeer client)
    {
        Assert.Equal(0, _world.OpenFiles);
        Assert.Equal((0, 0UL), (client.Connection.User.Files, Inside.AccountedBytes(client.Connection)));
        Assert.Equal((0, 0), (Inside.WaitingCalls(_world.Domain), client.Connection.RequestSlots));
    }
}
