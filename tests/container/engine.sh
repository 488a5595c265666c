#!/bin/sh
# The container engines of the tests: use what runs, else install and start it where that is allowed.
#
#   engine.sh start   docker: a running engine, else the distribution's, started here; podman, its
#                     user without privileges, and compose too
#   engine.sh stop    end the engine that `start` started, and no other
#   engine.sh clean   remove the containers, networks, volumes, images and the user of the tests
#
# `start` prints "running" or "started". It may install and start on Debian or Ubuntu, as root.
set -eu
cd "$(dirname "$0")"
root=${TEST_ROOT:-} # another system's files, for the tests of this script
pidfile=$root/run/reaper-test-engine.pid
log=$root/var/log/reaper-test-engine.log
label=org.reaper.test
user=reaper-test

give_up() {
    echo "engine.sh: $1" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null
}

running() {
    docker info >/dev/null 2>&1
}

is_root() {
    [ "$(id -u)" = 0 ]
}

# What the os-release file of the system says of itself; VERSION_ID is not there before a release.
release() {
    sed -n "s/^$1=\"\?\([^\"]*\)\"\?$/\1/p" "$root/etc/os-release" 2>/dev/null
}

# The distribution's package for each command that is missing.
install_missing() {
    compose=docker-compose client=docker.io networks=
    case $(release ID)$(release VERSION_ID) in
        ubuntu*) compose=docker-compose-v2 ;;
        debian12) ;;
        # Since Debian 13 the client is apart from the engine, and so is what podman's networks want.
        debian*) client=docker-cli networks="nftables aardvark-dns" ;;
    esac
    missing=
    has dockerd || { has docker && running; } || missing="$missing docker.io"
    has docker || [ "$missing" = " $client" ] || missing="$missing $client"
    has docker-compose || docker compose version >/dev/null 2>&1 || missing="$missing $compose"
    has podman || missing="$missing podman"
    has nft && [ -e "$root/usr/lib/podman/aardvark-dns" ] || missing="$missing${networks:+ $networks}"
    has newuidmap || missing="$missing uidmap"
    [ -z "$missing" ] || ../packages.sh $missing || exit 1
}

# For podman without privileges: useradd gives a user its range of subordinate ids, too.
make_user() {
    ! is_root || id -u "$user" >/dev/null 2>&1 ||
        useradd --create-home --home-dir "/var/lib/$user" --shell /usr/sbin/nologin "$user"
}

start() {
    install_missing
    make_user
    if running; then
        echo running
        return
    fi
    is_root || give_up "no Docker engine answers, and only root may start one: start yours, or run the tests as root"
    # Nothing of the caller's stays open in it: no pipe, no lock.
    setsid dockerd --pidfile "$pidfile" >"$log" 2>&1 </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
    engine=$!
    tries=0
    until running; do
        kill -0 "$engine" 2>/dev/null || give_up "dockerd ended: $(tail -n 1 "$log"); see $log"
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || give_up "dockerd does not answer after 60 s, see $log"
        sleep 0.2
    done
    echo started
}

stop() {
    [ -e "$pidfile" ] || return 0
    engine=$(cat "$pidfile")
    kill "$engine" 2>/dev/null || return 0
    while [ -e "$pidfile" ]; do sleep 0.1; done
}

clean() {
    for engine in docker podman; do
        has "$engine" || continue
        $engine ps -aq --filter "label=$label" | xargs -r "$engine" rm -fv >/dev/null
        for kind in network volume; do
            $engine $kind ls -q --filter "label=$label" | xargs -r "$engine" $kind rm -f >/dev/null
        done
        $engine images -q --filter "label=$label" | sort -u | xargs -r "$engine" rmi -f >/dev/null
    done
    ! id -u "$user" >/dev/null 2>&1 || userdel --remove "$user" 2>/dev/null
}

case ${1:-} in
    start | stop | clean) "$1" ;;
    *) give_up "say start, stop or clean" ;;
esac
