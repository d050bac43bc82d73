# shellcheck shell=bash disable=SC2034,SC2154
# A domain for the time of a script: a directory of its own, the daemon serving it, one bus. domain_start leaves the path of the
# bus' endpoint in $endpoint; domain_stop undoes everything and is called by the script's EXIT trap.

scratch='' domain='' endpoint='' daemon_pid='' bus_pid=''

domain_is_served() { [[ -e $domain/control ]]; }
daemon_is_gone() { is_gone "$daemon_pid"; }
domain_is_served_or_lost() { domain_is_served || daemon_is_gone; }
bus_is_made_or_lost() { [[ -s $scratch/endpoint ]] || is_gone "$bus_pid"; }

# domain_start BUS [DAEMON OPTIONS...]
domain_start() {
    local bus=$1
    shift
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/kdbusfs.XXXXXX")
    domain=$scratch/domain
    mkdir "$domain"

    "$daemon" mount "$domain" --foreground "$@" >"$scratch/daemon.log" 2>&1 </dev/null &
    daemon_pid=$!
    if ! wait_until 20 domain_is_served_or_lost || daemon_is_gone; then
        cat "$scratch/daemon.log" >&2
        fail 1 "kdbusfs does not serve $domain." \
            'In a container it needs /dev/fuse and the right to mount: docker run --device /dev/fuse --cap-add SYS_ADMIN ...'
    fi

    "$artifacts/samples-c/make-bus" "$domain" "$bus" >"$scratch/endpoint" 2>"$scratch/make-bus.log" </dev/null &
    bus_pid=$!
    if ! wait_until 10 bus_is_made_or_lost || is_gone "$bus_pid"; then
        cat "$scratch/make-bus.log" "$scratch/daemon.log" >&2
        fail 1 "the bus $bus cannot be made in $domain."
    fi
    endpoint=$(<"$scratch/endpoint")
}

domain_stop() {
    local left
    [[ -n $scratch ]] || return 0
    if [[ -n $bus_pid ]]; then stop "$bus_pid"; fi
    if [[ -n $daemon_pid ]]; then stop "$daemon_pid"; fi
    while read -r left; do
        say "the daemon left $left mounted; unmounting it" >&2
        unmount "$left" || true
    done < <(mounts_below "$scratch")
    # Nothing is deleted that is still a mount: rmdir refuses it.
    rmdir "$domain" && rm -rf "$scratch"
    scratch='' daemon_pid='' bus_pid=''
}
