namespace Kdbus.Client.Tests.Services;

// The same interface in two versions, as two programs have it.
[BusService("org.example.Shop")]
public interface IShopOfYesterday
{
    int Price(string what);

    string Describe(string what, int amount, bool isGift);
}

[BusService("org.example.Shop")]
public interface IShop
{
    int Price(string what, int amount = 3, string currency = "EUR");

    string Describe(string what, int amount = 7);

    int Stock(string what);
}

[BusService("org.example.Shop", Serializer = typeof(MemoryPackBusSerializer))]
public interface IPackedShop
{
    int Price(string what);
}

/// <summary>What may differ between the versions of an interface on both sides.</summary>
public sealed class VersioningTests
{
    [Fact]
    public async Task Arguments_that_an_older_client_does_not_send_have_their_default()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IShop>(new Shop());
        Assert.Equal("tea3EUR".Length, scene.Client.GetClient<IShopOfYesterday>().Price("tea"));
        Assert.Equal("tea12USD".Length, scene.Client.GetClient<IShop>().Price("tea", 12, "USD"));
    }

    [Fact]
    public async Task Arguments_that_an_older_service_does_not_know_are_ignored()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IShop>(new Shop());
        Assert.Equal("2 tea", scene.Client.GetClient<IShopOfYesterday>().Describe("tea", 2, isGift: true));
    }

    [Fact]
    public async Task A_member_that_the_service_does_not_have_is_said_to_be_unknown()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IShopOfYesterday>(new OldShop());
        PeerFailedException fault = Assert.Throws<PeerFailedException>(() => scene.Client.GetClient<IShop>().Stock("tea"));
        Assert.Equal(BusErrors.UnknownMember, fault.ErrorName);
        Assert.Contains("Stock", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_argument_without_a_default_must_be_there()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IShopOfYesterday>(new OldShop());
        PeerFailedException fault = Assert.Throws<PeerFailedException>(() => scene.Client.GetClient<IShop>().Describe("tea"));
        Assert.Equal(BusErrors.Malformed, fault.ErrorName);
    }

    [Fact]
    public async Task An_argument_that_must_not_be_null_is_not()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IShop>(new Shop());
        PeerFailedException fault = Assert.Throws<PeerFailedException>(() => scene.Client.GetClient<IShop>().Price(null!));
        Assert.Equal(BusErrors.Malformed, fault.ErrorName);
    }

    [Fact]
    public async Task An_interface_that_is_not_served_is_said_to_be_unknown()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IShop>(new Shop());
        PeerFailedException fault = Assert.Throws<PeerFailedException>(() => scene.Client.GetClient<IClock>(scene.Service.Id).Add(1, 2));
        Assert.Equal(BusErrors.UnknownInterface, fault.ErrorName);
    }

    [Fact]
    public async Task Another_encoding_is_refused_by_the_name_of_the_one_that_is_spoken()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IShop>(new Shop());
        PeerFailedException fault = Assert.Throws<PeerFailedException>(() => scene.Client.GetClient<IPackedShop>().Price("tea"));
        Assert.Equal(BusErrors.Malformed, fault.ErrorName);
        Assert.Contains("speaks JSON", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MemoryPack_is_spoken_between_those_who_both_do()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IPackedShop>(new PackedShop());
        Assert.Equal(3, scene.Client.GetClient<IPackedShop>().Price("tea"));
    }

    private sealed class Shop : IShop
    {
        public int Price(string what, int amount, string currency) => $"{what}{amount}{currency}".Length;

        public string Describe(string what, int amount) => $"{amount} {what}";

        public int Stock(string what) => 1;
    }

    private sealed class OldShop : IShopOfYesterday
    {
        public int Price(string what) => what.Length;

        public string Describe(string what, int amount, bool isGift) => what;
    }

    private sealed class PackedShop : IPackedShop
    {
        public int Price(string what) => what.Length;
    }
}
