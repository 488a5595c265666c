"""Root folders of other systems for the tests to start in: chroot and namespaces, no engine."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from builds import REPO, built

CACHE = REPO / ".cache" / "images"
BUSYBOX = Path("/bin/busybox")

# image -> the packages that mmdebstrap puts into it. An image without packages has only busybox.
IMAGES: dict[str, tuple[str, ...]] = {
    "scratch": (),
    "bullseye": ("base-files", "libc6", "coreutils", "dash"),  # an older glibc, no Python
    "trixie": (
        "base-files",
        "libc6",
        "coreutils",
        "dash",
        "python3-minimal",
    ),  # newer glibc, Python
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


def console_script() -> Path:
    """The script that pip makes for the wheel's entry point, for /usr/bin/python3."""
    script = CACHE / "console-script"
    CACHE.mkdir(parents=True, exist_ok=True)
    script.write_text("#!/usr/bin/python3\nfrom reaper.console import main\nmain()\n")
    script.chmod(0o755)
    return script


def in_image(form: str) -> tuple[list[str], dict[Path, str]]:
    """The command of a form that is installed as the manual says, and its files: here -> there."""
    python = ["/usr/bin/python3", "-I", "-S"]
    packages = "/usr/lib/python3/dist-packages/reaper"
    if form == "source":
        return [*python, f"{packages}/__main__.py"], {REPO / "reaper": packages}
    file = built(form)
    if form == "wheel":
        wheel = next(file.parent.glob("wheel/lib/python3*/site-packages/reaper"))
        script = "/usr/local/bin/reaper-script"
        return [script], {wheel: packages, console_script(): script}
    return {
        "static": (["/usr/local/bin/reaper"], {file: "/usr/local/bin/reaper"}),
        "bundle": (["/opt/reaper/reaper"], {file.parent: "/opt/reaper"}),
        "zipapp": ([*python, "/opt/reaper.pyz"], {file: "/opt/reaper.pyz"}),
    }[form]


def build_context(form: str, folder: Path) -> Path:
    """Write a Dockerfile that adds the form as the entrypoint to an image with Python."""
    command, files = in_image(form)
    for source, target in files.items():
        place = folder / "root" / target.lstrip("/")
        place.parent.mkdir(parents=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place)
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(
        f"ARG BASE\nFROM ${{BASE}}\nCOPY root /\nENTRYPOINT {json.dumps(command)}\n"
    )
    return dockerfile


def inside(
    root: Path,
    command: Sequence[str],
    bind: dict[Path, str],
    *,
    user: int = 12345,
    options: str = "ro",
) -> list[str]:
    """Run the command as PID 1 in `root`: read-only, as an unknown user, without capabilities.

    It has no /proc and no /tmp, and cannot gain privileges. `bind` maps files and folders of this
    system to paths in that one; they are mounted with `options` of mount(8).
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
