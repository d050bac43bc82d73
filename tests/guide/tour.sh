#!/usr/bin/env bash
# tests/guide/tour.sh [--write] GUIDE KDBUSFS PROGRAMS: runs the tour of a guide, and compares what its commands print with what the
# guide shows. KDBUSFS is the daemon, PROGRAMS a directory of other programs that the guide uses. With --write the guide is rewritten
# to show what the commands print now. Needs root.
#
# A command is a line of a ```console block that begins with "$ "; what it prints stands below it. All commands run in one shell, in
# a directory of their own.
#   - A command that ends in `> FILE & NAME=$!` runs on. The next one waits until it has written a line: all ours do when they are ready.
#   - `cat FILE` is repeated until it prints what the guide shows, at most half a minute: what a program in the background has
#     received it may print a moment later. Nothing else depends on time.
#   - Of a shown line that ends in `...` only what is before that has to be printed; after a line `...` anything may be.
#   - Connection ids are the numbers from 2 on, outside of quotes. They need not be those of the guide, but the same number in
#     the guide has to be the same number here, and different numbers different ones. `kdbusfs mount` and `kdbusctl mount` begin a new domain, and new ids.
#
# It lives in a process and a mount namespace of its own. When it ends, however it ends, the kernel ends every process and mount in
# them; what is left then is a directory, which the caller named in $TMPDIR.
set -uo pipefail
if [[ ${GUIDE_TOUR_INSIDE-} != yes ]]; then
    export GUIDE_TOUR_INSIDE=yes
    exec unshare --mount --pid --fork --kill-child=KILL --mount-proc bash "${BASH_SOURCE[0]}" "$@"
fi

write=no
if [[ ${1-} == --write ]]; then
    write=yes
    shift
fi
[[ $# -eq 3 ]] || { echo 'usage: tests/guide/tour.sh [--write] GUIDE KDBUSFS PROGRAMS' >&2; exit 2; }
guide=$(realpath "$1")
place=$(mktemp -d)
trap 'cd /; umount -l "$place"/tour/*/ 2>/dev/null; rm -rf --one-file-system "$place"' EXIT

umask 022
# Domains of the machine are not seen here.
while read -r mounted; do umount -l "$mounted"; done < <(awk '/ - fuse\.kdbusfs / { print $5 }' /proc/self/mountinfo)
# What a guide makes in /run and at home is not there for others.
mount -t tmpfs tmpfs /run && export HOME=$place/tour || exit 2
# Programs are called by their names and by other users too.
chmod 755 "$place"
mkdir "$place/tour" "$place/programs" "$place/log"
find "$(realpath "$3")" -maxdepth 1 -type f -executable -exec cp -t "$place/programs" {} + && ln -sf "$(realpath "$2")" "$place/programs/kdbusfs" || exit 2
PATH=$place/programs:$PATH
log=$place/log
cd "$place/tour" || exit 2
: >"$log/ids"

# is_as_shown: compares $log/output with $log/shown, and remembers in $log/ids which number of the guide is which number here.
is_as_shown() {
    awk -v ids="$log/ids" -v learned="$log/ids.new" '
        # The line with every id replaced by a mark; the ids themselves in found[1..n].
        function split_ids(line, found,    plain, quoted, id, n) {
            n = 0; plain = ""; quoted = 0
            while (line != "") {
                if (!quoted && match(line, /^[0-9]+/)) {
                    id = substr(line, 1, RLENGTH) + 0
                    if (id > 1 && plain !~ /[A-Za-z0-9_=.-]$/) { found[++n] = id; id = "<id>" }
                    plain = plain id
                    line = substr(line, RLENGTH + 1)
                } else {
                    if (substr(line, 1, 1) == "\"") quoted = !quoted
                    plain = plain substr(line, 1, 1)
                    line = substr(line, 2)
                }
            }
            count = n
            return plain
        }
        BEGIN { while ((getline line < ids) > 0) { split(line, pair, " "); here[pair[1]] = pair[2]; there[pair[2]] = pair[1] } }
        FILENAME == ARGV[1] { shown[FNR] = $0; lines = FNR; next }
        {
            if (free || shown[FNR] == "...") { free = 1; seen = lines; next }
            if (FNR <= lines && shown[FNR] ~ /\.\.\.$/) {
                # What is not told may be anything, ids too.
                start = length(shown[FNR]) - 3
                shown[FNR] = substr(shown[FNR], 1, start)
                $0 = substr($0, 1, start)
            }
            expected = split_ids(shown[FNR], guide_ids); n = count
            if (FNR > lines || expected != split_ids($0, own_ids) || n != count) { bad = 1; exit }
            for (i = 1; i <= n; i++) {
                g = guide_ids[i]; o = own_ids[i]
                if ((g in here) && here[g] != o || (o in there) && there[o] != g) { bad = 1; exit }
                here[g] = o; there[o] = g
            }
            seen = FNR
        }
        END {
            if (shown[seen + 1] == "...") seen = lines
            if (bad || seen + 0 != lines + 0) exit 1
            printf "" > learned
            for (g in here) print g, here[g] > learned
        }' "$log/shown" "$log/output" && mv "$log/ids.new" "$log/ids"
}

# run_one COMMAND: runs it in this shell; what it prints is in $log/output.
run_one() {
    local file tries=0
    eval "$1" >"$log/output" 2>&1 </dev/null
    if [[ $1 =~ \>\ ([a-z0-9.]+)(\ 2\>\&1)?\ \&\ [a-z0-9]+=\$!$ ]]; then
        file=${BASH_REMATCH[1]}
        until [[ -s $file ]] || ((++tries > 1500)); do sleep 0.02; done
    elif [[ $1 == 'cat '* && $write == no ]]; then
        until is_as_shown || ((++tries > 300)); do
            sleep 0.1
            eval "$1" >"$log/output" 2>&1
        done
    elif [[ $1 == 'cat '* ]]; then
        sleep 1
        eval "$1" >"$log/output" 2>&1
    fi
}

failed=0 commands=0

# check COMMAND LINE: runs a command whose output the guide shows as in $log/shown.
check() {
    run_one "$1"
    if [[ $1 =~ kdbus(fs|ctl)\ mount\  ]]; then : >"$log/ids"; fi
    commands=$((commands + 1))
    if [[ $write == yes ]]; then
        cat "$log/output" >>"$log/guide"
    elif ! is_as_shown; then
        failed=$((failed + 1))
        printf '%s:%d: $ %s\nthe guide shows:\n' "$guide" "$2" "$1"
        sed 's/^/    /' "$log/shown"
        echo 'it prints:'
        sed 's/^/    /' "$log/output"
    fi
}

inside=no command='' command_line=0 number=0
finish_command() {
    [[ -z $command ]] || check "$command" "$command_line"
    command=''
    : >"$log/shown"
}

: >"$log/shown" >"$log/guide"
while IFS= read -r line <&3; do
    number=$((number + 1))
    if [[ $inside == yes && ($line == '$ '* || $line == '```') ]]; then
        finish_command
        if [[ $line == '```' ]]; then inside=no; else command=${line#'$ '} command_line=$number; fi
    elif [[ $inside == yes ]]; then
        printf '%s\n' "$line" >>"$log/shown"
        continue
    elif [[ $line == '```console' ]]; then
        inside=yes
    fi
    printf '%s\n' "$line" >>"$log/guide"
done 3<"$guide"

if [[ $write == yes ]]; then
    cat "$log/guide" >"$guide"
    exit 0
fi
echo "$commands commands, $failed of them did not print what the guide shows"
((failed == 0 && commands > 0))
