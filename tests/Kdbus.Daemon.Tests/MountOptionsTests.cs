using Kdbus.Abi;
using Kdbus.Daemon.Cli;
using Kdbus.Daemon.Mounting;
using Kdbus.Daemon.Serving;
using Kdbus.Spelling;

namespace Kdbus.Daemon.Tests;

public sealed class MountOptionsTests
{
    private static MountSettings Parsed(params string[] lists)
    {
        Assert.Null(MountOptions.Parse(lists, ignoreUnknown: false, out MountSettings settings));
        return settings;
    }

    private static Failure Refused(params string[] lists)
    {
        Failure? failure = MountOptions.Parse(lists, ignoreUnknown: false, out _);
        Assert.NotNull(failure);
        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        return failure;
    }

    [Fact]
    public void Without_options_everything_is_at_its_default()
    {
        Assert.Equal(new MountSettings(), Parsed());
        Assert.Equal(new MountSettings(), Parsed("", ",,"));
        Assert.Equal((null, "kdbusfs", ProfileChoice.Auto, false), Parts(new MountSettings()));
    }

    [Fact]
    public void Every_option_has_its_effect()
    {
        Assert.Equal((true, "kdbusfs", ProfileChoice.Auto, false), Parts(Parsed("allow_other")));
        Assert.Equal((false, "kdbusfs", ProfileChoice.Auto, false), Parts(Parsed("no_allow_other")));
        Assert.Equal((null, "a b=c", ProfileChoice.Auto, false), Parts(Parsed("fsname=a b=c")));
        Assert.Equal((null, "kdbusfs", ProfileChoice.Passthrough, false), Parts(Parsed("profile=passthrough")));
        Assert.Equal((null, "kdbusfs", ProfileChoice.PageCache, true), Parts(Parsed("profile=page-cache,debug")));
    }

    [Theory]
    [InlineData("no-allow-other,fsname=a_b-c")]
    [InlineData("no_allow_other,fsname=a_b-c")]
    public void A_dash_in_a_name_is_an_underscore_but_not_in_a_value(string options)
        => Assert.Equal((false, "a_b-c", ProfileChoice.Auto, false), Parts(Parsed(options)));

    private static (bool?, string, ProfileChoice, bool) Parts(MountSettings settings)
        => (settings.AllowOther, settings.Source, settings.Server.Profile, settings.Server.Trace);

    [Fact]
    public void Later_options_win()
        => Assert.Equal((false, "two", ProfileChoice.Auto, false), Parts(Parsed("fsname=one,allow_other", "no_allow_other,fsname=two")));

    [Theory]
    [InlineData(@"a\,b", "a,b")]
    [InlineData(@"a\\,debug", @"a\")]
    [InlineData(@"a\b", @"a\b")]
    [InlineData(@"a\", @"a\")]
    public void A_backslash_makes_a_comma_part_of_the_value(string written, string value)
        => Assert.Equal(value, Parsed("fsname=" + written).Source);

    [Theory]
    [InlineData("plain")]
    [InlineData(",")]
    [InlineData(@"\")]
    [InlineData(@"\,\\,,x\")]
    public void An_escaped_value_is_read_back_as_it_was(string value)
        => Assert.Equal((null, value, ProfileChoice.Auto, true), Parts(Parsed($"fsname={MountOptions.Escape(value)},debug")));

    [Theory]
    [InlineData("defaults")]
    [InlineData("rw,nosuid,nodev,noexec,relatime,_netdev")]
    [InlineData("auto,noauto,user,users,user=joe,nofail")]
    [InlineData("dev,suid,exec")]
    [InlineData("x-systemd.automount,x-systemd.requires=a.service,X-mount.mkdir=0755,comment=hello")]
    [InlineData("default_permissions,nonempty,uhelper=udisks")]
    public void What_every_mount_may_have_is_accepted(string options) => Assert.Equal(new MountSettings(), Parsed(options));

    [Theory]
    [InlineData("allow_othr", "allow_othr", "allow_other")]
    [InlineData("rw,profil=auto", "profil=auto", "profile")]
    [InlineData("deubg", "deubg", "debug")]
    public void An_unknown_option_is_named_and_the_meant_one_suggested(string options, string named, string meant)
    {
        Failure failure = Refused(options);
        Assert.Equal($"unknown mount option '{named}'", failure.Message);
        Assert.Equal($"did you mean '{meant}'?", failure.Hint);
    }

    [Fact]
    public void Nothing_is_suggested_for_what_resembles_nothing()
        => Assert.Null(Refused("bogus=7").Hint);

    [Fact]
    public void A_helper_called_sloppy_passes_unknown_options_over_but_not_wrong_values()
    {
        Assert.Null(MountOptions.Parse(["bogus,debug"], ignoreUnknown: true, out MountSettings settings));
        Assert.True(settings.Server.Trace);
        Assert.NotNull(MountOptions.Parse(["profile=fast"], ignoreUnknown: true, out _));
    }

    [Theory]
    [InlineData("profile=fast", "mount option 'profile=fast': the value must be one of auto|passthrough|page-cache")]
    [InlineData("profile", "mount option 'profile' needs a value: profile=auto|passthrough|page-cache")]
    [InlineData("fsname=", "mount option 'fsname' needs a value: fsname=NAME")]
    [InlineData("debug=1", "mount option 'debug' takes no value")]
    [InlineData("low-latency=yes", "mount option 'low-latency' takes no value")]
    [InlineData("extensions=none", "mount option 'extensions=none': the value must be one of on|off")]
    [InlineData("extensions", "mount option 'extensions' needs a value: extensions=on|off")]
    [InlineData("attach-flags-mask", "mount option 'attach-flags-mask' needs a value: attach-flags-mask=N")]
    public void A_wrong_value_is_named_with_what_is_possible(string option, string message)
        => Assert.Equal(message, Refused(option).Message);

    [Fact]
    public void Extensions_are_there_unless_they_are_turned_off_and_low_latency_is_not_unless_asked_for()
    {
        Assert.True(new MountSettings().Server.Extensions);
        Assert.False(Parsed("extensions=off").Server.Extensions);
        Assert.True(Parsed("extensions=off,extensions=on").Server.Extensions);
        Assert.False(new MountSettings().Server.LowLatency);
        Assert.True(Parsed("low-latency").Server.LowLatency);
        Assert.True(Parsed("low_latency").Server.LowLatency);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("10271", 0x281f)]
    [InlineData("0x281F", 0x281f)]
    [InlineData("0X3fff", 0x3fff)]
    [InlineData("16384", 0x4000)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    [InlineData("0xffffffffffffffff", ulong.MaxValue)]
    public void The_mask_of_the_domain_is_any_64_bits_decimal_or_hexadecimal(string written, ulong mask)
    {
        Assert.Equal((AttachFlags)0x281f, new MountSettings().Server.AttachMask);
        Assert.Equal((AttachFlags)mask, Parsed($"attach-flags-mask={written}").Server.AttachMask);
        Assert.Equal((AttachFlags)mask, Parsed("attach-flags-mask=1,debug", $"attach_flags_mask={written}").Server.AttachMask);
    }

    [Theory]
    [InlineData("")]
    [InlineData("all")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("0x")]
    [InlineData("281f")]
    [InlineData("1\0")]
    [InlineData("18446744073709551616")]
    [InlineData("0x10000000000000000")]
    public void A_mask_that_is_no_number_of_64_bits_is_refused_with_option_and_value(string written)
        => Assert.Equal(
            $"mount option 'attach-flags-mask={written}': the value must be a number of at most 64 bits, decimal or with 0x hexadecimal",
            Refused($"attach-flags-mask={written}").Message);

    [Theory]
    [InlineData("ro")]
    [InlineData("remount")]
    [InlineData("bind")]
    public void What_cannot_be_had_is_refused_with_the_reason(string option)
        => Assert.StartsWith($"mount option '{option}': ", Refused(option).Message, StringComparison.Ordinal);

    [Fact]
    public void A_number_is_checked_against_its_range()
    {
        long seen = 0;
        MountOption option = MountOption.Number("most", "help", 1, 4096, (settings, number) =>
        {
            seen = number;
            return settings;
        });
        Assert.Null(option.Apply(new MountSettings(), "4096").Error);
        Assert.Equal(4096, seen);
        Assert.Null(option.Apply(new MountSettings(), "1").Error);
        foreach (string wrong in (string[])["0", "4097", "-1", "+5", " 5", "5k", "", "99999999999999999999"])
        {
            string message = $"mount option 'most={wrong}': the value must be a number from 1 to 4096";
            Assert.Equal(message, option.Apply(new MountSettings(), wrong).Error);
        }
        Assert.Equal("mount option 'most' needs a value: most=N", option.Apply(new MountSettings(), null).Error);
        Assert.Equal(1, seen);
    }

    [Fact]
    public void The_manual_page_has_every_option_that_help_shows()
    {
        string manual = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "kdbusfs.1.md"));
        Assert.All(
            MountOptions.Table.Where(option => option.Help is not null),
            option => Assert.Contains($"\n| `{option.Name}{(option.ValueName is null ? "`" : "=")}", manual, StringComparison.Ordinal));
    }

    [Fact]
    public void No_option_is_in_the_table_twice()
        => Assert.Equal(MountOptions.Table.Count, MountOptions.Table.DistinctBy(option => option.Name.Replace('_', '-'), StringComparer.Ordinal).Count());

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "abc", 0)]
    [InlineData("abc", "", 3)]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "acb", 1)]
    [InlineData("abcd", "badc", 2)]
    [InlineData("kitten", "sitting", 3)]
    public void Edits_are_counted(string one, string other, int edits) => Assert.Equal(edits, EditDistance.Between(one, other));
}
