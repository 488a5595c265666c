#!/bin/sh
# The container engines of the tests. A running engine is used; otherwise one is installed and started.
#
#   engine.sh start   make Docker, podman and compose usable: install what is missing, start Docker's
#                     engine if none answers, and make a user without privileges for podman
#   engine.sh stop    end the engine that `start` started, and no other
#   engine.sh clean   remove the containers, networks, volumes, images and the user of the tests
#
# `start` prints "running" or "started". It installs and starts things only on Debian or Ubuntu, as
# root.
set -eu
cd "$(dirname "$0")"
root=${TEST_ROOT:-} # set by the tests of this script: a folder with the files of another system
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

# A value from the system's os-release file. VERSION_ID is missing before a Debian is released.
release() {
    sed -n "s/^$1=\"\?\([^\"]*\)\"\?$/\1/p" "$root/etc/os-release" 2>/dev/null
}

# Install the distribution's package for each command that is missing.
install_missing() {
    compose=docker-compose client=docker.io networks=
    case $(release ID)$(release VERSION_ID) in
        ubuntu*) compose=docker-compose-v2 ;;
        debian12) ;;
        # Since Debian 13 the client is a package of its own, and so are the tools for podman's networks.
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

# Make the user for podman without privileges. useradd also gives it a range of subordinate ids.
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
    # The engine must not keep a pipe or a lock of the caller open.
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
