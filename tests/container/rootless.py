"""A podman without privileges: that of a user whom engine.sh made, with a storage of its own.

Whether the machine can run it is asked of the machine, by the first step podman itself takes.
"""

import os
import pwd
from pathlib import Path

from engines import PODMAN_SETTINGS, Engine

USER = "reaper-test"
# No test needs a network, and slirp4netns a /dev/net/tun that is everybody's.
SETTINGS = PODMAN_SETTINGS.read_text().replace("[containers]", '[containers]\nnetns = "none"')


def engine() -> Engine | str:
    """The engine, or why there is none here."""
    if os.getuid() != 0:
        return "only root may make a user for it and start programs as that user"
    user = pwd.getpwnam(USER)
    home = Path(user.pw_dir)
    settings = home / "containers.conf"  # the repository may be where nobody else can read
    runtime = home / "run"
    settings.write_text(SETTINGS)
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.chown(runtime, user.pw_uid, user.pw_gid)
    found = Engine(
        "podman rootless",
        *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--reset-env"),
        *("env", "--chdir=/", f"CONTAINERS_CONF={settings}", f"XDG_RUNTIME_DIR={runtime}"),
        # Debian's default copies the whole image for every container.
        *(
            "PODMAN_IGNORE_CGROUPSV1_WARNING=1",
            "STORAGE_DRIVER=overlay",
            "podman",
            "--log-level=error",
        ),
    )
    # A user namespace by newuidmap, and in it a file system of the storage's kind.
    probe = found("unshare", "podman", "info", check=False)
    if probe.returncode != 0:
        return (probe.stderr.strip() or "podman says nothing").splitlines()[-1]
    return found


def end(found: Engine) -> None:
    """End the process that keeps the user's namespace."""
    found("system", "migrate", check=False)
