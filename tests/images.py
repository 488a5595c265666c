"""Root folders of other systems for the tests to start in: chroot and namespaces, no engine."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from support import REPO

CACHE = REPO / ".cache" / "images"
BUSYBOX = Path("/bin/busybox")

# image -> what mmdebstrap puts into it; none: made here, of busybox alone.
IMAGES: dict[str, tuple[str, ...]] = {
    "scratch": (),
    "bullseye": ("base-files", "libc6", "coreutils", "dash"),  # an older glibc, no Python
    "trixie": ("base-files", "libc6", "coreutils", "dash", "python3-minimal"),  # newer, with Python
}


def image(name: str) -> Path:
    """The root folder of an image, made at the first call and kept."""
    root = CACHE / name
    if root.exists():
        return root
    packages = IMAGES[name]
    unfinished = CACHE / f"{name}.{os.getpid()}"
    unfinished.mkdir(parents=True)
    if packages:
        options = ["--quiet", "--variant=extract", f"--include={','.join(packages)}"]
        subprocess.run(["mmdebstrap", *options, name, str(unfinished)], check=True)
    else:
        (unfinished / "bin").mkdir()
        (unfinished / "bin" / "busybox").write_bytes(BUSYBOX.read_bytes())
        (unfinished / "bin" / "busybox").chmod(0o755)
        (unfinished / "bin" / "sh").symlink_to("busybox")
    for missing in ("tmp", "proc", "dev", "sys"):
        if (unfinished / missing).is_dir() and not any((unfinished / missing).iterdir()):
            (unfinished / missing).rmdir()
    for place in ("opt", "usr/local/bin", "mnt"):
        (unfinished / place).mkdir(parents=True, exist_ok=True)
    unfinished.rename(root)
    return root


def inside(
    root: Path,
    command: Sequence[str],
    bind: dict[Path, str],
    *,
    user: int = 12345,
    options: str = "ro",
) -> list[str]:
    """The command as PID 1 in `root`: read-only, as a user nobody knows, without capabilities.

    There is no /proc and no /tmp, and no new privileges are to be had. `bind` names the files and
    folders of this system that appear in that one, with `options` of mount(8).
    """
    steps = ['mount --bind "$0" "$0"']
    for source, target in bind.items():
        place = root / target.lstrip("/")
        if source.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        steps += [
            f'mount --bind "{source}" "{place}"',
            f'mount -o remount,bind,{options} "{place}"',
        ]
    steps += [
        'mount -o remount,bind,ro "$0"',
        'exec setpriv --no-new-privs unshare --root="$0" --wd=/'
        f' --setgid={user} --setuid={user} -- "$@"',
    ]
    namespaces = ["--mount", "--pid", "--fork", "--kill-child"]
    return ["unshare", *namespaces, "sh", "-ec", "; ".join(steps), str(root), *command]
