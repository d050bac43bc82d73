#!/usr/bin/env bash
# eng/setup.sh [c++]: makes sure that this machine has what building and running needs, and installs what Debian or Ubuntu can give.
# The .NET SDK is not installed: which one and from where is the user's choice. Doing it twice does nothing the second time.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=lib.sh
source "$root/eng/lib.sh"

need_sdk() {
    local newest
    command -v dotnet >/dev/null || fail "$EXIT_NO_SDK" 'there is no command dotnet; this needs the .NET SDK 10 or newer.' \
        'Install it from https://dot.net/download, or: apt-get install dotnet-sdk-10.0'
    newest=$(cd / && dotnet --list-sdks | cut -d' ' -f1 | sort -V | tail -n 1)
    [[ -n $newest ]] || fail "$EXIT_NO_SDK" 'there is a .NET runtime but no SDK; this needs the .NET SDK 10 or newer.' \
        'Install it from https://dot.net/download, or: apt-get install dotnet-sdk-10.0'
    ((${newest%%.*} >= 10)) || fail "$EXIT_NO_SDK" "the newest .NET SDK here is $newest; this needs 10 or newer." \
        'Install it from https://dot.net/download, or: apt-get install dotnet-sdk-10.0'
}

compiles() { printf '#include <%s>\nint main(void) { return 0; }\n' "$2" | "$1" -x "$3" -fsyntax-only - 2>/dev/null; }

# The Debian packages that are not there, one a line, judged by what they bring: it may have come another way.
missing_packages() {
    command -v make >/dev/null || echo make
    command -v cc >/dev/null || echo gcc
    if ! command -v cc >/dev/null || ! compiles cc stdio.h c; then echo libc6-dev; fi
    if [[ ${1-} == c++ ]] && { ! command -v c++ >/dev/null || ! compiles c++ string c++; }; then echo g++; fi
    command -v fusermount3 >/dev/null || echo fuse3
}

need_packages() {
    local packages as_root=()
    mapfile -t packages < <(missing_packages "$@")
    ((${#packages[@]})) || return 0

    command -v apt-get >/dev/null || fail "$EXIT_NO_TOOLS" "missing here (by the names Debian gives them): ${packages[*]}" \
        'This machine has no apt-get; please install them its own way and start again.'
    if ((EUID != 0)); then
        if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
            as_root=(sudo)
            say "To install ${packages[*]} sudo may ask for your password."
            sudo -v || fail "$EXIT_NO_TOOLS" "missing here: ${packages[*]}" "As root: apt-get install ${packages[*]}"
        else
            fail "$EXIT_NO_TOOLS" "missing here: ${packages[*]}" "As root: apt-get install ${packages[*]}"
        fi
    fi
    step 'looking up what can be installed' "${as_root[@]}" apt-get update ||
        fail "$EXIT_NO_TOOLS" 'apt-get update failed, see above.' "Needed: ${packages[*]}"
    step "installing ${packages[*]}" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}" ||
        fail "$EXIT_NO_TOOLS" 'apt-get install failed, see above.' "Needed: ${packages[*]}"
    mapfile -t packages < <(missing_packages "$@")
    ((${#packages[@]} == 0)) || fail "$EXIT_NO_TOOLS" "still missing after installing: ${packages[*]}"
}

# The tests look at screens with tmux. Without it those are skipped, and say so.
want_tmux() {
    if command -v tmux >/dev/null || ! command -v apt-get >/dev/null || ((EUID != 0)); then return; fi
    step 'installing tmux' env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends tmux || say '  tmux cannot be installed; tests of screens will be skipped'
}

need_fuse() {
    if [[ ! -e /dev/fuse ]] && ((EUID == 0)) && command -v modprobe >/dev/null; then modprobe fuse 2>/dev/null || true; fi
    [[ -e /dev/fuse ]] || fail "$EXIT_NO_FUSE" 'there is no /dev/fuse.' \
        'On a machine of your own: modprobe fuse (as root).' 'In a container: start it with --device /dev/fuse --cap-add SYS_ADMIN.'
    if ! (: <>/dev/fuse) 2>/dev/null; then
        if ((EUID == 0)); then
            fail "$EXIT_NO_FUSE" '/dev/fuse may not be opened, not even by root.' \
                'In a container: start it with --device /dev/fuse --cap-add SYS_ADMIN.'
        fi
        fail "$EXIT_NO_FUSE" "/dev/fuse may not be opened by $(id -un)." 'As root: chmod 666 /dev/fuse (as udev does it on most machines), or run this as root.'
    fi
    ((EUID == 0)) || command -v fusermount3 >/dev/null || fail "$EXIT_NO_MOUNT" 'mounting needs root or fusermount3.' \
        'As root: apt-get install fuse3'
}

[[ $# -eq 0 || ($# -eq 1 && $1 == c++) ]] || fail 2 'usage: eng/setup.sh [c++]'
need_sdk
need_packages "$@"
if [[ ${1-} == c++ ]]; then want_tmux; fi
need_fuse
