using Kdbus.Daemon.Cli;

namespace Kdbus.Daemon.Tests;

/// <summary>
/// <c>kdbusfs run</c> and a program that has nothing to do with any bus: it is as if it had been started by itself. Programs that wait do so
/// while the directory of the test is there, so that none outlives it.
/// </summary>
public sealed class RunTests : IDisposable
{
    private static readonly string s_programs = AppContext.BaseDirectory.TrimEnd('/');

    private readonly Workplace _here = new();

    public RunTests() => Assert.SkipUnless(_here.Kdbusfs("run", "true").Code == 0, "this kernel does not allow system calls to be supervised");

    public void Dispose() => _here.Dispose();

    private void Same(string script)
    {
        Outcome alone = _here.Shell(script.Replace("RUN ", "", StringComparison.Ordinal));
        Outcome run = _here.Shell(script.Replace("RUN ", "$K run ", StringComparison.Ordinal));
        Assert.Equal(0, alone.Code);
        Assert.Equal((alone.Code, alone.Text), (run.Code, run.Text));
    }

    [Fact]
    public void The_exit_code_is_that_of_the_program()
    {
        Assert.Equal((0, "out\n"), Seen(_here.Kdbusfs("run", "echo", "out")));
        Assert.Equal(7, _here.Kdbusfs("run", "--", "sh", "-c", "exit 7").Code);
        Assert.Equal(128 + 9, _here.Kdbusfs("run", "sh", "-c", "kill -KILL $$").Code);
        Assert.Equal(128 + 15, _here.Kdbusfs("run", "sh", "-c", "kill -TERM $$").Code);
    }

    [Fact]
    public void A_program_that_cannot_be_run_is_126_or_127()
    {
        Assert.Equal(
            (ExitCode.NotFound, "kdbusfs: cannot run 'no-such-program': No such file or directory (errno 2)\n"),
            Seen(_here.Kdbusfs("run", "no-such-program")));
        Assert.Equal(
            (ExitCode.NotExecutable, "kdbusfs: cannot run '/etc/passwd': Permission denied (errno 13)\n"),
            Seen(_here.Kdbusfs("run", "/etc/passwd")));
    }

    [Fact]
    public void A_wrong_command_line_is_64()
    {
        Assert.Equal(ExitCode.Usage, _here.Kdbusfs("run").Code);
        Assert.Equal(
            (ExitCode.Usage, "kdbusfs: a program to run is needed\n  usage: kdbusfs run [--] PROGRAM [ARGS...]\n"), Seen(_here.Kdbusfs("run", "--")));
        Assert.Equal(
            (ExitCode.Usage, "kdbusfs: unknown option '--bogus'\n  see kdbusfs run --help\n"), Seen(_here.Kdbusfs("run", "--bogus", "true")));
        Assert.Equal(ExitCode.Usage, _here.Kdbusfs("run-trapped", "true").Code);
    }

    [Fact]
    public void Help_says_what_it_does_and_options_of_the_program_are_its_own()
    {
        Outcome help = _here.Kdbusfs("run", "--help");
        Assert.Equal(0, help.Code);
        Assert.Contains("set-user-ID", help.Text, StringComparison.Ordinal);
        Assert.Contains("  127  run: ", help.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Mount options", help.Text, StringComparison.Ordinal);
        Assert.Contains("run <PROGRAM>", _here.Kdbusfs("--help").Text, StringComparison.Ordinal);
        Assert.DoesNotContain("run-trapped", _here.Kdbusfs("--help").Text, StringComparison.Ordinal);
        Assert.Equal((0, "--help -o -- x\n"), Seen(_here.Kdbusfs("run", "echo", "--help", "-o", "--", "x")));
    }

    [Fact]
    public void The_program_is_looked_for_in_the_path()
        => Assert.Equal(
            (3, "found\n"),
            Seen(_here.Shell("mkdir $T/bin; printf '#!/bin/sh\\necho found; exit 3' > $T/bin/own; chmod +x $T/bin/own; PATH=$T/bin:$PATH $K run own")));

    [Fact]
    public void Arguments_and_environment_are_the_same_bytes()
    {
        Same("export X=$(printf 'a\\377b') Y= 'Z= \"'; RUN env | sort | od -c");
        Same("RUN printf '<%s>' \"$(printf 'a\\377b')\" '' ' x ' -- | od -c");
    }

    [Fact]
    public void Descriptors_are_those_it_is_given()
    {
        // The list itself takes one.
        Same("RUN ls /proc/self/fd");
        Same("exec 5>$T/five 9<$T; RUN sh -c 'ls /proc/self/fd; echo x >&5'; cat $T/five");
        Same("RUN sh -c 'exec 0<&-; ls /proc/self/fd' <&-");
        Same("echo in | RUN cat");
    }

    [Fact]
    public void Signals_directory_and_process_group_are_as_they_were()
    {
        // Two signals are the C library's own, and it does with them as it likes.
        const string Masks = "RUN sh -c 'grep SigBlk /proc/self/status; ignored=0x$(sed -n s/^SigIgn:.//p /proc/self/status); "
            + "printf %x $((ignored & ~0x180000000))'";
        Same(Masks);
        Same("trap '' HUP USR1 35; " + Masks);
        Same("cd /usr; RUN pwd");
        Assert.Equal(
            (0, "same group\n"),
            Seen(_here.Shell("$K run sh -c 'set -- $(cat /proc/$PPID/stat) $(cat /proc/$$/stat); test $5 = ${57} && echo same group'")));
    }

    [Fact]
    public void A_signal_to_the_command_goes_to_the_program()
    {
        Outcome outcome = _here.Shell(
            """
            $K run sh -c 'trap "> $T/usr1" USR1; trap "> $T/usr2" USR2; trap "> $T/hup" HUP; trap "exit 5" TERM
                > $T/ready; while [ -e $T ]; do sleep 0.02; done' &
            wait_for() { while ! [ -e $T/$1 ]; do sleep 0.02; done; }
            wait_for ready
            for signal in usr1 usr2 hup; do kill -$signal $!; wait_for $signal; done
            kill -TERM $!; wait $!; echo $?
            """);
        Assert.Equal((0, "5\n"), Seen(outcome));
    }

    [Fact]
    public void What_the_terminal_sends_to_the_group_is_for_the_program()
    {
        Outcome outcome = _here.Shell(
            """
            ulimit -c 0
            for signal in INT QUIT; do
                rm -f $T/ready
                env --default-signal=$signal setsid $K run sh -c "trap 'echo $signal; sleep 0.2; exit 6' $signal; > $T/ready; while [ -e $T ]; do sleep 0.02; done" 2> /dev/null &
                while ! [ -e $T/ready ]; do sleep 0.02; done
                kill -$signal -$!; wait $!; echo $?
            done
            """);
        Assert.Equal((0, "INT\n6\nQUIT\n6\n"), Seen(outcome));
    }

    [Fact]
    public void It_ends_when_all_descendants_have_ended()
        => Assert.Equal((0, "later\n4\n"), Seen(_here.Shell("$K run sh -c '(sleep 0.5; echo later) & exit 4'; echo $?")));

    [Fact]
    public void When_only_descendants_are_left_a_signal_ends_it()
    {
        Outcome outcome = _here.Shell(
            """
            $K run sh -c 'while [ -e $T ]; do sleep 0.02; done & echo $! > $T/pid; exit 4' &
            while ! [ -s $T/pid ]; do sleep 0.02; done
            until grep -q "^PPid:.$!\$" /proc/$(cat $T/pid)/status; do sleep 0.02; done
            kill -TERM $!; wait $!; echo $?; kill $(cat $T/pid)
            """);
        Assert.Equal((0, "4\n"), Seen(outcome));
    }

    [Fact]
    public void Inside_another_one_it_only_starts_the_program()
        => Assert.Equal(
            (3, "Seccomp_filters:\t1\n"), Seen(_here.Shell("$K run $K run sh -c 'grep Seccomp_filters /proc/self/status; exit 3'")));

    [Fact]
    public void Where_somebody_else_supervises_it_refuses()
    {
        Outcome outcome = _here.Shell(s_programs + "/supervised $K run true");
        Assert.Equal(ExitCode.NotPermitted, outcome.Code);
        Assert.StartsWith("kdbusfs: another program supervises the system calls of this process already", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void If_it_is_killed_the_commands_are_not_there_any_more()
    {
        Outcome outcome = _here.Shell(
            "$K run " + s_programs + "/carry . alone > $T/run & while ! [ -s $T/run ]; do sleep 0.02; done; "
            + "kill -KILL $!; wait $! 2> /dev/null; until grep alone $T/run; do sleep 0.02; done");
        Assert.Equal((0, "alone: ENOSYS\n"), Seen(outcome));
    }

    [Fact]
    public void Privileges_are_taken_only_from_who_must_give_them()
    {
        Workplace.SkipUnlessRootWithFuse();
        const string AsUser = "setpriv --reuid 65534 --regid 65534 --clear-groups ";
        Assert.Equal((0, "NoNewPrivs:\t0\n"), Seen(_here.Shell("$K run grep NoNewPrivs /proc/self/status")));
        Assert.Equal((0, "NoNewPrivs:\t1\n"), Seen(_here.Shell(AsUser + "$K run grep NoNewPrivs /proc/self/status")));
        Assert.Equal(128 + 10, _here.Shell(AsUser + "$K run sh -c 'kill -USR1 $$'").Code);
    }

    private static (int Code, string Text) Seen(Outcome outcome) => (outcome.Code, outcome.Text);
}
