using System.Text;
using Kdbus.Linux;

namespace Kdbus.Daemon.Cli;

/// <summary>
/// Messages to the user, written straight to a descriptor: standard error may be pointed at a log file, or away, while the process runs,
/// and the runtime's console would keep the one it saw first. A message nobody can read is no error.
/// </summary>
internal static class StandardError
{
    internal const int Descriptor = 2;

    internal static int Print(Failure failure, int descriptor = Descriptor)
    {
        ReadOnlySpan<byte> text = Encoding.UTF8.GetBytes(failure.ToString());
        while (!text.IsEmpty)
        {
            int count = FileDescriptor.Write(descriptor, text);
            if (count == -SystemError.EINTR)
                continue;
            if (count <= 0)
                break;
            text = text[count..];
        }
        return failure.ExitCode;
    }
}
