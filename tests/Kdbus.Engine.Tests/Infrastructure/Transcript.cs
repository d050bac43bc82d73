namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>
/// What a domain said, line by line. The last lines are kept for people; all of them go into a number by which two transcripts
/// are compared.
/// </summary>
internal sealed class Transcript
{
    private const int Kept = 60;

    private readonly Queue<string> _last = [];

    public int Lines { get; private set; }

    /// <summary>FNV-1a of all lines.</summary>
    public ulong Hash { get; private set; } = 0xcbf29ce484222325;

    /// <summary>The last lines, oldest first.</summary>
    public IEnumerable<string> End => _last;

    public void Add(string line)
    {
        var hash = Hash;
        foreach (var character in line) hash = (hash ^ character) * 0x100000001b3;
        Hash = (hash ^ '\n') * 0x100000001b3;
        Lines++;
        if (_last.Count == Kept) _last.Dequeue();
        _last.Enqueue(line);
    }
}
