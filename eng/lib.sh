# shellcheck shell=bash disable=SC2034,SC2154
# What the commands of this repository share: saying things, steps with progress, the files and processes of a running domain.
# Sourced with `set -euo pipefail` in force and $root set to the top of the repository. (What looks unused is used by who sources it.)

# Exit codes of ./run, ./test and bench/run besides 1 (something failed) and 2 (wrong arguments).
readonly EXIT_NO_SDK=10         # no .NET SDK, or an older one than 10
readonly EXIT_NO_FUSE=11        # /dev/fuse is missing or may not be opened
readonly EXIT_NO_MOUNT=12       # neither root nor fusermount3
readonly EXIT_NO_TOOLS=13       # a compiler or library is missing and cannot be installed from here

readonly artifacts="$root/artifacts"
readonly daemon="$artifacts/kdbusfs/kdbusfs"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1

if [[ -t 1 ]]; then
    readonly bold=$'\e[1m' plain=$'\e[0m'
else
    readonly bold='' plain=''
fi

say() { printf '%s\n' "$*"; }
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# fail CODE TEXT...: says what is wrong and what to do about it, one argument a line, and ends the script.
fail() {
    local code=$1
    shift
    printf 'error: %s\n' "$1" >&2
    shift
    (($#)) && printf '       %s\n' "$@" >&2
    exit "$code"
}

# A step runs in the background, where an interrupt from the terminal does not reach it.
step_pid='' step_log=''
interrupted() {
    [[ -z $step_pid ]] || kill -TERM "$step_pid" 2>/dev/null || true
    [[ -z $step_log ]] || rm -f "$step_log"
    exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM

# step TEXT COMMAND...: runs a command that takes a while, tells every ten seconds (after a minute every thirty) that it is still
# running, and shows what it wrote only if it fails.
step() {
    local text=$1 status=0 started=$SECONDS told=$SECONDS
    shift
    step_log=$(mktemp "${TMPDIR:-/tmp}/kdbusfs-step.XXXXXX")
    printf '  %s ...\n' "$text"
    "$@" >"$step_log" 2>&1 </dev/null &
    step_pid=$!
    until is_gone "$step_pid"; do
        sleep 0.1
        ((SECONDS - told < (SECONDS - started < 60 ? 10 : 30))) && continue
        told=$SECONDS
        printf '  %s ... %d s\n' "$text" $((SECONDS - started))
    done
    wait "$step_pid" || status=$?
    step_pid=''
    if ((status)); then
        tail -n 60 "$step_log" >&2
        rm -f "$step_log"
        printf 'error: %s: failed with exit code %d\n' "$text" "$status" >&2
        return "$status"
    fi
    rm -f "$step_log"
    printf '  %s: done (%d s)\n' "$text" $((SECONDS - started))
}

# The mounts below a directory, deepest first, one a line. mountinfo(5) writes a blank in a path as \040.
mounts_below() {
    awk -v below="$1/" '{ point = $5; gsub(/\\040/, " ", point) } index(point, below) == 1 { print point }' /proc/self/mountinfo | sort -r
}

# unmount DIR: the last resort, for when the daemon did not do it.
unmount() {
    if ((EUID == 0)); then umount -l "$1"; else fusermount3 -u -z "$1"; fi
}

# wait_until SECONDS COMMAND...: true as soon as the command is; false when the time is over.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.02
    done
}

is_gone() { ! kill -0 "$1" 2>/dev/null; }

# stop PID [PATIENCE]: asks a child to end, and makes it after some seconds (10) of patience.
stop() {
    kill -TERM "$1" 2>/dev/null || true
    if ! wait_until "${2:-10}" is_gone "$1"; then
        say "process $1 did not end when asked; killed" >&2
        kill -KILL "$1" 2>/dev/null || true
    fi
    wait "$1" 2>/dev/null || true
}
