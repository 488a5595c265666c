#!/bin/sh
# Run a command on a copy of this checkout where another suite of Debian is the whole system.
#
#   tests/debian.sh SUITE COMMAND [ARG...]
#
# The system is a root folder of mmdebstrap, made at the first call and kept in .cache/debian/SUITE,
# with what packages.txt names. The command has a mount and a PID namespace of its own, this machine's
# kernel, network and configuration of pip and apt, and ends with them: no mount is left. What it
# builds in its copy stays for the next call. Root is needed, as for the kernel tests.
set -eu
checkout=$(cd "$(dirname "$0")/.." && pwd)
work=/usr/src/reaper # the copy, as the other system sees it; a test hides /srv

give_up() {
    echo "debian.sh: $1" >&2
    exit 2
}

[ $# -ge 2 ] || give_up "say a suite of Debian and a command: debian.sh trixie make lint"
suite=$1
shift
case $suite in
    *[!a-z-]* | '') give_up "\"$suite\" is no name of a suite: bookworm, trixie" ;;
esac
[ "$(id -u)" = 0 ] || give_up "only root may enter another root folder: run it as root"
"$checkout/tools/needs.sh" mmdebstrap unshare busybox git tar
root=$checkout/.cache/debian/$suite

packages() {
    echo make git
    sed 's/#.*//' "$checkout/tests/packages.txt"
}

# Made anew where the list of packages has changed; an unfinished one is none.
make_root() {
    wanted=$(packages | tr -s ' \n' ',' | sed 's/,$//')
    [ "$(cat "$root.packages" 2>/dev/null)" != "$wanted" ] || return 0
    rm -rf "$root" "$root.new"
    mkdir -p "$root.new"
    echo "debian.sh: making $root, once: some minutes" >&2
    # A mirror that is a snapshot has an expired list of packages; its signature is checked all the same.
    if ! mmdebstrap --quiet --variant=minbase --include="$wanted" \
        --aptopt='Acquire::Check-Valid-Until "false"' "$suite" "$root.new" >&2; then
        rm -rf "$root.new"
        give_up "mmdebstrap could not make $suite: is it a suite of Debian? See above"
    fi
    mv "$root.new" "$root"
    echo "$wanted" >"$root.packages"
}

# The sources as they are here, with their times; what was built there stays.
copy_checkout() {
    mkdir -p "$root$work"
    find "$root$work" -mindepth 1 -maxdepth 1 \
        ! -name .venv ! -name build ! -name .cache ! -name .git -exec rm -rf {} +
    files=$(mktemp)
    cd "$checkout"
    git -c safe.directory='*' ls-files --cached --others --exclude-standard |
        while IFS= read -r file; do [ ! -e "$file" ] || printf '%s\n' "$file"; done >"$files"
    tar -c --verbatim-files-from -T "$files" | tar -x -C "$root$work"
    rm "$files"
    git -C "$root$work" init -q # for those who ask which files there are
}

# How packages are reached here: pip's configuration and apt's, and what they name. An index that is a
# folder names files beside it.
configure() {
    python=$checkout/.venv/bin/python
    [ -x "$python" ] || python=python3
    settings=$("$python" -m pip config list 2>/dev/null || true)
    printf '%s\n' "$settings" | sed -n "s/^\([a-z]*\)\.\([a-z-]*\)='\(.*\)'$/\1 \2 = \3/p" | sort |
        while read -r section setting; do
            [ "$section" = "${last:-}" ] || echo "[$section]"
            last=$section
            echo "$setting"
        done >"$root/etc/pip.conf"
    apt-config dump Acquire::http Acquire::https 2>/dev/null >"$root/etc/apt/apt.conf.d/99caller" || true
    {
        echo /etc/resolv.conf
        printf '%s\n' "$settings"
        env | grep -E '^(PIP_|SSL_CERT_|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)' || true
    } | tr "'= " '\n\n\n' | sed -n 's,^file://\(/.*\)/[^/]*$,\1,; /^\//p' | sort -u
}

# One call at a time: the next one would take the sources away under this one.
mkdir -p "$checkout/.cache/debian"
exec 9>"$root.lock"
flock 9
make_root
copy_checkout
shared=$(configure)

export root work shared
unset MAKEFLAGS MAKELEVEL MFLAGS # of a make that called this
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# A mount of itself, for pivot_root(2); the old root is then under the new one, and let go.
exec unshare --mount --pid --fork --kill-child sh -ec '
    mount --bind "$root" "$root"
    for place in dev sys; do mount --rbind "/$place" "$root/$place"; done
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    for path in $shared; do
        [ -e "$path" ] || continue
        if [ -d "$path" ]; then
            mkdir -p "$root$path"
        else
            mkdir -p "$root${path%/*}"
            [ -e "$root$path" ] || : >"$root$path"
        fi
        mount --bind "$path" "$root$path"
        mount -o remount,bind,ro "$root$path"
    done
    cd "$root"
    busybox pivot_root . .
    busybox umount -l .
    cd "$work"
    unset root shared
    exec tini -- "$@"
' sh "$@"
