#!/usr/bin/env bash
# ./test [--fast] [--filter TEXT]: sets up what is missing, builds everything with warnings as errors, and runs all tests.
#   --fast         leaves out the tests marked as slow
#   --filter TEXT  only tests whose full name (namespace, class, method) contains TEXT
# The last line says how many tests passed, failed and were skipped, of all projects together. It is a failure if a test fails, if
# none runs, if a project ends without a report, or if a mount or a process is left behind.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=lib.sh
source "$root/eng/lib.sh"

filter='' fast=no
while (($#)); do
    case $1 in
    --fast) fast=yes ;;
    --filter)
        [[ -n ${2-} ]] || fail 2 '--filter needs a text.'
        filter=$2
        shift
        ;;
    *) fail 2 "unknown argument: $1" 'usage: ./test [--fast] [--filter TEXT]' ;;
    esac
    shift
done

# What tests start inherits this mark, and what they make in the file system they make below $TMPDIR: so all of it can be found.
readonly mark="KDBUSFS_TEST_RUN=$$-$EPOCHSECONDS"

# Processes that carry the mark, one pid a line.
marked_processes() {
    grep -lzFx -e "$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 || true
}

# Files below $TMPDIR, except what the .NET runtime leaves there for debuggers when a process is killed.
left_files() {
    find "$TMPDIR" -xdev -mindepth 1 -maxdepth 1 ! -name 'dotnet-diagnostic-*' ! -name 'clr-debug-pipe-*'
}

# counter NAME FILE: a counter of a TRX report. The report is XML written by the runner; a missing counter ends the run.
counter() {
    local value
    value=$(tr '\n' ' ' <"$2" | sed -n "s/.*<Counters[^>]* $1=\"\([0-9]*\)\".*/\1/p")
    [[ -n $value ]] || fail 1 "the test report $2 has no counter '$1'."
    say "$value"
}

passed=0 failed=0 skipped=0 problems=()

run_project() {
    local project=$1 name program report status=0 total
    local options=(--report-xunit-trx --report-xunit-trx-filename)
    name=$(basename "$project" .csproj)
    program=$(dirname "$project")/bin/Release/net10.0/$name
    report=$results/$name.trx
    options+=("$name.trx" --results-directory "$results" --progress off)
    [[ -z $filter ]] || options+=(--filter-method "*$filter*" --ignore-exit-code 8)
    [[ $fast == no ]] || options+=(--filter-not-trait Speed=Slow)

    title "$name"
    env "$mark" "$program" "${options[@]}" || status=$?
    if [[ ! -s $report ]]; then
        problems+=("$name ended with exit code $status and left no report")
        return
    fi
    total=$(counter total "$report")
    passed=$((passed + $(counter passed "$report")))
    failed=$((failed + $(counter failed "$report") + $(counter error "$report") + $(counter timeout "$report") + $(counter aborted "$report")))
    skipped=$((skipped + $(counter notExecuted "$report")))
    if ((status)); then problems+=("$name ended with exit code $status"); fi
    if ((total == 0)) && [[ -z $filter ]]; then problems+=("$name has no tests"); fi
}

title 'Setting up'
"$root/eng/setup.sh" c++
step 'building everything, warnings are errors' dotnet build "$root/kdbusfs.slnx" -c Release -v quiet
"$root/eng/publish.sh"

results=$artifacts/test-results
rm -rf "$results"
mkdir -p "$results"
export KDBUSFS_BIN="$daemon" KDBUSCTL_BIN="$artifacts/kdbusfs/kdbusctl"

TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/kdbusfs-test.XXXXXX")
chmod 755 "$TMPDIR"     # tests act as other users too
export TMPDIR
trap 'rm -rf --one-file-system "$TMPDIR"' EXIT

for project in "$root"/test*/*/*.csproj; do
    if grep -q 'IsTestProject>false' "$project"; then continue; fi
    run_project "$project"
done

# What tests start ends with them, at the latest a moment later.
nothing_left() { [[ -z $(marked_processes)$(mounts_below "$TMPDIR")$(left_files) ]]; }
if ! wait_until 5 nothing_left; then
    while read -r left; do
        problems+=("process $left was left behind: $(tr '\0' ' ' 2>/dev/null <"/proc/$left/cmdline" || echo '(ended just now)')")
        kill -KILL "$left" 2>/dev/null || true
    done < <(marked_processes)
    while read -r left; do
        problems+=("$left was left mounted")
        unmount "$left" || true
    done < <(mounts_below "$TMPDIR")
    # They may say why a test failed, so they are kept.
    while read -r left; do
        mkdir -p "$results/left"
        if [[ -z $(mounts_below "$TMPDIR") ]] && mv "$left" "$results/left/"; then left=$results/left/${left##*/}; fi
        problems+=("$left was left behind")
    done < <(left_files)
fi
((passed + failed > 0)) || problems+=('no test ran')

title 'All projects together'
((${#problems[@]} == 0)) || printf 'error: %s\n' "${problems[@]}" >&2
say "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && ${#problems[@]} == 0))
