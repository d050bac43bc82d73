using System.Buffers;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client;

/// <summary>
/// What signals are about, and of which type their values are. A name is words with dots between them, and who subscribes to <c>weather</c> gets <c>weather.rain</c> too. Both sides
/// write the same topic, best as one constant in code that they share.
/// </summary>
/// <typeparam name="T">Type of the values.</typeparam>
public sealed class Topic<T>
{
    private BloomBits? _filter;
    private BloomParameters _filterParameters;
    private long _unreadable;

    /// <summary>A topic.</summary>
    /// <param name="name">Words of letters, digits, _ and -, with dots between them: 255 characters at most.</param>
    /// <param name="serializer">How its values are encoded; null is <see cref="JsonBusSerializer.Simple"/>.</param>
    /// <exception cref="ArgumentException">That is no name.</exception>
    /// <exception cref="InvalidOperationException">JSON does not know the type.</exception>
    public Topic(string name, IBusSerializer? serializer = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!IsName(name))
            throw new ArgumentException($"\"{name}\" is no topic: write words of letters, digits, _ and - with dots between them, 255 characters at most.", nameof(name));
        serializer ??= JsonBusSerializer.Simple;
        if (serializer is JsonBusSerializer json && !json.Knows<T>())
        {
            throw new InvalidOperationException(
                $"JSON does not know {typeof(T)}: give the topic new JsonBusSerializer(MyContext.Default), where MyContext is a JsonSerializerContext with [JsonSerializable(typeof({typeof(T).Name}))].");
        }
        Name = name;
        Serializer = serializer;
        Utf8Name = System.Text.Encoding.ASCII.GetBytes(name);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>How its values are encoded.</summary>
    public IBusSerializer Serializer { get; }

    /// <summary>Signals of this topic that subscriptions left out, because their values cannot be read as <typeparamref name="T"/>.</summary>
    public long Unreadable => Interlocked.Read(ref _unreadable);

    internal byte[] Utf8Name { get; }

    /// <summary>The filter of its signals on a bus.</summary>
    internal BloomBits FilterFor(BloomParameters parameters)
    {
        // Nearly always there is one bus. A filter that another thread put in for another bus is not used: the parameters are compared under the lock.
        lock (Utf8Name)
        {
            if (_filter is null || _filterParameters != parameters)
                (_filter, _filterParameters) = (parameters.NewBits().AddTopic(Name), parameters);
            return _filter;
        }
    }

    /// <summary>A signal, if it is one of this topic or below it.</summary>
    internal (bool Take, Signal<T> Value) Read(Message message)
    {
        using (message)
        {
            try
            {
                ReadOnlySequence<byte> payload = message.Payload;
                Span<byte> room = stackalloc byte[SignalHeader.MostBytes];
                if (message.PayloadType != PayloadTypes.Signal || !SignalHeader.TryRead(payload, room, out SignalHeader header) || !Covers(header.Topic))
                    return default;
                if (header.Serializer == Serializer.Id)
                {
                    string name = header.Topic.Length == Utf8Name.Length ? Name : System.Text.Encoding.UTF8.GetString(header.Topic);
                    T value = ValueReader.Decode<T>(Serializer, payload.Slice(header.Length));
                    return (true, new Signal<T>(value, message.Sender, name));
                }
            }
            catch (Exception fault) when (fault is MalformedException or IOException)
            {
                // Counted, as signals are that nobody takes: their sender is told nothing in either case.
            }
            Interlocked.Increment(ref _unreadable);
            return default;
        }
    }

    // A filter may let in what only looks like it.
    private bool Covers(ReadOnlySpan<byte> topic) =>
        topic.StartsWith(Utf8Name) && (topic.Length == Utf8Name.Length || topic[Utf8Name.Length] == '.');

    private static bool IsName(string name)
    {
        if (name.Length is 0 or > 255)
            return false;
        foreach (Range word in name.AsSpan().Split('.'))
        {
            ReadOnlySpan<char> letters = name.AsSpan(word);
            if (letters.IsEmpty)
                return false;
            foreach (char letter in letters)
            {
                if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('_' or '-'))
                    return false;
            }
        }
        return true;
    }
}

/// <summary>A signal that has come.</summary>
/// <param name="Value">What it says.</param>
/// <param name="Sender">Id of the connection that sent it.</param>
/// <param name="Topic">What it is about: the topic that was subscribed to, or one below it.</param>
public readonly record struct Signal<T>(T Value, ulong Sender, string Topic);
