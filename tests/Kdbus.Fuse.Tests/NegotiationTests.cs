using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests;

/// <summary>INIT: what is agreed for every kind of offer.</summary>
public sealed class NegotiationTests
{
    private const FuseInitFlags All = (FuseInitFlags)ulong.MaxValue;

    private static byte[] Offer(uint minor, FuseInitFlags flags, int length = 64, uint major = 7)
    {
        var init = new FuseInitIn { Major = major, Minor = minor, MaxReadahead = 131072, Flags = (uint)flags, Flags2 = (uint)((ulong)flags >> 32) };
        return MemoryMarshal.AsBytes(new ReadOnlySpan<FuseInitIn>(in init))[..length].ToArray();
    }

    private static FuseNegotiation Agree(uint minor, FuseInitFlags flags, FuseDemands? demands = null, int length = 64)
    {
        var result = FuseNegotiation.Negotiate(Offer(minor, flags, length), demands ?? FuseDemands.Default);
        Assert.Equal(FuseNegotiationOutcome.Accepted, result.Outcome);
        return result;
    }

    private static FuseInitFlags Sent(FuseInitOut answer) => (FuseInitFlags)(answer.Flags | ((ulong)answer.Flags2 << 32));

    [Fact]
    public void A_modern_kernel_gives_all_we_ask_for()
    {
        FuseNegotiation result = Agree(45, All);
        FuseInitOut answer = result.Answer;
        Assert.Equal((7u, 45u), (answer.Major, answer.Minor));
        Assert.Equal(FuseDemands.Default.Flags | FuseInitFlags.InitExt, Sent(answer));
        Assert.Equal((65535, 49149), (answer.MaxBackground, answer.CongestionThreshold));
        Assert.Equal((131072u, 32, 1u), (answer.MaxWrite, answer.MaxPages, answer.MaxStackDepth));
        FuseCapabilities agreed = result.Capabilities!;
        Assert.True(agreed is { Passthrough: true, Resend: true, ReadDirPlus: true, ExpireOnly: true, AbortError: true, Minor: 45, MaxPages: 32 });
        Assert.Equal(Sent(answer), agreed.Flags);
    }

    [Theory]
    [InlineData(FuseInitFlags.WritebackCache)]
    [InlineData(FuseInitFlags.AsyncRead)]
    [InlineData(FuseInitFlags.AsyncDio)]
    [InlineData(FuseInitFlags.RequestTimeout)]
    [InlineData(FuseInitFlags.OverIoUring)]
    [InlineData(FuseInitFlags.AutoInvalData)]
    [InlineData(FuseInitFlags.PosixLocks)]
    [InlineData(FuseInitFlags.NoOpenSupport)]
    [InlineData(FuseInitFlags.AtomicOTrunc)]
    [InlineData(FuseInitFlags.SecurityCtx)]
    [InlineData(FuseInitFlags.SetXAttrExt)]
    public void What_would_harm_a_bus_is_never_accepted(FuseInitFlags flag)
    {
        Assert.Equal(FuseInitFlags.None, Sent(Agree(45, All).Answer) & flag);
    }

    [Fact]
    public void A_newer_minor_version_is_brought_down_to_ours_and_an_older_one_kept()
    {
        Assert.Equal(45u, Agree(99, All).Answer.Minor);
        Assert.Equal(31u, Agree(31, All).Answer.Minor);
        Assert.Equal(31u, Agree(31, All).Capabilities!.Minor);
    }

    [Fact]
    public void Without_the_extension_the_upper_flags_do_not_exist()
    {
        FuseNegotiation result = Agree(38, All & ~FuseInitFlags.InitExt);
        Assert.Equal(0u, result.Answer.Flags2);
        Assert.False(result.Capabilities!.Passthrough);
        Assert.Equal(0u, result.Answer.MaxStackDepth);
    }

    [Fact]
    public void The_short_init_of_an_old_kernel_is_understood()
    {
        FuseNegotiation result = Agree(31, All & ~FuseInitFlags.InitExt, length: 16);
        Assert.Equal(0u, result.Answer.Flags2);
        Assert.True(result.Capabilities!.ReadDirPlus);
        // The flag without the bytes behind it brings nothing either.
        Assert.Equal(0u, Agree(36, All, length: 16).Answer.Flags2);
    }

    [Fact]
    public void Where_passthrough_is_not_offered_the_rest_is_unaffected()
    {
        FuseNegotiation result = Agree(45, All & ~FuseInitFlags.Passthrough);
        Assert.Equal((FuseDemands.Default.Flags | FuseInitFlags.InitExt) & ~FuseInitFlags.Passthrough, Sent(result.Answer));
        Assert.Equal(0u, result.Answer.MaxStackDepth);
    }

    [Fact]
    public void Passthrough_and_writeback_cache_exclude_each_other()
    {
        FuseDemands demands = FuseDemands.Default with { Flags = FuseDemands.Default.Flags | FuseInitFlags.WritebackCache };
        Assert.False(Agree(45, All, demands).Capabilities!.Passthrough);
        Assert.False(Agree(45, All, FuseDemands.Default with { MaxStackDepth = 0 }).Capabilities!.Passthrough);
    }

    [Theory]
    [InlineData(0, 4096, 1)]
    [InlineData(4095, 4096, 1)]
    [InlineData(10000, 8192, 2)]
    [InlineData(1048576, 1048576, 256)]
    [InlineData(uint.MaxValue, 1048576, 256)]
    public void The_largest_write_is_whole_pages_up_to_a_mebibyte(uint asked, uint agreed, int pages)
    {
        FuseInitOut answer = Agree(45, All, FuseDemands.Default with { MaxWrite = asked }).Answer;
        Assert.Equal((agreed, pages), (answer.MaxWrite, answer.MaxPages));
    }

    [Fact]
    public void Without_max_pages_a_request_has_32_pages_at_most()
    {
        FuseNegotiation result = Agree(45, All & ~FuseInitFlags.MaxPages, FuseDemands.Default with { MaxWrite = 1048576 });
        Assert.Equal((131072u, 0), (result.Answer.MaxWrite, result.Answer.MaxPages));
        Assert.Equal(32u, result.Capabilities!.MaxPages);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(15)]
    public void An_init_that_is_too_short_is_refused(int length)
    {
        var result = FuseNegotiation.Negotiate(Offer(45, All, length), FuseDemands.Default);
        Assert.Equal((FuseNegotiationOutcome.Refused, 22), (result.Outcome, result.Error));
        Assert.NotNull(result.Reason);
    }

    [Fact]
    public void Other_versions_are_refused_or_asked_again()
    {
        Assert.Equal(FuseNegotiationOutcome.Refused, FuseNegotiation.Negotiate(Offer(40, All, major: 6), FuseDemands.Default).Outcome);
        Assert.Equal(71, FuseNegotiation.Negotiate(Offer(30, All), FuseDemands.Default).Error);
        var newer = FuseNegotiation.Negotiate(Offer(3, All, major: 8), FuseDemands.Default);
        Assert.Equal(FuseNegotiationOutcome.AskedAgain, newer.Outcome);
        Assert.Equal((7u, 45u), (newer.Answer.Major, newer.Answer.Minor));
    }

    [Fact]
    public void Nothing_is_ever_agreed_that_was_not_both_offered_and_asked_for()
    {
        var random = new Random(42);
        for (int i = 0; i < 10000; i++)
        {
            var offered = (FuseInitFlags)random.NextInt64();
            var asked = (FuseInitFlags)random.NextInt64();
            FuseInitFlags agreed = Agree((uint)random.Next(31, 60), offered, FuseDemands.Default with { Flags = asked }).Capabilities!.Flags;
            FuseInitFlags real = offered.HasFlag(FuseInitFlags.InitExt) ? offered : (FuseInitFlags)(uint)offered;
            Assert.Equal(FuseInitFlags.None, agreed & ~(real & (asked | FuseInitFlags.InitExt)));
        }
    }
}
