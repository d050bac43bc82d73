using System.Text.Json.Nodes;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl doctor</c>: what works here, what does not, and what to do.</summary>
internal static class DoctorCommand
{
    private static readonly Sheet<Finding> s_sheet = new Sheet<Finding>()
        .Column("WHAT", "what", static finding => Cell.Of(finding.What))
        .Column("STATE", "state", static finding => Cell.Of(Word(finding.Health), Style(finding.Health)))
        .Column("DETAIL", "detail", static finding => Cell.Of(finding.Detail));

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Command command = new("doctor", "Say what of kdbusfs works on this machine for you, what does not, and what to do. Exit code 1: a domain cannot be mounted.") { CommonOptions.Json, CommonOptions.Color };
        Invocation.SetAction(command, static invocation => Task.FromResult(Tell(invocation.Output, Checks.All(new Machine()))));
        return command;
    }

    /// <summary>Shows what was found; the exit code.</summary>
    internal static int Tell(Output output, IReadOnlyList<Finding> findings)
    {
        bool canMount = !findings.Any(static finding => finding is { IsNeeded: true, Health: Health.Missing });
        if (output.IsJson)
        {
            output.Json(new JsonObject
            {
                ["canMount"] = canMount,
                ["findings"] = new JsonArray([.. findings.Select(static finding =>
                {
                    JsonObject row = s_sheet.ToJson(finding);
                    row["needed"] = finding.IsNeeded;
                    row["advice"] = finding.Health == Health.Ok ? null : finding.Advice;
                    return (JsonNode?)row;
                })]),
            });
            return canMount ? ExitCode.Success : ExitCode.No;
        }
        output.Write(s_sheet, findings);
        Finding[] unwell = [.. findings.Where(static finding => finding is { Health: not Health.Ok, Advice: not null })];
        if (unwell.Length > 0)
            output.Line();
        foreach (Finding finding in unwell)
        {
            output.Part($"{Escaped.Text(finding.What)}: ", Style(finding.Health));
            output.Line(Escaped.Text(finding.Advice));
        }
        output.Line();
        output.Line(canMount ? "A domain can be mounted here." : "No domain can be mounted here.", canMount ? "green" : "red");
        return canMount ? ExitCode.Success : ExitCode.No;
    }

    private static string Word(Health health) => health switch { Health.Ok => "ok", Health.Limited => "limited", _ => "missing" };

    private static string Style(Health health) => health switch { Health.Ok => "green", Health.Limited => "yellow", _ => "red" };
}
