namespace Kdbus.Conformance.Words;

public sealed partial class Peer
{
    /// <summary>Begins an EXCHANGE.</summary>
    public Exchange Exchange() => new(this);
}
