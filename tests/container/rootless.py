"""A podman without privileges. It runs as a user that engine.sh made, and has its own storage.

To find out whether the machine can run it, we try the first step that podman itself takes.
"""

import os
import pwd
from pathlib import Path

from engines import PODMAN_SETTINGS, Engine

USER = "reaper-test"
# No test needs a network, and slirp4netns would need a /dev/net/tun that every user may open.
SETTINGS = PODMAN_SETTINGS.read_text().replace("[containers]", '[containers]\nnetns = "none"')


def engine() -> Engine | str:
    """The engine, or the reason why the machine cannot run it."""
    if os.getuid() != 0:
        return "only root may make a user for it and start programs as that user"
    user = pwd.getpwnam(USER)
    home = Path(user.pw_dir)
    settings = home / "containers.conf"  # other users may not be able to read the repository
    runtime = home / "run"
    settings.write_text(SETTINGS)
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.chown(runtime, user.pw_uid, user.pw_gid)
    found = Engine(
        "podman rootless",
        *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--reset-env"),
        *("env", "--chdir=/", f"CONTAINERS_CONF={settings}", f"XDG_RUNTIME_DIR={runtime}"),
        # overlay, because Debian's default copies the whole image for every container.
        *(
            "PODMAN_IGNORE_CGROUPSV1_WARNING=1",
            "STORAGE_DRIVER=overlay",
            "podman",
            "--log-level=error",
        ),
    )
    # It makes a user namespace with newuidmap and mounts a file system of the storage's kind in it.
    probe = found("unshare", "podman", "info", check=False)
    if probe.returncode != 0:
        return (probe.stderr.strip() or "podman says nothing").splitlines()[-1]
    return found


def end(found: Engine) -> None:
    """End the process that keeps the user's namespace."""
    found("system", "migrate", check=False)
