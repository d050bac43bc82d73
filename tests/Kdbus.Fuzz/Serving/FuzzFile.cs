namespace Kdbus.Fuzz.Serving;

/// <summary>A file that was opened, as the kernel and its user know it.</summary>
internal sealed class FuzzFile(ulong handle, ulong node, bool isControl, int backing, bool isWritable)
{
    public ulong Handle { get; } = handle;

    public ulong Node { get; } = node;

    public bool IsControl { get; } = isControl;

    /// <summary>It shows the status of something, and takes no commands.</summary>
    public bool IsStatus { get; init; }

    /// <summary>A descriptor of the pool, or -1.</summary>
    public int Backing { get; } = backing;

    /// <summary>Its user may write to the pool.</summary>
    public bool IsWritable { get; } = isWritable;

    /// <summary>Its user has written to the pool: nobody can say any more what is in there.</summary>
    public bool IsScribbled { get; set; }

    /// <summary>What its user has made of it; 0 if nothing.</summary>
    public Command Role { get; set; }

    /// <summary>What it said in its HELLO.</summary>
    public HelloFlags Kind { get; set; }

    /// <summary>It was a connection.</summary>
    public bool IsDead { get; set; }

    /// <summary>Id of the connection.</summary>
    public ulong Id { get; set; }

    public ulong PoolSize { get; set; }

    /// <summary>Offsets its user has been told of.</summary>
    public List<ulong> Slices { get; } = [];

    /// <summary>Calls on it that have not come back.</summary>
    public int Calls { get; set; }

    /// <summary>What speaks for and against what arrives here.</summary>
    public Evidence Evidence { get; } = new();
}
