using Kdbus.Fuzz.Serving;

namespace Kdbus.Fuzz.Targets;

/// <summary>Requests as the kernel would never send them, among some that it would.</summary>
internal sealed class FuseTarget : IFuzzTarget
{
    public string Name => "fuse";

    public void Run(Dice dice, List<byte[]> inputs) => ServedDomain.Run(dice, inputs, requests: 600, chaos: true);
}

/// <summary>Requests as the kernel sends them, commands and messages as nobody should send them.</summary>
internal sealed class CommandTarget : IFuzzTarget
{
    public string Name => "command";

    public void Run(Dice dice, List<byte[]> inputs) => ServedDomain.Run(dice, inputs, requests: 1500, chaos: false);
}
