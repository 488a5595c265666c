#!/bin/sh
# Say in one line which of the named needs are missing here, and what to install.
#
#   PYTHON=/usr/bin/python3 tools/needs.sh NEED...
#
# The needs `python`, `venv` and `libpython` are about $PYTHON. Every other need is the name of a
# command; `package` below knows its Debian package.
set -u
python=${PYTHON:-python3}

package() { # the Debian package of a need
    case $1 in
        python) echo python3 ;;
        venv) echo python3-venv ;;
        libpython) echo libpython3-dev ;;
        ar | objdump | strip) echo binutils ;;
        busybox) echo busybox-static ;;
        musl-gcc) echo musl-tools ;;
        unshare | mount) echo util-linux ;;
        *) echo "$1" ;; # gcc, git, mmdebstrap
    esac
}

is_there() {
    case $1 in
        python) "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ;;
        venv) "$python" -c 'import ensurepip, venv' ;;
        libpython) "$python" -c 'import os, sysconfig as s
raise SystemExit(not os.path.exists(os.path.join(s.get_config_var("LIBPL"), s.get_config_var("LIBRARY"))))' ;;
        *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

# If Python is too old, no other need matters.
if "$python" -c '' 2>/dev/null && ! is_there python; then
    version=$("$python" -c 'import sys; print(sys.version.split()[0])')
    echo "$python is Python $version, but this needs 3.11 or later: install one, and name it with SYSTEM_PYTHON=" >&2
    exit 1
fi
missing= packages=
for need; do
    is_there "$need" && continue
    missing="$missing $need" packages="$packages $(package "$need")"
done
[ -z "$missing" ] || {
    echo "missing:$missing; install Debian's$packages: apt-get install$packages" >&2
    exit 1
}
