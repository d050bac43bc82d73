using System.ComponentModel;
using System.Diagnostics;
using Kdbus.Client.Services.Wire;

namespace Kdbus.Client.Services;

/// <summary>A call that a generated client makes: begun, given its arguments, and sent in one of several ways.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly ref struct ClientCall
{
    private readonly ServiceClient _client;
    private readonly ServiceMember _member;
    private readonly PayloadWriter _writer;
    private readonly RpcSpan _span;

    internal ClientCall(ServiceClient client, ServiceMember member)
    {
        _client = client;
        _member = member;
        _writer = PayloadWriter.Rent();

        // A stream is opened when it is enumerated, maybe several times: of it only the arguments are kept.
        if (member.IsStream)
            return;
        _span = RpcSpan.StartClient(member);
        WriteHeader(_writer, member, _span.Activity);
    }

    /// <summary>Writes the next argument.</summary>
    public void Write<T>(in T value)
    {
        try
        {
            _writer.WriteValue(_client.Serializer, value);
        }
        catch (Exception fault)
        {
            _span.End(fault);
            throw;
        }
    }

    /// <summary>Sends it, and blocks until the result is there.</summary>
    public T Call<T>(CancellationToken cancellation = default)
    {
        try
        {
            Message answer;
            try
            {
                answer = _client.Connection.Call(_client.Destination, _writer.Written, _client.Options, cancellation);
            }
            finally
            {
                _writer.Return();
            }
            using (answer)
            {
                T value = _client.Read<T>(answer, _member);
                _span.End();
                return value;
            }
        }
        catch (Exception fault)
        {
            ServiceClient.Throw(fault, _member, _span);
            throw;
        }
    }

    /// <summary>Sends it, and blocks until it has been carried out.</summary>
    public void Call(CancellationToken cancellation = default) => _ = Call<ServiceClient.Nothing>(cancellation);

    /// <summary>Sends it.</summary>
    public ValueTask<T> CallAsync<T>(CancellationToken cancellation = default) => _client.ReadAsync<T>(Send(cancellation), _member, _span);

    /// <summary>Sends it.</summary>
    public ValueTask CallAsync(CancellationToken cancellation = default) => _client.WaitAsync(Send(cancellation), _member, _span);

    /// <summary>Sends it.</summary>
    public Task<T> CallTask<T>(CancellationToken cancellation = default) => _client.ReadTask<T>(Send(cancellation), _member, _span);

    /// <summary>Sends it.</summary>
    public Task CallTask(CancellationToken cancellation = default) => _client.ReadTask<ServiceClient.Nothing>(Send(cancellation), _member, _span);

    /// <summary>A stream that is opened when it is enumerated.</summary>
    public IAsyncEnumerable<T> Stream<T>(CancellationToken cancellation = default)
    {
        byte[] arguments = _writer.Written.ToArray();
        _writer.Return();
        return StreamReader.ReadAsync<T>(_client, _member, arguments, cancellation);
    }

    internal static void WriteHeader(PayloadWriter writer, ServiceMember member, Activity? activity)
    {
        writer.Write(member.RequestHeader);

        // An activity of the caller's own is passed on even if nobody listens to ours.
        activity ??= Activity.Current;
        if (activity is not { IdFormat: ActivityIdFormat.W3C })
            return;
        writer.Patch(CallHeader.FlagsAt, (byte)CallFlags.HasTrace);
        CallHeader.WriteTrace(writer, activity);
    }

    // What goes wrong here is told to who awaits, like everything else.
    private ValueTask<Message> Send(CancellationToken cancellation)
    {
        try
        {
            return _client.Connection.CallAsync(_client.Destination, _writer.Written, _client.Options, cancellation);
        }
        catch (Exception fault)
        {
            return ValueTask.FromException<Message>(fault);
        }
        finally
        {
            _writer.Return();
        }
    }
}
