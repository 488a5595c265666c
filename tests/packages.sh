#!/bin/sh
# Install the Debian packages that the tests drive: those named, else those of packages.txt.
# A second run finds everything there and is quick.
set -eu
cd "$(dirname "$0")"
wanted=${*:-$(sed 's/#.*//' packages.txt)}
missing=$(printf '%s\n' $wanted | while read -r package; do
    [ -z "$package" ] || dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed' || echo "$package"
done)
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "tests/packages.sh: missing:" $missing >&2
    echo "install them (Debian's names), or run make test as root on Debian or Ubuntu" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# No service of a package may start by itself on the machine of whoever runs the tests.
policy=${TEST_ROOT:-}/usr/sbin/policy-rc.d # see container/engine.sh
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
