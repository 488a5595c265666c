#!/bin/sh
# Install Debian packages for the tests: those that are named, or else those of packages.txt.
# A second run finds everything installed and is quick.
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
# The services in these packages must not start by themselves on the machine that runs the tests.
policy=${TEST_ROOT:-}/usr/sbin/policy-rc.d # container/engine.sh explains TEST_ROOT
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
