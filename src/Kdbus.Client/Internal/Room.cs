using Kdbus.Abi;

namespace Kdbus.Client.Internal;

/// <summary>
/// The room of one EXCHANGE: what is sent stands in it, and then what came back. It lies still in memory, and is used again when all messages
/// that stand in it have been given back.
/// </summary>
internal sealed unsafe class Room
{
    /// <summary>The most that the number of the command can name.</summary>
    public const int Size = 16376;

    private readonly RoomStack _home;
    private int _users;

    internal Room(RoomStack home)
    {
        _home = home;
        Bytes = GC.AllocateUninitializedArray<byte>(Size, pinned: true);
        Address = (byte*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(Bytes, 0);
    }

    /// <summary>The bytes, as an array that is not moved.</summary>
    public byte[] Bytes { get; }

    /// <summary>Where they are.</summary>
    public byte* Address { get; }

    /// <summary>The command at its beginning.</summary>
    public ref KdbusCmdExchange Command => ref *(KdbusCmdExchange*)Address;

    /// <summary>One more user.</summary>
    public void Use() => Interlocked.Increment(ref _users);

    /// <summary>One user less; after the last one it is used again.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            _home.Push(this);
    }
}

/// <summary>Rooms that nobody uses.</summary>
internal sealed class RoomStack
{
    /// <summary>Half a megabyte: what a connection with many callers uses again and again.</summary>
    private const int Most = 32;

    private readonly Room?[] _rooms = new Room?[Most];
    private readonly Lock _lock = new();
    private int _count;

    /// <summary>A room with one user.</summary>
    public Room Pop()
    {
        Room? room = null;
        lock (_lock)
        {
            if (_count > 0)
            {
                room = _rooms[--_count];
                _rooms[_count] = null;
            }
        }
        room ??= new Room(this);
        room.Use();
        return room;
    }

    internal void Push(Room room)
    {
        lock (_lock)
        {
            if (_count < Most)
                _rooms[_count++] = room;
        }
    }
}
