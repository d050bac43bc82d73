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

# Processes that run a program of this repository, one pid a line: the daemon, tests, and whatever they started.
processes() {
    local process program
    for process in /proc/[0-9]*; do
        program=$(readlink "$process/exe" 2>/dev/null) || continue
        [[ $program == "$root"/* ]] && say "${process#/proc/}"
    done | sort
}

# left_behind BEFORE AFTER: what is in the second list and not in the first.
left_behind() { comm -13 <(sort <<<"$1") <(sort <<<"$2") | sed '/^$/d'; }

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
    "$program" "${options[@]}" || status=$?
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
export KDBUSFS_BIN="$daemon"

# What tests make in the file system they make here, so what they leave there is known to be theirs.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/kdbusfs-test.XXXXXX")
export TMPDIR
trap 'rm -rf --one-file-system "$TMPDIR"' EXIT
processes_before=$(processes)

for project in "$root"/test*/*/*.csproj; do
    if grep -q 'IsTestProject>false' "$project"; then continue; fi
    run_project "$project"
done

# What tests start ends with them, at the latest a moment later.
nothing_left() { [[ -z $(left_behind "$processes_before" "$(processes)")$(mounts_below "$TMPDIR") ]]; }
if ! wait_until 5 nothing_left; then
    while read -r left; do
        problems+=("process $left was left behind: $(tr '\0' ' ' <"/proc/$left/cmdline" 2>/dev/null || echo 'just gone')")
    done < <(left_behind "$processes_before" "$(processes)")
    while read -r left; do
        problems+=("$left was left mounted")
        unmount "$left" || true
    done < <(mounts_below "$TMPDIR")
fi
((passed + failed > 0)) || problems+=('no test ran')

title 'All projects together'
((${#problems[@]} == 0)) || printf 'error: %s\n' "${problems[@]}" >&2
say "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && ${#problems[@]} == 0))
