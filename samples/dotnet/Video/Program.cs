// video camera ENDPOINT FRAMES: makes frames of 1920 x 1080 and sends each as a sealed memfd: the bus moves a descriptor, never the picture.
// video screen ENDPOINT FRAMES: maps them as they come, looks at them, and tells how fast that was.

using System.Diagnostics;
using System.Globalization;
using Kdbus.Client;

const int Width = 1920;
const int Height = 1080;
const int FrameBytes = Width * Height * 4;
const string Screen = "org.example.Screen";

if (args is not ["camera" or "screen", var endpoint, var number] || !int.TryParse(number, CultureInfo.InvariantCulture, out int frames) || frames < 1)
{
    Console.Error.WriteLine("usage: video camera|screen ENDPOINT FRAMES");
    return 2;
}

await using BusConnection connection = await BusConnection.ConnectAsync(endpoint);
if (args[0] == "camera")
    await FilmAsync();
else
    await ShowAsync();
return 0;

async Task FilmAsync()
{
    for (int frame = 0; frame < frames; frame++)
    {
        // Written once, and then nobody can change it any more, this process included: that is what lets the screen trust what it maps.
        using MemfdPayload picture = MemfdPayload.Create(FrameBytes, memory => Paint(memory, frame));

        // Waits for room when the screen is slow. 16 frames can be on their way.
        await connection.SendAsync(Screen, BitConverter.GetBytes(frame), new MessageOptions { Memfds = [picture] });
    }
}

async Task ShowAsync()
{
    await using OwnedName name = await connection.AcquireNameAsync(Screen);
    Console.WriteLine("screen: ready");
    Stopwatch watch = new();
    for (int frame = 0; frame < frames; frame++)
    {
        using Message message = await connection.ReceiveAsync();
        watch.Start();
        ReadOnlySpan<byte> picture = message.Memfds[0].Memory.Span;
        if (picture[0] != (byte)frame || picture[^1] != (byte)frame)
            throw new InvalidDataException($"Frame {frame} is not what was filmed.");
    }

    double seconds = watch.Elapsed.TotalSeconds;
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"screen: {frames} frames of {FrameBytes >> 20} MiB, {frames / seconds:F0} frames/s, {frames / seconds * FrameBytes / (1 << 30):F1} GiB/s"));
}

static void Paint(Span<byte> memory, int frame) => memory.Fill((byte)frame);
