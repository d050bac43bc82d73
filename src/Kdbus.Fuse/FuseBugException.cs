namespace Kdbus.Fuse;

/// <summary>The file system broke its contract with the session: it forgot an answer, gave an impossible one, or left a blocking section open.</summary>
public sealed class FuseBugException : Exception
{
    public FuseBugException()
    {
    }

    public FuseBugException(string message)
        : base(message)
    {
    }

    public FuseBugException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
