namespace Kdbus.Generators;

/// <summary>Types that the generator knows by name.</summary>
internal static class KnownNames
{
    public const string BusService = "Kdbus.Client.BusServiceAttribute";
    public const string BusMember = "Kdbus.Client.BusMemberAttribute";
    public const string BusError = "Kdbus.Client.BusErrorAttribute";
    public const string BusErrors = "Kdbus.Client.BusErrorsAttribute";
    public const string BusSerializer = "Kdbus.Client.IBusSerializer";
    public const string PeerFailedException = "Kdbus.Client.PeerFailedException";
    public const string MemoryPackBusSerializer = "Kdbus.Client.MemoryPackBusSerializer";
    public const string MemoryPackable = "MemoryPack.MemoryPackableAttribute";
    public const string JsonSerializerContext = "System.Text.Json.Serialization.JsonSerializerContext";
    public const string JsonSerializable = "System.Text.Json.Serialization.JsonSerializableAttribute";
    public const string CancellationToken = "System.Threading.CancellationToken";
}
