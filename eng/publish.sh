#!/usr/bin/env bash
# eng/publish.sh: builds the daemon and kdbusctl (NativeAOT) and the samples into artifacts/. What has not changed since is not built again.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=lib.sh
source "$root/eng/lib.sh"
[[ $# -eq 0 ]] || fail 2 'usage: eng/publish.sh'

# digest PATH...: of the content and names of the sources below the paths.
digest() {
    (
        cd "$root"
        find "$@" Directory.Build.props Directory.Packages.props global.json .editorconfig \
            \( -name bin -o -name obj \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum
    )
}

# build OUTPUT TEXT PATHS -- COMMAND...: runs the command unless OUTPUT was made from the same sources.
build() {
    local output=$1 text=$2 paths=() stamp now
    stamp=$artifacts/$(basename "$output").sources
    shift 2
    while [[ $1 != -- ]]; do
        paths+=("$1")
        shift
    done
    shift
    now=$(digest "${paths[@]}")
    if [[ -e $output && -e $stamp && $(<"$stamp") == "$now" ]]; then return; fi
    mkdir -p "$artifacts" || fail 1 "cannot write to $artifacts."
    [[ -w $artifacts ]] || fail 1 "$artifacts belongs to somebody else." "As its owner: remove it, or run this once more there."
    rm -f "$stamp"
    step "$text" "$@"
    say "$now" >"$stamp"
}

build "$daemon" 'building the daemon (NativeAOT, a minute or two)' src -- \
    dotnet publish "$root/src/Kdbus.Daemon" -c Release --use-current-runtime -v quiet -o "$artifacts/kdbusfs"
build "$artifacts/kdbusfs/kdbusctl" 'building kdbusctl (NativeAOT, about a minute)' src -- \
    dotnet publish "$root/src/Kdbus.Cli" -c Release --use-current-runtime -v quiet -o "$artifacts/kdbusfs"
build "$artifacts/samples-c/clock-service" 'building the C samples' samples/c include -- \
    make -C "$root/samples/c" OUT="$artifacts/samples-c"
build "$artifacts/samples-dotnet/clock" 'building the C# sample' samples/dotnet/Clock samples/dotnet/Directory.Build.props src/Kdbus.Abi src/Kdbus.Linux -- \
    dotnet build "$root/samples/dotnet/Clock" -c Release -v quiet -o "$artifacts/samples-dotnet"
