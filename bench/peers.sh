# shellcheck shell=bash disable=SC2154
# The brokers that kdbusfs is compared with, for the time of a script: dbus-daemon and dbus-broker, each on a socket of its own, with limits
# that nothing measured here reaches. One that is not installed is left out. peers_start leaves their names in ${peers[@]} and what the
# programs have to be told of them in ${parties[@]}; peers_stop undoes everything and is called by the script's EXIT trap.

peers=() parties=()
peers_dir='' dbus_daemon_pid='' dbus_broker_pid='' controller_pid=''

peer_is_installed() {
    command -v "$1" >/dev/null && return
    say "$1 is not installed; its columns are left out (apt-get install $2)"
    return 1
}

dbus_daemon_config() {
    local limit
    cat <<TEXT
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <auth>EXTERNAL</auth>
  <listen>unix:path=$1</listen>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
TEXT
    for limit in max_incoming_bytes max_outgoing_bytes max_message_size; do echo "  <limit name=\"$limit\">1000000000</limit>"; done
    for limit in max_completed_connections max_incomplete_connections max_connections_per_user max_names_per_connection \
        max_match_rules_per_connection max_replies_per_connection; do echo "  <limit name=\"$limit\">100000</limit>"; done
    echo '</busconfig>'
}

dbus_daemon_is_up_or_lost() { [[ -S $peers_dir/dbus-daemon ]] || is_gone "$dbus_daemon_pid"; }
dbus_broker_is_up_or_lost() { [[ -s $peers_dir/dbus-broker.pid ]] || is_gone "$controller_pid"; }

dbus_daemon_start() {
    dbus_daemon_config "$peers_dir/dbus-daemon" >"$peers_dir/dbus-daemon.conf"
    dbus-daemon --config-file="$peers_dir/dbus-daemon.conf" --nofork --nopidfile >"$peers_dir/dbus-daemon.log" 2>&1 </dev/null &
    dbus_daemon_pid=$!
    if ! wait_until 10 dbus_daemon_is_up_or_lost || is_gone "$dbus_daemon_pid"; then
        cat "$peers_dir/dbus-daemon.log" >&2
        fail 1 'dbus-daemon does not start.'
    fi
    peers+=(dbus-daemon)
    parties+=("dbus-daemon:$dbus_daemon_pid:$peers_dir/dbus-daemon")
}

dbus_broker_start() {
    "$artifacts/bench/controller" "$peers_dir/dbus-broker" >"$peers_dir/dbus-broker.pid" 2>"$peers_dir/dbus-broker.log" </dev/null &
    controller_pid=$!
    if ! wait_until 10 dbus_broker_is_up_or_lost || is_gone "$controller_pid"; then
        cat "$peers_dir/dbus-broker.log" >&2
        fail 1 'dbus-broker does not start.'
    fi
    dbus_broker_pid=$(<"$peers_dir/dbus-broker.pid")
    peers+=(dbus-broker)
    parties+=("dbus-broker:$dbus_broker_pid:$peers_dir/dbus-broker")
}

# peers_find: says once what is not installed.
have_dbus_daemon='' have_dbus_broker=''
peers_find() {
    if peer_is_installed dbus-daemon dbus; then have_dbus_daemon=yes; fi
    if peer_is_installed dbus-broker dbus-broker; then have_dbus_broker=yes; fi
}

peers_start() {
    peers_dir=$(mktemp -d "${TMPDIR:-/tmp}/kdbusfs-peers.XXXXXX")
    if [[ -n $have_dbus_daemon ]]; then dbus_daemon_start; fi
    if [[ -n $have_dbus_broker ]]; then dbus_broker_start; fi
}

peers_stop() {
    [[ -n $peers_dir ]] || return 0
    if [[ -n $dbus_daemon_pid ]]; then stop "$dbus_daemon_pid"; fi
    if [[ -n $controller_pid ]]; then stop "$controller_pid"; fi
    # It ends with its controller, and is not a child of ours.
    if [[ -n $dbus_broker_pid ]] && ! wait_until 10 is_gone "$dbus_broker_pid"; then kill -KILL "$dbus_broker_pid"; fi
    rm -rf "$peers_dir"
    peers_dir='' dbus_daemon_pid='' dbus_broker_pid='' controller_pid='' peers=() parties=()
}
