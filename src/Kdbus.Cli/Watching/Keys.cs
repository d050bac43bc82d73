using System.Threading.Channels;

namespace Kdbus.Cli.Watching;

/// <summary>Keys that are pressed.</summary>
internal static class Keys
{
    /// <summary>Reads them on a thread of its own, as long as the program runs; none if standard input is no terminal.</summary>
    public static ChannelReader<ConsoleKeyInfo> Read()
    {
        Channel<ConsoleKeyInfo> keys = Channel.CreateUnbounded<ConsoleKeyInfo>();
        if (Console.IsInputRedirected)
            return keys.Reader;
        Thread thread = new(() =>
        {
            try
            {
                while (keys.Writer.TryWrite(Console.ReadKey(intercept: true)))
                {
                }
            }
            catch (Exception exception) when (exception is InvalidOperationException or IOException)
            {
                // The terminal has gone; SIGHUP ends the program.
            }
        })
        { IsBackground = true, Name = "keys" };
        thread.Start();
        return keys.Reader;
    }
}
