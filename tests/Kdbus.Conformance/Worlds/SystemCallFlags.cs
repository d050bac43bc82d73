namespace Kdbus.Conformance.Worlds;

/// <summary>open(2): how to open. The numbers are those of x86_64 and arm64 alike.</summary>
public static class OpenFlags
{
    public const int ReadOnly = 0;
    public const int WriteOnly = 1;
    public const int ReadWrite = 2;
    public const int Truncate = 0x200;
    public const int Append = 0x400;
    public const int Path = 0x200000;
}

/// <summary>fcntl(2): F_*, and what they return.</summary>
public static class FileCommands
{
    public const int GetDescriptorFlags = 1;
    public const int GetStatusFlags = 3;
    public const int GetSeals = 1034;
    public const int CloseOnExec = 1;
}

/// <summary>fcntl(2): F_SEAL_*.</summary>
public static class Seals
{
    public const int Seal = 1;
    public const int Shrink = 2;
    public const int Grow = 4;
    public const int Write = 8;

    /// <summary>Those that payload must have.</summary>
    public const int All = Seal | Shrink | Grow | Write;
}

/// <summary>socket(2): AF_* and SOCK_*.</summary>
public static class Sockets
{
    public const int Unix = 1;
    public const int Internet = 2;
    public const int Stream = 1;
    public const int Datagram = 2;
    public const int SequentialPackets = 5;
    public const int NonBlocking = 0x800;
}

/// <summary>mmap(2): PROT_*.</summary>
public static class Protection
{
    public const int None = 0;
    public const int Read = 1;
    public const int Write = 2;
}

/// <summary>mmap(2): MAP_*.</summary>
public static class MapFlags
{
    public const int Shared = 1;
    public const int Private = 2;
    public const int Fixed = 0x10;
    public const int Anonymous = 0x20;
}

/// <summary>poll(2): POLL*.</summary>
public static class PollEvents
{
    public const int In = 0x1;
    public const int Pri = 0x2;
    public const int Out = 0x4;
    public const int Err = 0x8;
    public const int Hup = 0x10;
    public const int ReadNormal = 0x40;
    public const int WriteNormal = 0x100;

    /// <summary>Whatever a handle may report.</summary>
    public const int All = In | Pri | Out | ReadNormal | WriteNormal;
}

/// <summary>access(2): *_OK.</summary>
public static class AccessMode
{
    public const int Exists = 0;
    public const int Execute = 1;
    public const int Write = 2;
    public const int Read = 4;
}

/// <summary>signal(7): the numbers the tests use.</summary>
public static class Signals
{
    public const int User1 = 10;
}
