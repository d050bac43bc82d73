namespace Kdbus.Cli;

/// <summary>
/// Scripts for shells. Each asks the program itself, by the directive <c>[suggest:POSITION] LINE</c> of System.CommandLine, and falls back to names of files
/// where nothing is offered.
/// </summary>
internal static class ShellScripts
{
    // What the line begins with may be a path; the program knows itself by its name.
    private const string Bash = """
        # bash completion of kdbusctl: source <(kdbusctl completion bash)
        _kdbusctl() {
            local IFS=$'\n' word=${COMP_WORDS[COMP_CWORD]} line
            line="kdbusctl${COMP_LINE#"${COMP_WORDS[0]}"}"
            COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$((COMP_POINT - ${#COMP_WORDS[0]} + 8))]" "$line" 2>/dev/null)" -- "$word"))
        }
        complete -o bashdefault -o default -F _kdbusctl kdbusctl

        """;

    private const string Zsh = """
        #compdef kdbusctl
        # zsh completion of kdbusctl: source <(kdbusctl completion zsh), or as a file _kdbusctl in $fpath
        _kdbusctl() {
            local line="kdbusctl ${(j: :)words[2,CURRENT]}"
            local -a offered
            offered=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null)}")
            offered=(${offered:#})
            if (( ${#offered} )); then
                compadd -- $offered
            else
                _files
            fi
        }
        compdef _kdbusctl kdbusctl

        """;

    private const string Fish = """
        # fish completion of kdbusctl: kdbusctl completion fish | source
        function __kdbusctl_offer
            set -l words (commandline --cut-at-cursor --tokenize) (commandline --current-token --cut-at-cursor)
            set -l line "kdbusctl "(string join ' ' -- $words[2..-1])
            set -l offered (kdbusctl "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null)
            if test (count $offered) -gt 0
                printf '%s\n' $offered
            else
                __fish_complete_path (commandline --current-token)
            end
        end
        complete --command kdbusctl --no-files --arguments '(__kdbusctl_offer)'

        """;

    /// <summary>The script of a shell.</summary>
    public static string For(string shell) => shell switch
    {
        "zsh" => Zsh,
        "fish" => Fish,
        _ => Bash,
    };
}
