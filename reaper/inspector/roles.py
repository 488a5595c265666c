"""Who plays which part: inits, shells, and children that were adopted. Pure.

A snapshot does not say who was adopted; these are the marks that an orphan bears for certain.
"""

import re
from itertools import pairwise

from .procfs import Process, Snapshot

INITS = frozenset(
    ("reaper", "tini", "docker-init", "dumb-init", "catatonit", "systemd", "init", "s6-svscan",
     "runsvdir", "runit", "my_init", "podman-init", "pause", "supervisord", "openrc-init",
     "bpm", "pid1", "yelp-init", "conmon")
)  # fmt: skip
# What a release's file is called beyond that: tini-static-amd64, reaper-0.1.0.pyz.
_OF_A_RELEASE = re.compile(r"[-_.](?:static|linux|musl|amd64|arm|x86|v?\d|pyz).*")
_TAKE_A_VALUE = ("-X", "-W")  # options of python that stand before its script
SHELLS = frozenset(("sh", "dash", "bash", "ash", "ksh", "mksh", "zsh", "fish", "busybox"))


def _names_init(word: str) -> bool:
    """Of a path, too, and as a login shell has it: -init."""
    return _OF_A_RELEASE.sub("", word.rpartition("/")[2].lstrip("-")) in INITS


def is_init(process: Process) -> bool:
    """Whether it is made to be PID 1, by its name or that of the script an interpreter runs."""
    words = process.argv or ()
    if _names_init(process.stat.comm) or _names_init("".join(words[:1])):
        return True
    script = next(
        (
            word
            for before, word in pairwise(words)
            if not word.startswith("-") and before not in _TAKE_A_VALUE
        ),
        "",
    )
    return _names_init(script) or script.endswith("reaper/__main__.py")


def is_shell(process: Process) -> bool:
    """Whether it is a command interpreter; a login shell's `-` does not matter."""
    return process.stat.comm.lstrip("-") in SHELLS


def adopted(process: Process, parent: Process | None, snapshot: Snapshot) -> bool:
    """Whether the parent is certainly not the one that forked it.

    A child begins in its parent's session. In another one without leading it, it came from
    elsewhere. And an init forks one child, its main program: all that came later was adopted.
    """
    if parent is None or process.stat.kernel:
        return False
    own, theirs = process.stat, parent.stat
    if own.sid not in (theirs.sid, own.pid, 0):
        return True
    if not is_init(parent) or parent.stat.comm == "systemd":
        return False
    return snapshot.children[parent.pid][0].pid != process.pid
