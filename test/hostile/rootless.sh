#!/bin/sh
# rootless.sh KDBUSFS TOOLS UID: an ordinary user, known in passwd(5), mounts a domain for himself with fusermount3 and uses it. Run as root, who only provides what
# a machine for users has: a /dev/fuse that everybody may open, seen by nobody else. Writes "done" if all went well.
set -eu

if [ "${4-}" = "" ]; then
	here=$(mktemp -d)
	trap 'rmdir "$here/mount" 2>/dev/null || true; rm -f "$here/fuse"; rmdir "$here"' EXIT
	mknod -m 666 "$here/fuse" c 10 229
	mkdir "$here/mount"
	chmod 755 "$here"
	chown "$3" "$here/mount"
	unshare -m sh -c 'mount --bind "$1/fuse" /dev/fuse && exec setpriv --reuid "$4" --regid "$4" --clear-groups sh "$5" "$2" "$3" "$4" "$1/mount"' \
		sh "$here" "$1" "$2" "$3" "$0"
	exit
fi

kdbusfs=$1 tools=$2 user=$3 root=$4 bus=
trap 'kill $daemon $bus 2>/dev/null || true; wait' EXIT
cd "$root"/..
"$kdbusfs" mount "$root" --foreground >&2 &
daemon=$!
until [ -e "$root/control" ]; do
	kill -0 $daemon
	sleep 0.05
done
"$tools/make-bus" "$root" own >&2 &
bus=$!
until [ -e "$root/$user-own/bus" ]; do
	kill -0 $bus
	sleep 0.05
done
"$tools/pages" "$root/$user-own/bus" 1000 >&2
{ echo begin; sleep 2; echo look; } | "$tools/chatter" "$root/$user-own/bus" >&2
echo done
