using Kdbus.Abi;

namespace Kdbus.Cli;

/// <summary>Why something is allowed or denied.</summary>
internal enum Ground
{
    /// <summary>Who asks owns the bus or has CAP_IPC_OWNER.</summary>
    Privileged,

    /// <summary>Both are of the same user.</summary>
    SameUser,

    /// <summary>An entry gives it, or gives too little.</summary>
    Entry,

    /// <summary>No entry is about it.</summary>
    NoEntry,

    /// <summary>The receiver owns no name, so there is nothing to have an entry for.</summary>
    NoName,

    /// <summary>Nothing on this endpoint is hidden.</summary>
    NothingHidden,
}

/// <summary>One of the questions that decide, and its answer.</summary>
/// <param name="Book">Whose policy it is about.</param>
/// <param name="Allows">The answer.</param>
/// <param name="Ground">Why.</param>
/// <param name="Answer">What the policy says, if it was asked: of the name that allows it, or of all that do not.</param>
internal sealed record Step(PolicyBook Book, bool Allows, Ground Ground, params IReadOnlyList<PolicyAnswer> Answer);

/// <summary>
/// Whether the bus would let somebody do something, and why: what a custom endpoint does not grant nobody does through it; what the bus does not grant only the privileged do, and users
/// among themselves.
/// </summary>
/// <param name="Steps">What was asked, in turn; the first no decides.</param>
internal sealed record Verdict(IReadOnlyList<Step> Steps)
{
    /// <summary>Whether it is allowed.</summary>
    public bool Allows => Steps.All(static step => step.Allows);

    /// <summary>What decided: the first no, or the last yes.</summary>
    public Step Decisive => Steps.FirstOrDefault(static step => !step.Allows) ?? Steps[^1];

    /// <summary>May it own a name?</summary>
    /// <param name="asker">Who.</param>
    /// <param name="endpoint">The policy of the custom endpoint it comes through; null: it comes through the default one.</param>
    /// <param name="bus">That of the bus.</param>
    /// <param name="name">The name.</param>
    public static Verdict Own(Asker asker, PolicyBook? endpoint, PolicyBook bus, string name) =>
        InTurn(Of(asker, endpoint, PolicyAccessLevel.Own, [name]), () => Privilege(asker, endpoint, bus) ?? Of(asker, bus, PolicyAccessLevel.Own, [name])!);

    /// <summary>May it talk to a connection? One of all names of that one has to allow it, whichever is used.</summary>
    /// <param name="asker">Who.</param>
    /// <param name="endpoint">The policy of the custom endpoint it comes through; null: it comes through the default one.</param>
    /// <param name="bus">That of the bus.</param>
    /// <param name="owner">Real user of the receiver; null if nobody knows.</param>
    /// <param name="names">The names the receiver owns.</param>
    public static Verdict Talk(Asker asker, PolicyBook? endpoint, PolicyBook bus, uint? owner, IReadOnlyList<string> names) => InTurn(
        Of(asker, endpoint, PolicyAccessLevel.Talk, names),
        () => Privilege(asker, endpoint, bus) ?? (owner == asker.Uid ? new Step(bus, true, Ground.SameUser) : Of(asker, bus, PolicyAccessLevel.Talk, names)!));

    /// <summary>May it see one of these names, of a connection all?</summary>
    public static Verdict See(Asker asker, PolicyBook? endpoint, PolicyBook bus, IReadOnlyList<string> names) =>
        new([Of(asker, endpoint, PolicyAccessLevel.See, names) ?? new Step(bus, true, Ground.NothingHidden)]);

    private static Verdict InTurn(Step? endpoint, Func<Step> bus) => endpoint is null ? new([bus()]) : endpoint.Allows ? new([endpoint, bus()]) : new([endpoint]);

    // On a custom endpoint nobody is privileged.
    private static Step? Privilege(Asker asker, PolicyBook? endpoint, PolicyBook bus) => asker.IsPrivileged && endpoint is null ? new Step(bus, true, Ground.Privileged) : null;

    private static Step? Of(Asker asker, PolicyBook? book, PolicyAccessLevel level, IReadOnlyList<string> names)
    {
        if (book is null)
            return null;
        PolicyAnswer[] answers = [.. names.Select(name => book.Ask(asker, name))];
        if (answers.FirstOrDefault(answer => answer.Gives(level)) is { } given)
            return new Step(book, true, Ground.Entry, given);
        Ground ground = names.Count == 0 ? Ground.NoName : Array.Exists(answers, static answer => answer.Entry is not null) ? Ground.Entry : Ground.NoEntry;
        return new Step(book, false, ground, answers);
    }
}
