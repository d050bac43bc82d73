namespace Kdbus.Daemon.Cli;

/// <summary>What <c>kdbusfs run --help</c> says.</summary>
internal static class RunHelp
{
    internal const string Text = """
        Run a program so that it gets the descriptors of messages.

        The file system alone cannot put descriptors into a program: they come as -1. A program that is run by this command, and whatever it
        starts, gets those of the messages that it receives with RECV, and of the replies to its synchronous calls. The program need not know of it.
        Any user can use it; without CAP_SYS_ADMIN the program gets no_new_privs, so set-user-ID programs that it starts get no privileges.
        It ends when the program and all that it has started have ended.

        Programs go on as if they had not been run by it, and get -1 for descriptors, if they are 32-bit programs, if they run as another
        user than this command does and that is not root, cannot be traced (PR_SET_DUMPABLE), or are in a pid namespace that is not visible from
        here. Refused: where another program supervises system calls already (some container managers), and on kernels before Linux 5.19. A 'kdbusfs run'
        inside another one only starts the program.
        """;
}
