using Kdbus.Daemon.Serving;
using Kdbus.Linux;
using Xunit;

namespace Kdbus.Fuzz;

/// <summary>A pool's memory stays where a copy was told it is.</summary>
public sealed class PoolFileTests
{
    [Fact]
    public unsafe void A_pool_that_is_being_copied_into_is_neither_moved_nor_resized()
    {
        Assert.Equal(0, PoolFile.Create(nodeId: 1, trimmer: null, isWritableByOwner: false, out var pool));
        using (pool)
        {
            Assert.True(pool!.TrySetSize(65536));
            Assert.True(pool.Back(0, 4096));
            pool.Pin();
            var address = (nint)pool.Address(0);
            Assert.False(pool.TrySetSize(4096));
            Assert.Equal((address, 65536UL), ((nint)pool.Address(0), pool.Size));
            pool.Unused();
            pool.Trim();
            Assert.Equal(address, (nint)pool.Address(0));
            pool.Room(0, 4096).Fill(1);
            pool.Unpin();
            Assert.True(pool.TrySetSize(4096));
            Assert.Equal(4096UL, pool.Size);
        }
    }

    [Fact]
    public void A_closed_pool_seals_nothing_though_its_descriptor_is_that_of_another_one_by_now()
    {
        Assert.Equal(0, PoolFile.Create(nodeId: 1, trimmer: null, isWritableByOwner: false, out var closed));
        closed!.Dispose();
        Assert.Equal(0, PoolFile.Create(nodeId: 2, trimmer: null, isWritableByOwner: false, out var other));
        using (other)
        {
            // Other threads open files too: the number may have gone to one of them.
            if (other!.Descriptor != closed.Descriptor) Assert.Skip("The descriptor's number was taken by somebody else.");
            closed.Seal();
            Assert.Equal(0, MemFd.GetSeals(other.Descriptor));
            Assert.True(other.TrySetSize(4096));
        }
    }
}
