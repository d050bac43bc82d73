using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client.Services;

/// <summary>What a generated client sends through.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class ServiceClient
{
    internal ServiceClient(BusConnection connection, Destination destination, ServiceContract contract, ClientOptions options)
    {
        Connection = connection;
        Destination = destination;
        Contract = contract;
        Window = options.StreamWindow;
        Options = new MessageOptions { PayloadType = PayloadTypes.Call, Timeout = options.Timeout, NoAutoStart = options.NoAutoStart };
    }

    internal BusConnection Connection { get; }

    internal Destination Destination { get; }

    internal ServiceContract Contract { get; }

    internal IBusSerializer Serializer => Contract.Serializer;

    internal int Window { get; }

    /// <summary>What every request has.</summary>
    internal MessageOptions Options { get; }

    /// <summary>Begins a call.</summary>
    /// <param name="member">Which member, in the order of the contract.</param>
    public ClientCall Begin(int member) => new(this, Contract[member]);

    /// <summary>What stands in the answer.</summary>
    internal T Read<T>(Message answer, ServiceMember member)
    {
        try
        {
            var value = AnswerWire.Open(answer, CallKind.Answer, Serializer.Id, out _);
            return typeof(T) == typeof(Nothing) ? default! : ValueReader.Decode<T>(Serializer, value);
        }
        catch (MalformedException fault)
        {
            throw Malformed(member, fault);
        }
    }

    /// <summary>The answer cannot be read: the two sides do not fit together.</summary>
    internal static PeerFailedException Malformed(ServiceMember member, MalformedException fault) =>
        new(BusErrors.Malformed, $"The answer to {member.FullName} cannot be read: {fault.Message}");

    /// <summary>Waits for the answer. Allocates nothing in the long run, and for a <see cref="Task"/> only that.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<T> ReadAsync<T>(ValueTask<Message> answer, ServiceMember member, RpcSpan span)
    {
        try
        {
            using Message message = await answer.ConfigureAwait(false);
            T value = Read<T>(message, member);
            span.End();
            return value;
        }
        catch (Exception fault)
        {
            Throw(fault, member, span);
            throw;
        }
    }

    /// <inheritdoc cref="ReadAsync"/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    internal async ValueTask WaitAsync(ValueTask<Message> answer, ServiceMember member, RpcSpan span)
    {
        try
        {
            using Message message = await answer.ConfigureAwait(false);
            _ = Read<Nothing>(message, member);
            span.End();
        }
        catch (Exception fault)
        {
            Throw(fault, member, span);
            throw;
        }
    }

    /// <inheritdoc cref="ReadAsync"/>
    internal async Task<T> ReadTask<T>(ValueTask<Message> answer, ServiceMember member, RpcSpan span)
    {
        try
        {
            using Message message = await answer.ConfigureAwait(false);
            T value = Read<T>(message, member);
            span.End();
            return value;
        }
        catch (Exception fault)
        {
            Throw(fault, member, span);
            throw;
        }
    }

    /// <summary>Ends a span, and throws an error as what it is.</summary>
    internal static void Throw(Exception fault, ServiceMember member, RpcSpan span)
    {
        span.End(fault);
        if (member.Typed(fault) is { } typed)
            throw typed;
        ExceptionDispatchInfo.Throw(fault);
    }

    /// <summary>The result of a member that has none.</summary>
    internal readonly struct Nothing;
}
