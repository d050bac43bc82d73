using System.Buffers.Text;

namespace Kdbus.Daemon.Status;

/// <summary>
/// Cells of a table as they are written, row by row, all in one buffer; at the end they are laid out as lines of aligned
/// columns. Everything in it is ASCII.
/// </summary>
internal sealed class TextCells(IReadOnlyList<bool> alignRight)
{
    /// <summary>A cell that is wider pushes the rest of its line aside, and does not make all other lines as long.</summary>
    private const int WidestColumn = 48;

    private const int Gap = 2;

    private readonly List<int> _ends = [];
    private byte[] _bytes = new byte[4096];
    private int _used;

    /// <summary>Appends a number to the cell.</summary>
    public void Add(ulong number)
    {
        Utf8Formatter.TryFormat(number, Room(20), out var written);
        _used += written;
    }

    /// <summary>Appends a number to the cell.</summary>
    public void Add(long number)
    {
        Utf8Formatter.TryFormat(number, Room(20), out var written);
        _used += written;
    }

    /// <summary>Appends text that is ASCII without spaces.</summary>
    public void Add(ReadOnlySpan<char> text)
    {
        var room = Room(text.Length);
        for (var i = 0; i < text.Length; i++) room[i] = (byte)text[i];
        _used += text.Length;
    }

    /// <summary>Appends text of any kind; see <see cref="Escaped"/>.</summary>
    public void AddAny(string text) => Add(Escaped.Of(text));

    /// <summary>Separates members of a list.</summary>
    public void Separate(bool isFirst, char separator = ',')
    {
        if (!isFirst) Add([separator]);
    }

    /// <summary>The cell is complete; one that is empty shows a dash.</summary>
    public void End()
    {
        if (_used == (_ends.Count == 0 ? 0 : _ends[^1])) Add("-");
        _ends.Add(_used);
    }

    /// <summary>The cells as lines.</summary>
    public byte[] ToLines()
    {
        var columns = alignRight.Count;
        var widths = new int[columns];
        for (var i = 0; i < _ends.Count; i++) widths[i % columns] = Math.Max(widths[i % columns], Math.Min(WidthOf(i), WidestColumn));

        var size = 0L;
        for (var i = 0; i < _ends.Count; i++) size += PaddedWidth(i, widths) + (IsLast(i) ? 1 : Gap);
        var lines = new byte[size];
        var at = 0;
        for (var i = 0; i < _ends.Count; i++)
        {
            var width = WidthOf(i);
            var padded = PaddedWidth(i, widths);
            var room = lines.AsSpan(at, padded);
            room.Fill((byte)' ');
            _bytes.AsSpan(_ends[i] - width, width).CopyTo(alignRight[i % columns] ? room[(padded - width)..] : room);
            at += padded;
            var behind = lines.AsSpan(at, IsLast(i) ? 1 : Gap);
            behind.Fill(IsLast(i) ? (byte)'\n' : (byte)' ');
            at += behind.Length;
        }

        return lines;
    }

    private bool IsLast(int cell) => cell % alignRight.Count == alignRight.Count - 1;

    private int WidthOf(int cell) => _ends[cell] - (cell == 0 ? 0 : _ends[cell - 1]);

    /// <summary>Lines do not end in spaces.</summary>
    private int PaddedWidth(int cell, int[] widths) =>
        IsLast(cell) && !alignRight[^1] ? WidthOf(cell) : Math.Max(WidthOf(cell), widths[cell % alignRight.Count]);

    private Span<byte> Room(int size)
    {
        if (_bytes.Length - _used < size) Array.Resize(ref _bytes, Math.Max(_used + size, _bytes.Length * 2));
        return _bytes.AsSpan(_used);
    }
}
