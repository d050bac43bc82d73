using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Tests.Processes;

/// <summary>A process has a number in its own pid namespace and in those around it, and in no other.</summary>
public sealed class PidNumbersTests
{
    private static readonly PidNumbers Process = new([100, 200, 300], [4711, 42, 1]);

    [Theory]
    [InlineData(100, 4711)]
    [InlineData(200, 42)]
    [InlineData(300, 1)]
    [InlineData(400, 0)]
    [InlineData(0, 0)]
    [InlineData(4711, 0)]
    public void It_has_its_number_where_it_is_to_be_seen_and_0_elsewhere(ulong pidNamespace, uint number) => Assert.Equal(number, Process.In(pidNamespace));

    [Fact]
    public void There_is_one_number_for_each_namespace() => Assert.Throws<ArgumentException>(() => new PidNumbers([1, 2], [1]));

    [Fact]
    public void It_keeps_what_it_was_made_with()
    {
        ulong[] namespaces = [1];
        uint[] numbers = [7];
        var process = new PidNumbers(namespaces, numbers);
        (namespaces[0], numbers[0]) = (2, 8);
        Assert.Equal((7u, 0u), (process.In(1), process.In(2)));
        Assert.Equal([1UL], process.Namespaces.ToArray());
        Assert.Equal([7u], process.Numbers.ToArray());
    }
}
