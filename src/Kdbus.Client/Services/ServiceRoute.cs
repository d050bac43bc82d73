using System.Runtime.CompilerServices;
using System.Text;
using Kdbus.Client.Internal;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client.Services;

/// <summary>Takes the calls that a connection receives, and finds out which of its services they are for. Once a connection has served something, it takes all of them.</summary>
internal sealed class ServiceRoute : IMessageRoute
{
    private static readonly ConditionalWeakTable<BusConnection, ServiceRoute> s_routes = [];

    private readonly Lock _lock = new();
    private Serving[] _servings = [];

    private ServiceRoute()
    {
    }

    /// <summary>The route of a connection.</summary>
    public static ServiceRoute Of(BusConnection connection)
    {
        lock (s_routes)
        {
            if (s_routes.TryGetValue(connection, out ServiceRoute? route))
                return route;
            route = new ServiceRoute();
            connection.AddRoute(route);
            s_routes.Add(connection, route);
            return route;
        }
    }

    public void Add(Serving serving)
    {
        lock (_lock)
        {
            if (Array.Exists(_servings, other => other.Contract.Interface == serving.Contract.Interface))
                throw new InvalidOperationException($"The connection serves {serving.Contract.Interface} already; serve it again on a connection of its own.");
            Volatile.Write(ref _servings, [.. _servings, serving]);
        }
    }

    public void Remove(Serving serving)
    {
        lock (_lock)
            Volatile.Write(ref _servings, Array.FindAll(_servings, other => other != serving));
    }

    public bool TryTake(Message message)
    {
        if (message.PayloadType != PayloadTypes.Call)
            return false;
        try
        {
            Span<byte> room = stackalloc byte[CallHeader.MostBytes];
            if (CallHeader.TryRead(message.Payload, room, out CallHeader header) is { } fault)
                Refuse(message, BusErrors.Malformed, fault);
            else if (Find(header.Interface) is { } serving)
                serving.Take(message, header);
            else
                Refuse(message, BusErrors.UnknownInterface, $"There is no interface {Encoding.UTF8.GetString(header.Interface)} here.");
        }
        catch (IOException)
        {
            // A part of the payload that came as a file cannot be mapped.
            Refuse(message, BusErrors.Malformed, "The request did not arrive as a whole.");
        }
        return true;
    }

    public void End(Exception reason)
    {
        foreach (Serving serving in Volatile.Read(ref _servings))
            serving.Stop();
    }

    /// <summary>Answers with an error, and gives the request back.</summary>
    public static void Refuse(Message request, string error, string text)
    {
        using (request)
        {
            if (!request.IsRequest)
                return;
            try
            {
                request.ReplyError(error, text);
            }
            catch (Exception fault) when (fault is BusException or ObjectDisposedException)
            {
                // Nobody is there any more to hear it.
            }
        }
    }

    private Serving? Find(ReadOnlySpan<byte> name)
    {
        foreach (Serving serving in Volatile.Read(ref _servings))
        {
            if (serving.Contract.IsNamed(name))
                return serving;
        }
        return null;
    }
}
