#!/bin/sh
# Write the root file system of a base image to standard output, as a tar, from Debian's packages.
#
#   base.sh services   stands for python:3-slim, nginx, redis, postgres and debian at once
#   base.sh busybox    stands for busybox and alpine: one static program and its links
set -eu

# No package lists and no sources: `apt-get update && apt-get install` in an example finds its
# package installed and needs no network. PEP 668's mark goes, as in the public Python images.
base_services() {
    mmdebstrap --quiet --variant=minbase \
        --include=python3,python3-pip,gunicorn,nginx-light,redis-server,postgresql,cron,curl \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' \
        --customize-hook='rm -rf "$1"/etc/apt/sources.list* "$1"/var/lib/apt/lists/*' \
        --customize-hook='rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED' \
        --customize-hook='copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs' \
        --format=tar bookworm -
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
    services | busybox) "base_$1" ;;
    *) echo "base.sh: say services or busybox" >&2; exit 1 ;;
esac
