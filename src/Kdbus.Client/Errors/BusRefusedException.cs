using Kdbus.Abi;

namespace Kdbus.Client;

/// <summary>The bus said no to what was asked of it. Nothing was done, and the connection goes on.</summary>
public sealed class BusRefusedException : BusException
{
    internal BusRefusedException(string operation, Errno error, string message)
        : base(message)
    {
        Operation = operation;
        Error = error;
    }

    /// <summary>What was asked, as a few words: "send to org.example.Clock".</summary>
    public string Operation { get; }

    /// <summary>What the bus said.</summary>
    public Errno Error { get; }
}
