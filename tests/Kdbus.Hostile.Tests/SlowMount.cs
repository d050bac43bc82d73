using System.Diagnostics;
using System.Globalization;

namespace Kdbus.Hostile.Tests;

/// <summary>
/// A FUSE mount of some user whose server answers when the test wants it to: memory mapped from its files blocks whoever touches it, for as
/// long as the test likes. It has eight files, 0 to 7, of 1 MiB each.
/// </summary>
internal sealed class SlowMount : IDisposable
{
    private readonly Tool _server;

    public SlowMount(uint owner)
    {
        Root = Directory.CreateTempSubdirectory("kdbusfs-slow-").FullName;
        File.SetUnixFileMode(Root, (UnixFileMode)0x1ed);
        _server = new Tool("slowfs", Root, owner.ToString(CultureInfo.InvariantCulture));
        Assert.Equal("ready", _server.Read());
    }

    /// <summary>Where it is mounted.</summary>
    public string Root { get; }

    /// <summary>READs of a file stay unanswered from now on.</summary>
    public void Hold(int file) => Say("hold", file);

    /// <summary>What is held of a file is answered now, what comes at once.</summary>
    public void Answer(int file) => Say("answer", file);

    /// <summary>The kernel forgets the pages it knows of a file.</summary>
    public void Drop(int file) => Say("drop", file);

    /// <summary>A file is not ready for poll from now on.</summary>
    public void Quieten(int file) => Say("quiet", file);

    /// <summary>Whoever polls a file looks again.</summary>
    public void Wake(int file) => Say("wake", file);

    /// <summary>Its server answers nothing at all, the closing of a file neither, until it goes on.</summary>
    public void Stop() => Signal("-STOP");

    /// <summary>It goes on.</summary>
    public void GoOn() => Signal("-CONT");

    /// <summary>How many READs of a file are held.</summary>
    public int Held(int file) => int.Parse(_server.Ask($"waiting {file}").Split(' ')[2], CultureInfo.InvariantCulture);

    /// <summary>Somebody has aborted the mount.</summary>
    public bool IsAborted => Held(0) < 0;

    /// <summary>Waits until that many READs of a file are held: somebody is stuck in its memory.</summary>
    public void AwaitHeld(int file, int count = 1) => Moment.Await(() => Held(file) >= count, $"{count} READs of file {file}");

    /// <summary>Maps a file into a process, for reading and writing.</summary>
    public ulong Map(IProcess process, int file)
    {
        Handle handle = Handle.Open(process, Path.Combine(Root, file.ToString(CultureInfo.InvariantCulture)));
        long address = process.Map(1 << 20, Protection.Read | Protection.Write, MapFlags.Shared, handle.Descriptor, 0);
        Assert.True(address > 0, $"mmap of a slow file gave {(Errno)(-address)}");
        return (ulong)address;
    }

    /// <summary>Maps a file that holds these bytes into a process; the process has no page of it, and the server does not give one.</summary>
    public ulong MapHeld(IProcess process, int file, ReadOnlySpan<byte> content)
    {
        Fill(process, file, content);
        ulong address = Map(process, file);
        Hold(file);
        Drop(file);
        return address;
    }

    /// <summary>Writes bytes to the start of a file.</summary>
    public void Fill(IProcess process, int file, ReadOnlySpan<byte> content)
    {
        Handle handle = Handle.Open(process, Path.Combine(Root, file.ToString(CultureInfo.InvariantCulture)));
        Assert.Equal(content.Length, process.Write(handle.Descriptor, content));
        handle.Close();
    }

    public void Dispose()
    {
        GoOn();
        _server.Dispose();
        Directory.Delete(Root);
    }

    private void Signal(string signal)
    {
        using Process process = Process.Start("/bin/kill", [signal, _server.Id.ToString(CultureInfo.InvariantCulture)]);
        process.WaitForExit();
    }

    private void Say(string word, int file) => Assert.Equal($"{word} {file}", _server.Ask($"{word} {file}"));
}
