using System.Globalization;
using Kdbus.Daemon.Cli;
using Kdbus.Daemon.Mounting;
using Kdbus.Engine;

namespace Kdbus.Daemon.Tests;

/// <summary>Where a domain says no: as mount options, in help and in the manual page.</summary>
public sealed class LimitOptionsTests : IDisposable
{
    private readonly Workplace _here = new();

    public static TheoryData<string> Names => [.. DomainLimits.Table.Select(limit => limit.Name)];

    public void Dispose() => _here.Dispose();

    private static DomainLimit Of(string name) => DomainLimits.Table.Single(limit => limit.Name.Equals(name, StringComparison.Ordinal));

    private static DomainLimits Parsed(params string[] lists)
    {
        Assert.Null(MountOptions.Parse(lists, ignoreUnknown: false, out MountSettings settings));
        return settings.Server.Limits;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_limit_is_set_by_its_option_and_no_other_one_with_it(string name)
    {
        DomainLimit limit = Of(name);
        foreach (int value in (int[])[limit.Least, limit.Least + 1, limit.Most])
        {
            DomainLimits limits = Parsed(string.Create(CultureInfo.InvariantCulture, $"{name}={value}"));
            Assert.Equal(value, limit.Get(limits));
            Assert.Equal(limit.Set(new DomainLimits(), value), limits);
        }
    }

    [Fact]
    public void Limits_can_be_given_together_and_the_later_one_counts()
        => Assert.Equal(
            new DomainLimits { Messages = 1000, Matches = 4096 }, Parsed("max-messages=7,max-matches=4096,debug", "max_messages=1000"));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_number_out_of_range_is_refused_with_option_value_and_range(string name)
    {
        DomainLimit limit = Of(name);
        foreach (string value in (string[])[$"{limit.Least - 1}", $"{limit.Most + 1L}", "4294967297", "many", "0x10", ""])
        {
            Failure? failure = MountOptions.Parse([$"{name}={value}"], ignoreUnknown: true, out _);
            Assert.Equal(
                new Failure(ExitCode.Usage, $"mount option '{name}={value}': the value must be a number from {limit.Least} to {limit.Most}"),
                failure);
        }
        Assert.Equal(
            new Failure(ExitCode.Usage, $"mount option '{name}' needs a value: {name}=N"),
            MountOptions.Parse([name], ignoreUnknown: true, out _));
    }

    [Fact]
    public void A_default_is_within_its_range()
        => Assert.All(DomainLimits.Table, limit => Assert.InRange(limit.Get(new DomainLimits()), limit.Least, limit.Most));

    [Fact]
    public void Help_lists_each_limit_with_default_and_range()
    {
        string[] help = _here.Kdbusfs("--help").Text.Split('\n');
        Assert.All(
            DomainLimits.Table,
            limit => Assert.Contains(
                $"  {limit.Name + "=N",-36}  {limit.Counts} (default {limit.Get(new DomainLimits())}, {limit.Least} to {limit.Most})",
                help,
                StringComparer.Ordinal));
    }

    [Fact]
    public void The_manual_page_lists_the_limits_line_by_line()
    {
        string manual = Path.Combine(AppContext.BaseDirectory, "docs", "kdbusfs.1.md");
        IEnumerable<string> table = File.ReadLines(manual)
            .SkipWhile(line => line != "## Limits")
            .SkipWhile(line => !line.StartsWith("|---", StringComparison.Ordinal))
            .Skip(1)
            .TakeWhile(line => line.StartsWith('|'));
        Assert.Equal(
            DomainLimits.Table.Select(limit => $"| `{limit.Name}=N` | {limit.Counts} | {limit.Error} | "
                + $"{limit.Get(new DomainLimits())} | {limit.Least} to {limit.Most} |"),
            table,
            StringComparer.Ordinal);
    }

    [Fact]
    public void Mounting_refuses_a_limit_out_of_range()
    {
        Outcome outcome = _here.Kdbusfs("mount", _here.MountPoint, "-o", "max-buses=0");
        const string Message = "kdbusfs: mount option 'max-buses=0': the value must be a number from 1 to 65536\n";
        Assert.Equal((ExitCode.Usage, Message), (outcome.Code, outcome.Text));
    }
}
