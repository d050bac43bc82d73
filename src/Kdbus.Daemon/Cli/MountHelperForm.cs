namespace Kdbus.Daemon.Cli;

/// <summary>
/// The two command lines that others dictate: mount(8) calls <c>/sbin/mount.fuse.kdbusfs SOURCE DIR [-sfnv] [-N NS] [-o OPTIONS] [-t
/// TYPE]</c>, and libfuse's mount.fuse3 calls <c>kdbusfs SOURCE DIR -o OPTIONS</c>. In the first -f means fake; in the second, as for every
/// libfuse program, foreground.
/// </summary>
public static class MountHelperForm
{
    private static readonly string[] s_commands = ["mount", "unmount", RunForm.Command, Running.TrappedStart.Command];

    /// <summary>Whether a command line has one of these forms.</summary>
    /// <param name="programName">The name the program was called by, argv[0].</param>
    /// <param name="arguments">The arguments after it.</param>
    public static bool Applies(string programName, IReadOnlyList<string> arguments)
        => IsMountProgram(programName)
            || (arguments is [var source, var directory, ..] && source is not ("" or ['-', ..]) && directory is not ("" or ['-', ..])
                && !s_commands.Contains(source, StringComparer.Ordinal)
                && arguments.Any(static argument => argument is ['-', 'o', ..]));

    /// <summary>Reads such a command line.</summary>
    /// <param name="programName">The name the program was called by, argv[0].</param>
    /// <param name="arguments">The arguments after it.</param>
    /// <param name="request">The result, if null is returned.</param>
    public static Failure? Parse(string programName, IReadOnlyList<string> arguments, out MountRequest? request)
    {
        request = null;
        bool byMount = IsMountProgram(programName);
        var positional = new List<string>();
        var lists = new List<string>();
        bool fake = false, foreground = false, debug = false, ignoreUnknown = false, optionsEnded = false;
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (optionsEnded || argument.Length < 2 || argument[0] != '-')
            {
                positional.Add(argument);
                continue;
            }
            if (argument == "--")
            {
                optionsEnded = true;
                continue;
            }
            for (int at = 1; at < argument.Length; at++)
            {
                char letter = argument[at];
                if (letter is 'o' or 't' or 'N')
                {
                    // The value is the rest of the word, or the next word.
                    string? value = at + 1 < argument.Length ? argument[(at + 1)..] : i + 1 < arguments.Count ? arguments[++i] : null;
                    if (value is null)
                        return new Failure(ExitCode.Usage, $"option -{letter} needs a value");
                    if (letter == 'o')
                        lists.Add(value);
                    else if (letter == 'N')
                        return new Failure(ExitCode.Usage, "option -N: another mount namespace is entered with nsenter(1)");
                    else if (value is not (Mounting.MountPoint.FileSystemType or "kdbusfs"))
                        return new Failure(ExitCode.Usage, $"option -t: the type is '{value}', not {Mounting.MountPoint.FileSystemType}");
                    break;
                }
                switch (letter)
                {
                    case 'f' when byMount:
                        fake = true;
                        break;
                    case 'f':
                        foreground = true;
                        break;
                    case 'd' when !byMount:
                        debug = foreground = true;
                        break;
                    case 's':
                        ignoreUnknown = byMount;
                        break;
                    case 'n' or 'v' when byMount:
                        break;
                    default:
                        return new Failure(ExitCode.Usage, $"unknown option '-{letter}'");
                }
            }
        }
        if (positional.Count != 2)
        {
            return new Failure(
                ExitCode.Usage,
                positional.Count < 2 ? "a source and a directory are needed" : $"unexpected argument '{positional[2]}'",
                $"usage: {Path.GetFileName(programName)} SOURCE DIR [-o OPTIONS]");
        }
        // The source comes first, so that fsname= among the options wins.
        if (positional[0].Length > 0)
            lists.Insert(0, "fsname=" + MountOptions.Escape(positional[0]));
        request = new MountRequest
        {
            Directory = positional[1],
            OptionLists = lists,
            Foreground = foreground,
            Debug = debug,
            Fake = fake,
            IgnoreUnknownOptions = ignoreUnknown,
        };
        return null;
    }

    private static bool IsMountProgram(string programName) => Path.GetFileName(programName).StartsWith("mount.", StringComparison.Ordinal);
}
