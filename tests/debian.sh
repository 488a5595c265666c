#!/bin/sh
# Run a command in another suite of Debian, on a copy of this checkout.
#
#   tests/debian.sh SUITE COMMAND [ARG...]
#
# mmdebstrap makes the system, a root folder with the packages of packages.txt, at the first call. It
# is kept in .cache/debian/SUITE. The command runs in mount and PID namespaces of its own, with this
# machine's kernel, network, and configuration of pip and apt. When it ends, all its processes and
# mounts are gone. What it builds in its copy stays for the next call. This needs root, as the kernel
# tests do.
set -eu
checkout=$(cd "$(dirname "$0")/.." && pwd)
work=/usr/src/reaper # the path of the copy in the other system; a test hides /srv

give_up() {
    echo "debian.sh: $1" >&2
    exit 2
}

[ $# -ge 2 ] || give_up "say a suite of Debian and a command: debian.sh trixie make lint"
suite=$1
shift
case $suite in
    *[!a-z-]* | '') give_up "\"$suite\" is not the name of a suite, such as bookworm or trixie" ;;
esac
[ "$(id -u)" = 0 ] || give_up "only root may enter another root folder: run it as root"
"$checkout/tools/needs.sh" mmdebstrap unshare busybox git tar
root=$checkout/.cache/debian/$suite

packages() {
    echo make git
    sed 's/#.*//' "$checkout/tests/packages.txt"
}

# Make the root folder, again if the list of packages has changed. It gets its name when it is finished,
# so an unfinished one is never used.
make_root() {
    wanted=$(packages | tr -s ' \n' ',' | sed 's/,$//')
    [ "$(cat "$root.packages" 2>/dev/null)" != "$wanted" ] || return 0
    rm -rf "$root" "$root.new"
    mkdir -p "$root.new"
    echo "debian.sh: making $root; this is done once and takes some minutes" >&2
    # A mirror may be a snapshot, whose list of packages has expired. Its signature is checked all the same.
    # In a mount namespace of its own, mmdebstrap cannot leave a mount behind, even if one is busy.
    if ! unshare --mount mmdebstrap --quiet --variant=minbase --include="$wanted" \
        --aptopt='Acquire::Check-Valid-Until "false"' "$suite" "$root.new" >&2; then
        rm -rf "$root.new"
        give_up "mmdebstrap could not make $suite: is it a suite of Debian? See above"
    fi
    mv "$root.new" "$root"
    echo "$wanted" >"$root.packages"
}

# Copy the sources as they are here, with their times. What was built in the copy stays.
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
    git -C "$root$work" init -q # some targets and tests ask git which files there are
}

# Give the other system this machine's configuration of pip and apt, so that it reaches packages as this
# machine does. Print the paths that the configuration names. For an index that is a folder, print the
# folder above it, because such an index names files beside it.
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

# One call at a time: a second call would replace the sources that the first one is using.
mkdir -p "$checkout/.cache/debian"
exec 9>"$root.lock"
flock 9
make_root
copy_checkout
shared=$(configure)

export root work shared
unset MAKEFLAGS MAKELEVEL MFLAGS # they belong to a make that called this
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# pivot_root(2) needs a mount, so the root folder is mounted on itself. The old root then lies under the
# new one, and is unmounted.
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
