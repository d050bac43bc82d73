#!/bin/bash
# reuse.sh KDBUSFS TOOLS COUNT: a daemon and its clients in a pid namespace of their own, where one process number after the other is used COUNT
# times. Run as root. Writes what mayflies writes. When it ends, however it ends, the kernel ends what is in the namespace, and its mounts.
set -eu
if [[ ${4-} == '' ]]; then
	here=$(mktemp -d)
	trap 'rmdir "$here"' EXIT
	unshare --mount --pid --fork --kill-child=KILL --mount-proc bash "$0" "$@" "$here"
	exit
fi

kdbusfs=$1 tools=$2 count=$3 root=$4
"$kdbusfs" mount "$root" --foreground -o attach-flags-mask=0x3fff >&2 &
daemon=$!
until [[ -e $root/control ]]; do
	kill -0 $daemon
	sleep 0.05
done
"$tools/make-bus" "$root" own >&2 &
bus=$!
until [[ -e $root/0-own/bus ]]; do
	kill -0 $bus
	sleep 0.05
done
"$tools/mayflies" "$root/0-own/bus" "$count" 5000
kill $bus $daemon
wait
