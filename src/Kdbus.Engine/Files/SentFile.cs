using Kdbus.Abi;

namespace Kdbus.Engine.Files;

/// <summary>What was found behind a descriptor number that a message names: a value, as everything the engine is told.</summary>
/// <param name="Found">OK; EBADF if the sender has none of that number; EMFILE, ENOMEM or EUSERS if no more can be carried.</param>
/// <param name="File">By what whoever drives the engine knows the file. With <see cref="Errno.OK"/> it is the engine's until it says
/// <see cref="IEffects.CloseFile"/>.</param>
public readonly record struct SentFile(Errno Found, ulong File)
{
    /// <summary>What it is, as far as that matters.</summary>
    public SentFileKind Kind { get; init; }

    /// <summary>For a memfd: its seals as fcntl(2) F_GET_SEALS tells them; negative if the file cannot be sealed.</summary>
    public int Seals { get; init; }

    /// <summary>For a memfd: bytes of the file.</summary>
    public ulong Size { get; init; }
}

/// <summary>Kinds of files that the rules for what may travel tell apart.</summary>
public enum SentFileKind
{
    /// <summary>Any that the others are not.</summary>
    Other,
    /// <summary>Opened with O_PATH: it names a file and gives no access to it.</summary>
    Path,
    /// <summary>An opened file of a domain. Two that lay in each other's queues would never be closed.</summary>
    Bus,
    /// <summary>A unix socket. It can carry files of a domain itself.</summary>
    UnixSocket,
}
