using System.Text;

namespace Kdbus.Abi.Tests;

/// <summary>Well-known names, and names of buses, endpoints and connections.</summary>
public class NameTests
{
    [Theory]
    [InlineData("a.b", true)]
    [InlineData("org.example.Clock", true)]
    [InlineData("_a._b", true)]
    [InlineData("-a.-b", true)]
    [InlineData("a1.b2", true)]
    [InlineData("a-b.c_d", true)]
    [InlineData("", false)]
    [InlineData("a", false)]
    [InlineData(".", false)]
    [InlineData(".a", false)]
    [InlineData("a.", false)]
    [InlineData("a..b", false)]
    [InlineData("1a.b", false)]
    [InlineData("a.1b", false)]
    [InlineData("a.b c", false)]
    [InlineData("a.b/c", false)]
    [InlineData("a.\u00e9", false)]
    [InlineData("a.b\0", false)]
    [InlineData("*", false)]
    [InlineData("a.*", false)]
    public void A_well_known_name_has_two_elements_or_more(string name, bool valid) =>
        Assert.Equal(valid, WellKnownName.IsValid(Encoding.Latin1.GetBytes(name)));

    [Theory]
    [InlineData("a.*", true)]
    [InlineData("a.b.*", true)]
    [InlineData("a.b", true)]
    [InlineData("*", false)]
    [InlineData(".*", false)]
    [InlineData("*.a", false)]
    [InlineData("a.*.b", false)]
    [InlineData("a.b*", false)]
    [InlineData("a.**", false)]
    [InlineData("a*", false)]
    public void A_wildcard_is_the_whole_last_element(string name, bool valid) =>
        Assert.Equal(valid, WellKnownName.IsValid(Encoding.ASCII.GetBytes(name), acceptWildcard: true));

    [Fact]
    public void A_wildcard_is_known_by_its_end()
    {
        Assert.True(WellKnownName.IsWildcard("a.*"u8));
        Assert.False(WellKnownName.IsWildcard("a.b"u8));
        Assert.False(WellKnownName.IsWildcard("a.b*"u8));
    }

    [Fact]
    public void A_well_known_name_has_at_most_255_characters()
    {
        Assert.True(WellKnownName.IsValid(Encoding.ASCII.GetBytes("a." + new string('b', 253))));
        Assert.False(WellKnownName.IsValid(Encoding.ASCII.GetBytes("a." + new string('b', 254))));
    }

    [Theory]
    [InlineData("a.b", 3, true)]
    [InlineData("a.bc", 3, false)]
    [InlineData("a.*", 3, true)]
    [InlineData("a.b.*", 4, false)]
    [InlineData("a.b.*", 5, true)]
    public void A_domain_may_allow_another_length_of_well_known_names(string name, int maxLength, bool valid) =>
        Assert.Equal(valid, WellKnownName.IsValid(Encoding.ASCII.GetBytes(name), acceptWildcard: true, maxLength));

    [Fact]
    public void Only_ASCII_letters_digits_underscore_and_dash_stand_in_an_element()
    {
        for (var character = 0; character < 256; character++)
        {
            var allowed = character < 128 && (char.IsAsciiLetterOrDigit((char)character) || (char)character is '_' or '-');
            Assert.Equal(allowed, WellKnownName.IsValid([(byte)'a', (byte)'.', (byte)'b', (byte)character]) && character != '.');
        }
    }

    [Theory]
    [InlineData("0-bus\0", Errno.OK)]
    [InlineData("a\0", Errno.OK)]
    [InlineData("_\0", Errno.OK)]
    [InlineData("a.b-c_D9\0", Errno.OK)]
    [InlineData("", Errno.EINVAL)]
    [InlineData("\0", Errno.EINVAL)]
    [InlineData("a", Errno.EINVAL)]
    [InlineData("ab", Errno.EINVAL)]
    [InlineData("a\0b\0", Errno.EINVAL)]
    [InlineData("a\0\0", Errno.EINVAL)]
    [InlineData("-a\0", Errno.EINVAL)]
    [InlineData("a-\0", Errno.EINVAL)]
    [InlineData(".a\0", Errno.EINVAL)]
    [InlineData("a.\0", Errno.EINVAL)]
    [InlineData("1000-\0", Errno.EINVAL)]
    [InlineData("a/b\0", Errno.EINVAL)]
    [InlineData("a b\0", Errno.EINVAL)]
    [InlineData("a\u00e9b\0", Errno.EINVAL)]
    public void The_name_of_a_bus_is_a_plain_file_name(string payload, Errno expected) =>
        Assert.Equal(expected, SysName.Check(Encoding.Latin1.GetBytes(payload)));

    [Fact]
    public void The_name_of_a_bus_has_at_most_63_characters_and_length_is_judged_first()
    {
        Assert.Equal(Errno.OK, SysName.Check(Encoding.ASCII.GetBytes(new string('a', 63) + "\0")));
        Assert.Equal(Errno.ENAMETOOLONG, SysName.Check(Encoding.ASCII.GetBytes(new string('a', 64) + "\0")));
        Assert.Equal(Errno.ENAMETOOLONG, SysName.Check(Encoding.ASCII.GetBytes(new string('/', 70))));
        Assert.Equal(Errno.EINVAL, SysName.Check(Encoding.ASCII.GetBytes(new string('a', 64))));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(63)]
    [InlineData(255)]
    public void A_domain_may_allow_another_length_of_names_of_buses(int maxLength)
    {
        Assert.Equal(Errno.OK, SysName.Check(Encoding.ASCII.GetBytes(new string('a', maxLength) + "\0"), maxLength));
        Assert.Equal(Errno.ENAMETOOLONG, SysName.Check(Encoding.ASCII.GetBytes(new string('a', maxLength + 1) + "\0"), maxLength));
    }

    [Theory]
    [InlineData("0-a", 0U, true)]
    [InlineData("1000-a", 1000U, true)]
    [InlineData("4294967295-a", uint.MaxValue, true)]
    [InlineData("100-a", 1000U, false)]
    [InlineData("10000-a", 1000U, false)]
    [InlineData("01000-a", 1000U, false)]
    [InlineData("1000", 1000U, false)]
    [InlineData("1000_a", 1000U, false)]
    [InlineData("", 0U, false)]
    public void A_bus_is_named_after_who_makes_it(string name, uint euid, bool holds) =>
        Assert.Equal(holds, SysName.HasPrefix(Encoding.ASCII.GetBytes(name), euid));
}
