namespace Kdbus.Linux.Tests;

/// <summary>A directory with a FUSE file system on it that nobody serves, mounted by fusermount3; all gone at the end, whatever the test
/// did.</summary>
internal sealed class MountedFuse : IDisposable
{
    private int _fd;

    public MountedFuse(string options = "fsname=test source,subtype=kdbustest")
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("kdbus linux\ttest").FullName;
        FusermountResult result = Fusermount.Mount(Directory, options);
        Assert.True(result.Error == 0, result.Message);
        _fd = result.Descriptor;
        Assert.True(_fd > 2);
    }

    public string Directory { get; }

    public int Descriptor => _fd;

    public MountInfo Info
    {
        get
        {
            Assert.Equal(1, Mounts.Find(Directory, out MountInfo? mount));
            return mount!;
        }
    }

    public static void SkipUnlessPossible()
    {
        Assert.SkipUnless(File.Exists("/dev/fuse"), "there is no /dev/fuse");
        Assert.SkipUnless(Fusermount.Find() is not null, "fusermount3 is not installed");
        Assert.SkipUnless(Credentials.IsRoot && Credentials.HasCapability(Credentials.CapSysAdmin), "needs root");
    }

    public void CloseDescriptor()
    {
        _ = FileDescriptor.Close(_fd);
        _fd = -1;
    }

    public void Dispose()
    {
        if (_fd >= 0)
            CloseDescriptor();
        while (Mounts.Find(Directory, out _) == 1 && Mounts.Unmount(Directory, lazy: true) == 0)
            continue;
        System.IO.Directory.Delete(Directory);
    }
}
