namespace Kdbus.Engine.Processes;

/// <summary>Facts about who calls; each costs whoever finds it out.</summary>
[Flags]
public enum CallerFacts
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>The ids and the process.</summary>
    Ids = 1,
    /// <summary>The ids and the supplementary groups.</summary>
    Groups = Ids | 2,
    /// <summary>The ids and how the caller's user namespace names them.</summary>
    Maps = Ids | 4,
    /// <summary><see cref="ReaderView.UserNamespace"/> and <see cref="ReaderView.Maps"/>.</summary>
    UserNamespace = 8,
    /// <summary><see cref="ReaderView.PidNamespace"/>.</summary>
    PidNamespace = 16,
    /// <summary><see cref="ReaderView.Root"/>.</summary>
    Root = 32,
    /// <summary>All of the <see cref="ReaderView"/>.</summary>
    View = UserNamespace | PidNamespace | Root,
}
