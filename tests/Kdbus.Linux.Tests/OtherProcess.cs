using System.Globalization;

namespace Kdbus.Linux.Tests;

/// <summary>A second process for a test to look at: a program that waits for the end of its standard input. It ends with the fixture, and
/// with this process at the latest.</summary>
internal sealed class OtherProcess : IDisposable
{
    private int _stdin;

    private OtherProcess(int pid, int stdin) => (Pid, _stdin) = (pid, stdin);

    public int Pid { get; }

    public static OtherProcess Start(params string[] command)
    {
        string[] arguments = command.Length == 0 ? ["cat"] : command;
        Assert.Equal(0, FileDescriptor.Pipe(out int readEnd, out int writeEnd));
        int pid = ChildProcess.Spawn("/usr/bin/" + arguments[0], arguments, null, [new PassedDescriptor(readEnd, 0)]);
        _ = FileDescriptor.Close(readEnd);
        Assert.True(pid > 0, SystemError.Describe(pid));
        // posix_spawn returns when the old program is gone, a little before the new one's memory is complete.
        byte[] commandLine = new byte[64];
        Assert.True(SpinWait.SpinUntil(() => ProcFile.Read(pid, "cmdline"u8, commandLine) > 0, TimeSpan.FromMinutes(1)));
        return new OtherProcess(pid, writeEnd);
    }

    /// <summary>Address and size of the memory in which the kernel put its arguments: fields 48 and 49 of /proc/PID/stat.</summary>
    public (ulong Address, int Length) ArgumentMemory()
    {
        string text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/stat"));
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        ulong start = ulong.Parse(fields[45], CultureInfo.InvariantCulture);
        return (start, (int)(ulong.Parse(fields[46], CultureInfo.InvariantCulture) - start));
    }

    /// <summary>The process that it has started, when that one runs the program it is meant for.</summary>
    public int Child(string program = "cat")
    {
        string children = string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/task/{Pid}/children");
        byte[] name = new byte[16];
        int child = 0;
        Assert.True(SpinWait.SpinUntil(Runs, TimeSpan.FromMinutes(1)));
        return child;

        bool Runs() => int.TryParse(File.ReadAllText(children), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out child)
            && ProcFile.Read(child, "comm"u8, name) > 0
            && name.AsSpan().StartsWith(System.Text.Encoding.UTF8.GetBytes(program + '\n'));
    }

    public int End()
    {
        if (_stdin < 0)
            return 0;
        _ = FileDescriptor.Close(_stdin);
        _stdin = -1;
        return ChildProcess.Wait(Pid);
    }

    public void Dispose() => End();
}
