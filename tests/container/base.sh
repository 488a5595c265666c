#!/bin/sh
# Write the root file system of a base image to standard output, as a tar, from Debian's packages.
#
#   base.sh debian     takes the place of debian:bookworm-slim
#   base.sh services   takes the place of python:3-slim, nginx, redis and postgres, all in one
#   base.sh busybox    takes the place of busybox: one static program and its links
set -eu

# The image gets the machine's own certificate authorities, so that pip can reach the same servers as
# outside.
debian() {
    mmdebstrap --quiet --variant=minbase \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' \
        --customize-hook='upload /etc/ssl/certs/ca-certificates.crt /etc/machine-ca.crt' \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/*' --format=tar "$@" bookworm -
}

base_debian() {
    debian
}

# The image has no package lists and no sources, so `apt-get update && apt-get install` in an example
# needs no network: it finds its package installed. PEP 668's mark is removed, as in the public Python
# images.
base_services() {
    debian --include=python3,python3-pip,gunicorn,nginx-light,redis-server,postgresql,cron,curl \
        --customize-hook='rm -rf "$1"/etc/apt/sources.list*' \
        --customize-hook='rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED'
}

base_busybox() {
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    mkdir -p "$root/bin" "$root/tmp" "$root/etc"
    cp "$(command -v busybox)" "$root/bin/busybox"
    for name in $(busybox --list); do ln -s busybox "$root/bin/$name" 2>/dev/null || :; done
    tar -C "$root" -c .
}

case ${1:-} in
    debian | services | busybox) "base_$1" ;;
    *) echo "base.sh: name one of debian, services and busybox" >&2; exit 1 ;;
esac
