using Kdbus.Engine;

namespace Kdbus.Fuzz.Targets;

/// <summary>Nobody carries out what the engine wants done.</summary>
internal sealed class NoEffects : IEffects
{
    public void Wake(ulong handle)
    {
    }

    public void CloseFile(ulong file)
    {
    }

    public void Refused(in Refusal refusal)
    {
    }

    public Span<byte> AnswerOf(ulong request) => [];

    public void Complete(in Completion completion)
    {
    }
}
