"""Which processes are inits, which are shells, and which children were adopted. Pure.

A snapshot does not say who was adopted, so `adopted` looks for marks that only an orphan has.
"""

import re
from collections.abc import Container, Sequence
from functools import lru_cache
from itertools import pairwise

from ..reading.procfs import Process, Snapshot

# Inits that start one child, the main program; below them, inits that start many.
OF_ONE = frozenset(
    ("reaper", "tini", "docker-init", "podman-init", "dumb-init", "catatonit", "pause", "pid1",
     "yelp-init", "conmon")
)  # fmt: skip
OF_MANY = frozenset(
    ("systemd", "init", "s6-svscan", "runsvdir", "runit", "my_init", "supervisord", "openrc-init",
     "bpm")
)  # fmt: skip
INITS = OF_ONE | OF_MANY
# What a released file has after the program's name: tini-static-amd64, reaper-0.1.0.pyz.
_OF_A_RELEASE = re.compile(r"[-_.](?:static|linux|musl|amd64|arm|x86|v?\d|pyz).*")
_INTERPRETER = re.compile(r"(?:python|pypy|perl|ruby|busybox|(?:da|ba)?sh)[\d.]*")
_TAKE_A_VALUE = ("-X", "-W")  # options of python whose next word is not its script
SHELLS = frozenset(("sh", "dash", "bash", "ash", "ksh", "mksh", "zsh", "fish", "busybox"))


@lru_cache(4096)
def _base(word: str) -> str:
    """The name in a path, without the `-` of a login shell and the additions of a released file."""
    return _OF_A_RELEASE.sub("", word.rpartition("/")[2].lstrip("-"))


def _script(words: Sequence[str]) -> str:
    """The script that an interpreter runs; empty if there is no script or no interpreter."""
    if _INTERPRETER.fullmatch(words[0].rpartition("/")[2]):
        for before, word in pairwise(words):
            if word == "-c":
                break
            if not word.startswith("-") and before not in _TAKE_A_VALUE:
                return word.removesuffix("/__main__.py")
    return ""


def _is_one_of(process: Process, names: Container[str]) -> bool:
    words = process.argv or ("",)
    return any(_base(word) in names for word in (process.stat.comm, words[0], _script(words)))


def is_init(process: Process) -> bool:
    """Whether it is a program made to be PID 1, judged by its name or that of its script."""
    return _is_one_of(process, INITS)


def starts_one(process: Process) -> bool:
    """Whether it is an init that starts nothing but the main program."""
    return _is_one_of(process, OF_ONE)


def is_shell(process: Process) -> bool:
    """Whether it is a shell, a login shell included."""
    return process.stat.comm.lstrip("-") in SHELLS


def adopted(process: Process, parent: Process | None, snapshot: Snapshot) -> bool:
    """Whether it is certain that the parent did not fork this process.

    A child begins in its parent's session. If it is in another session and does not lead that
    session, it came from elsewhere, unless the parent has called setsid(2) since the fork. If the
    parent is PID 1 and has called it, the session that it left has the number 0 here. If the parent
    is an init that starts one program, every child but the oldest counts as adopted; that is wrong
    for a child that was there before the init's own exec (an `other`).
    """
    if parent is None or process.stat.kernel:
        return False
    own, theirs = process.stat, parent.stat
    may_have_moved = theirs.sid == parent.pid != 1
    if own.sid not in (theirs.sid, own.pid, 0) and not may_have_moved:
        return True
    return starts_one(parent) and snapshot.children[parent.pid][0].pid != process.pid
