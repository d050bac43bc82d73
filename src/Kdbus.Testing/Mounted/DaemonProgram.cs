using Kdbus.Linux;

namespace Kdbus.Testing.Mounted;

/// <summary>Whether a domain can be mounted here, and by which program.</summary>
internal static class DaemonProgram
{
    private const string Name = "kdbusfs";
    private const string Variable = "KDBUSFS_BIN";

    /// <summary>The program: $KDBUSFS_BIN, else next to the application, else in PATH; null if there is none.</summary>
    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given)
            return File.Exists(given) ? given : null;
        string[] directories = [AppContext.BaseDirectory, .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)];
        return directories.Select(static directory => Path.Combine(directory, Name)).FirstOrDefault(File.Exists);
    }

    /// <summary>Null if mounting should be possible, else why it is not, for people.</summary>
    public static string? WhyNot()
    {
        int device = FileDescriptor.Open("/dev/fuse", OpenFlags.ReadWrite);
        if (device < 0)
            return $"/dev/fuse cannot be opened ({SystemError.Describe(-device)})";
        _ = FileDescriptor.Close(device);
        if (!Credentials.HasCapability(Credentials.CapSysAdmin) && Fusermount.Find() is null)
            return "this is not root, and there is no fusermount3";
        return Find() is null ? $"there is no program {Name}: ${Variable} does not name it, and it is neither next to the application nor in PATH" : null;
    }
}
