using System.Buffers.Binary;
using System.Text;

namespace Kdbus.Abi.Tests;

/// <summary>Which payloads each type of item may have.</summary>
public class ItemRulesTests
{
    private const int Longest = 200;

    /// <summary>Types whose payload is judged by its length alone.</summary>
    private static readonly Dictionary<ItemType, Func<int, bool>> ByLength = new()
    {
        [ItemType.Negotiate] = length => length % 8 == 0,
        [ItemType.PayloadVec] = length => length == 16,
        [ItemType.PayloadOff] = length => length == 16,
        [ItemType.PayloadMemfd] = length => length == 24,
        [ItemType.Fds] = length => length % 4 == 0,
        [ItemType.CancelFd] = length => length == 4,
        [ItemType.FdSocket] = length => length == 4,
        [ItemType.OnBehalf] = length => length == 4,
        [ItemType.PayloadInline] = length => length > 0,
        [ItemType.Free] = length => length % 8 == 0,
        [ItemType.BloomParameter] = length => length == 16,
        [ItemType.BloomFilter] = length => length >= 8,
        [ItemType.BloomMask] = _ => true,
        [ItemType.AttachFlagsSend] = length => length == 8,
        [ItemType.AttachFlagsRecv] = length => length == 8,
        [ItemType.Id] = length => length == 8,
        [ItemType.Timestamp] = length => length == 24,
        [ItemType.Creds] = length => length == 64,
        [ItemType.Pids] = length => length == 24,
        [ItemType.AuxGroups] = length => length % 4 == 0,
        [ItemType.Audit] = length => length == 8,
        [ItemType.PolicyAccess] = length => length == 24,
        [ItemType.IdAdd] = length => length == 16,
        [ItemType.IdRemove] = length => length == 16,
        [ItemType.ReplyTimeout] = length => length == 0,
        [ItemType.ReplyDead] = length => length == 0,
        [(ItemType)0x4242] = _ => true,
    };

    private static readonly ItemType[] Strings =
    [
        ItemType.Name, ItemType.DstName, ItemType.PidComm, ItemType.TidComm, ItemType.Exe, ItemType.Cmdline, ItemType.Cgroup, ItemType.Seclabel,
    ];

    [Fact]
    public void The_length_decides()
    {
        foreach (var (type, accepts) in ByLength)
        {
            for (var length = 0; length <= Longest; length++)
            {
                // Ones: a size that is not 0 and a descriptor that is not negative.
                var payload = Enumerable.Repeat((byte)1, length).ToArray();
                Assert.True(accepts(length) == (ItemRules.Check(type, payload) == Errno.OK), $"{type} with {length} bytes");
                Assert.True(ItemRules.Check(type, payload) is Errno.OK or Errno.EINVAL, $"{type} with {length} bytes");
            }
        }
    }

    [Theory]
    [InlineData("\0", Errno.OK)]
    [InlineData("a\0", Errno.OK)]
    [InlineData("org.example\0", Errno.OK)]
    [InlineData("", Errno.EINVAL)]
    [InlineData("a", Errno.EINVAL)]
    [InlineData("a\0b", Errno.EINVAL)]
    [InlineData("a\0b\0", Errno.EINVAL)]
    [InlineData("a\0\0", Errno.EINVAL)]
    public void A_string_has_exactly_one_NUL_at_its_end(string payload, Errno expected)
    {
        foreach (var type in Strings) Assert.Equal(expected, ItemRules.Check(type, Encoding.ASCII.GetBytes(payload)));
    }

    [Theory]
    [InlineData(ItemType.PayloadVec, 16)]
    [InlineData(ItemType.PayloadOff, 16)]
    [InlineData(ItemType.PayloadMemfd, 24)]
    public void A_piece_of_payload_is_not_empty(ItemType type, int length) => Assert.Equal(Errno.EINVAL, ItemRules.Check(type, new byte[length]
        .Select((_, index) => index < 8 == (type == ItemType.PayloadMemfd) ? (byte)1 : (byte)0).ToArray()));

    [Fact]
    public void A_memfd_that_is_negative_is_a_bad_descriptor_unless_its_size_is_0()
    {
        Assert.Equal(Errno.EBADF, ItemRules.Check(ItemType.PayloadMemfd, Memfd(size: 1, fd: -1)));
        Assert.Equal(Errno.EINVAL, ItemRules.Check(ItemType.PayloadMemfd, Memfd(size: 0, fd: -1)));
        Assert.Equal(Errno.OK, ItemRules.Check(ItemType.PayloadMemfd, Memfd(size: ulong.MaxValue, fd: 0)));
    }

    [Theory]
    [InlineData(3, 0U, Errno.EINVAL)]
    [InlineData(4, 0U, Errno.OK)]
    [InlineData(4, 31U, Errno.OK)]
    [InlineData(4, 32U, Errno.EINVAL)]
    [InlineData(19, 40U, Errno.EINVAL)]
    [InlineData(20, 40U, Errno.OK)]
    [InlineData(36, 40U, Errno.OK)]
    [InlineData(36, uint.MaxValue, Errno.EINVAL)]
    public void Capabilities_are_as_long_as_the_highest_of_them_says(int length, uint lastCap, Errno expected)
    {
        var payload = new byte[length];
        if (length >= 4) BinaryPrimitives.WriteUInt32LittleEndian(payload, lastCap);
        Assert.Equal(expected, ItemRules.Check(ItemType.Caps, payload));
    }

    [Theory]
    [InlineData(31, "", Errno.EINVAL)]
    [InlineData(32, "", Errno.OK)]
    [InlineData(32, "\0", Errno.OK)]
    [InlineData(32, "a.b\0", Errno.OK)]
    [InlineData(32, "a.b", Errno.EINVAL)]
    [InlineData(32, "a\0b\0", Errno.EINVAL)]
    public void A_name_change_may_name_the_name(int head, string name, Errno expected)
    {
        byte[] payload = [.. new byte[head], .. Encoding.ASCII.GetBytes(name)];
        foreach (var type in new[] { ItemType.NameAdd, ItemType.NameRemove, ItemType.NameChange })
            Assert.Equal(expected, ItemRules.Check(type, payload));
    }

    [Theory]
    [InlineData(ItemType.MakeName)]
    [InlineData(ItemType.ConnDescription)]
    public void Names_of_buses_and_descriptions_obey_the_rules_of_such_names(ItemType type)
    {
        Assert.Equal(Errno.OK, ItemRules.Check(type, "1000-a\0"u8));
        Assert.Equal(Errno.EINVAL, ItemRules.Check(type, "-a\0"u8));
        Assert.Equal(Errno.ENAMETOOLONG, ItemRules.Check(type, new byte[65]));
        Assert.Equal(Errno.OK, ItemRules.Check(type, "1000-a\0"u8, sysNameMaxLength: 6));
        Assert.Equal(Errno.ENAMETOOLONG, ItemRules.Check(type, "1000-ab\0"u8, sysNameMaxLength: 6));
    }

    private static byte[] Memfd(ulong size, int fd)
    {
        var payload = new byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(8), size);
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(16), fd);
        return payload;
    }
}
