#!/bin/sh
# The container engines of the tests: use what runs, else install and start it where that is allowed.
#
#   engine.sh start   docker: a running engine, else Debian's, started here; podman and compose too
#   engine.sh stop    end the engine that `start` started, and no other
#   engine.sh clean   remove the containers, networks, volumes and images that the tests made
#
# `start` prints "running" or "started". It may install and start on Debian or Ubuntu, as root.
set -eu
cd "$(dirname "$0")"
pidfile=/run/reaper-test-engine.pid
log=/var/log/reaper-test-engine.log
label=org.reaper.test

give_up() {
    echo "engine.sh: $1" >&2
    exit 1
}

# Debian's package for each command that is missing.
install_missing() {
    missing=
    command -v docker >/dev/null && { running || command -v dockerd >/dev/null; } || missing="$missing docker.io"
    docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || missing="$missing docker-compose"
    command -v podman >/dev/null || missing="$missing podman"
    [ -z "$missing" ] || ../packages.sh $missing
}

running() {
    docker info >/dev/null 2>&1
}

start() {
    install_missing
    if running; then
        echo running
        return
    fi
    [ "$(id -u)" = 0 ] || give_up "no Docker engine answers, and only root may start one: start yours, or run the tests as root"
    setsid dockerd --pidfile "$pidfile" >"$log" 2>&1 &
    engine=$!
    tries=0
    until running; do
        kill -0 "$engine" 2>/dev/null || give_up "dockerd ended: $(tail -n 1 "$log")"
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
        command -v "$engine" >/dev/null || continue
        $engine ps -aq --filter "label=$label" | xargs -r "$engine" rm -fv >/dev/null
        for kind in network volume; do
            $engine $kind ls -q --filter "label=$label" | xargs -r "$engine" $kind rm -f >/dev/null
        done
        $engine images -q --filter "label=$label" | sort -u | xargs -r "$engine" rmi -f >/dev/null
    done
}

case ${1:-} in
    start | stop | clean) "$1" ;;
    *) give_up "say start, stop or clean" ;;
esac
