using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Kdbus.Client.Services;

/// <summary>
/// One call as tracing and metrics see it, from one of its two sides. Where nobody listens, it reads no clock and allocates nothing.
/// </summary>
internal readonly struct RpcSpan
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string SourceName = "Kdbus.Client";

    private static readonly ActivitySource s_source = new(SourceName);
    private static readonly Meter s_meter = new(SourceName);
    private static readonly Histogram<double> s_clientDuration = s_meter.CreateHistogram<double>("rpc.client.duration", "s", "How long calls took, as their callers saw it.");
    private static readonly Histogram<double> s_serverDuration = s_meter.CreateHistogram<double>("rpc.server.duration", "s", "How long services worked at calls.");
    private static readonly Counter<long> s_errors = s_meter.CreateCounter<long>("rpc.errors", "{error}", "Calls that failed, on either side.");

    private readonly ServiceMember? _member;
    private readonly Activity? _activity;
    private readonly long _start;
    private readonly bool _isClient;

    private RpcSpan(ServiceMember member, Activity? activity, bool isClient)
    {
        _member = member;
        _activity = activity;
        _isClient = isClient;
        _start = (isClient ? s_clientDuration : s_serverDuration).Enabled ? Stopwatch.GetTimestamp() : 0;
    }

    /// <summary>Whether anybody would like to know the trace that a request belongs to.</summary>
    public static bool IsTracing => s_source.HasListeners();

    /// <summary>What is traced here, and becomes the parent of what is done inside; null if nothing.</summary>
    public Activity? Activity => _activity;

    /// <summary>A call begins, at its caller. The current activity is left as it is.</summary>
    public static RpcSpan StartClient(ServiceMember member)
    {
        if (!IsTracing)
            return new RpcSpan(member, null, isClient: true);
        Activity? outer = Activity.Current;
        Activity? activity = Start(member, ActivityKind.Client, default);
        Activity.Current = outer;
        return new RpcSpan(member, activity, isClient: true);
    }

    /// <summary>A service begins to work at a call. What it started is the current activity until <see cref="Leave"/>.</summary>
    public static RpcSpan StartServer(ServiceMember member, ActivityContext parent) =>
        new(member, IsTracing ? Start(member, ActivityKind.Server, parent) : null, isClient: false);

    /// <summary>The thread goes on to something else.</summary>
    public void Leave()
    {
        if (_activity is not null && Activity.Current == _activity)
            Activity.Current = null;
    }

    /// <summary>The call is over.</summary>
    /// <param name="error">Name of the error or type of the exception it ended with; null if it did well.</param>
    /// <param name="text">What it said.</param>
    public void End(string? error = null, string? text = null)
    {
        if (_member is null)
            return;
        Histogram<double> duration = _isClient ? s_clientDuration : s_serverDuration;
        if (_start != 0)
        {
            TagList tags = TagsOf(_member, error);
            duration.Record(Stopwatch.GetElapsedTime(_start).TotalSeconds, tags);
        }
        if (error is not null && s_errors.Enabled)
        {
            TagList tags = TagsOf(_member, error);
            s_errors.Add(1, tags);
        }
        if (_activity is null)
            return;
        if (error is not null)
        {
            _activity.SetTag("error.type", error);
            _activity.SetStatus(ActivityStatusCode.Error, text);
        }
        _activity.Stop();
    }

    /// <summary>The call is over, with an exception.</summary>
    public void End(Exception fault) => End(fault is PeerFailedException failure ? failure.ErrorName : fault.GetType().FullName, fault.Message);

    private static Activity? Start(ServiceMember member, ActivityKind kind, ActivityContext parent)
    {
        Activity? activity = s_source.StartActivity(member.FullName, kind, parent);
        activity?.SetTag("rpc.system", "kdbus").SetTag("rpc.service", member.Interface).SetTag("rpc.method", member.Name);
        return activity;
    }

    private static TagList TagsOf(ServiceMember member, string? error)
    {
        TagList tags = new() { { "rpc.system", "kdbus" }, { "rpc.service", member.Interface }, { "rpc.method", member.Name } };
        if (error is not null)
            tags.Add("error.type", error);
        return tags;
    }
}
