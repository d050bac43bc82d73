using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Words;

/// <summary>A descriptor of a process, and the commands given on it. What a command leaves in the caller's memory comes back with its result.</summary>
public sealed class Handle(IProcess process, int descriptor)
{
    /// <summary>The process that uses the descriptor.</summary>
    public IProcess Process { get; } = process;

    /// <summary>The number.</summary>
    public int Descriptor { get; } = descriptor;

    /// <summary>Opens a file that must be openable.</summary>
    public static Handle Open(IProcess process, string path, int flags = OpenFlags.ReadWrite)
    {
        int descriptor = process.Open(path, flags);
        Assert.True(descriptor >= 0, $"open of {path} gave {(Errno)(-descriptor)}");
        return new Handle(process, descriptor);
    }

    /// <summary>Gives a command whose struct lies in memory by itself.</summary>
    public CommandRun Run(Command command, WireStruct input)
    {
        byte[] bytes = input.ToArray();
        ulong address = Process.Scratch.Place(bytes);
        Errno result = Run((uint)command, address);
        return new CommandRun(result, Process.Scratch.Read(address, bytes.Length));
    }

    /// <summary>Gives a command whose struct lies at an address.</summary>
    public Errno Run(Command command, ulong address) => Run((uint)command, address);

    /// <summary>
    /// Gives a command whose struct is garbage at an odd address. It is memory that can be read: the kernel copies many a command before it
    /// asks the bus.
    /// </summary>
    public Errno RunOnGarbage(Command command) => Run((uint)command, Process.Scratch.Allocate(128) + 1);

    /// <summary>ioctl(2) with any number.</summary>
    public Errno Run(uint command, ulong address) => Outcome(Process.Ioctl(Descriptor, command, address));

    /// <summary>ENDPOINT_UPDATE by the owner of a custom endpoint.</summary>
    public Errno UpdateEndpoint(Action<PolicyRules> policy)
    {
        WireStruct command = WireStruct.Of(Command.EndpointUpdate);
        policy(new PolicyRules(command));
        return Run(Command.EndpointUpdate, command).Result;
    }

    /// <summary>Events reported right now.</summary>
    public int Poll() => Process.Poll(Descriptor, PollEvents.All, 0);

    /// <summary>Closes the descriptor.</summary>
    public void Close() => Assert.Equal(0, Process.Close(Descriptor));

    /// <summary>The same handle under a second descriptor.</summary>
    public Handle Duplicate()
    {
        int second = Process.Duplicate(Descriptor);
        Assert.True(second >= 0);
        return new Handle(Process, second);
    }

    /// <summary>The same handle as a forked child of <see cref="Process"/> has it.</summary>
    public Handle In(IProcess child) => new(child, Descriptor);

    /// <summary>What an ioctl returned, as an errno. A command of the bus never returns a positive value.</summary>
    public static Errno Outcome(int result)
    {
        Assert.True(result <= 0, $"an ioctl returned {result}");
        return (Errno)(-result);
    }
}

/// <summary>The result of a command and its struct as the command left it.</summary>
public readonly record struct CommandRun(Errno Result, byte[] Memory)
{
    /// <summary>The fixed part.</summary>
    public T As<T>() where T : unmanaged => MemoryMarshal.Read<T>(Memory);

    /// <summary>The second member of every command.</summary>
    public ulong Flags => As<KdbusCmd>().Flags;

    /// <summary>The third member of every command.</summary>
    public ulong ReturnFlags => As<KdbusCmd>().ReturnFlags;
}
