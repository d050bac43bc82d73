using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>The capabilities(7) of a thread by capget(2), which asks for no permission and costs a tenth of reading them in /proc. Bit n of a set
/// stands for capability n; they count in the user namespace of the thread.</summary>
/// <param name="Effective">Those it has.</param>
/// <param name="Permitted">Those it may have.</param>
public readonly record struct ThreadCapabilities(ulong Effective, ulong Permitted)
{
    /// <summary>CAP_SYS_PTRACE.</summary>
    public const ulong SysPtrace = 1UL << 19;

    /// <summary>Those of a thread: 0, or -errno (-ESRCH: there is none of this number).</summary>
    public static unsafe int Of(int thread, out ThreadCapabilities capabilities)
    {
        var header = new Header { Version = 0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, Thread = thread };
        Span<Words> words = [default, default];
        fixed (Words* p = words)
        {
            int result = Libc.Result(Libc.Capget(&header, p));
            capabilities = new ThreadCapabilities(
                words[0].Effective | ((ulong)words[1].Effective << 32), words[0].Permitted | ((ulong)words[1].Permitted << 32));
            return result;
        }
    }

    /// <summary><c>struct __user_cap_header_struct</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        public uint Version;
        public int Thread;
    }

    /// <summary><c>struct __user_cap_data_struct</c>: 32 capabilities.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Words
    {
        public uint Effective;
        public uint Permitted;
        public uint Inheritable;
    }
}
