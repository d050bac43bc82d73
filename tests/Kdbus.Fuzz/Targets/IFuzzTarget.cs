namespace Kdbus.Fuzz.Targets;

/// <summary>Something that takes hostile input. A case is everything that follows from one seed.</summary>
internal interface IFuzzTarget
{
    /// <summary>What <c>--target</c> calls it.</summary>
    string Name { get; }

    /// <summary>Runs one case, adding each input to <paramref name="inputs"/> before it is used.</summary>
    /// <exception cref="FuzzFailure">A rule was broken; any other exception is one too.</exception>
    void Run(Dice dice, List<byte[]> inputs);
}
