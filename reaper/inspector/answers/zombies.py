"""Zombies by the parent at fault, and why it does not wait. Pure.

A zombie needs nothing but its parent's wait(2). So the question is what keeps the parent from it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ...signals import NUMBERS
from ..reading.procfs import Process, Snapshot
from .roles import is_init

CHLD = NUMBERS["SIGCHLD"]
INIT_HINT = (
    'start it under an init: ENTRYPOINT ["/opt/reaper/reaper", "--", ...] or docker run --init'
)


def has_signal(process: Process, key: bytes, number: int) -> bool:
    """Whether a mask in its status contains a signal; False if that is not known."""
    return number in ((process.status and process.status.signals(key)) or ())


@dataclass(frozen=True)
class Reason:
    """Why a parent does not wait: a rule, and what it means for a person."""

    key: str
    holds: Callable[[Process], bool]
    cause: str
    cure: str


# The first rule that holds is the reason. In the sentences {parent} becomes `name (pid)` or
# `PID 1 (name)`, {pid} the pid alone, and {wchan} ` in FUNCTION`, or nothing if the kernel function
# is not known.
REASONS = (
    Reason(
        "stopped", lambda p: p.stat.state == "T",
        "{parent} is stopped, so it cannot wait",
        "continue it: kill -CONT {pid}",
    ),
    Reason(
        "traced", lambda p: p.stat.state == "t",
        "a debugger holds {parent}, so it cannot wait",
        "let the debugger go on, or end it (TracerPid in /proc/{pid}/status)",
    ),
    Reason(
        "blocked", lambda p: p.stat.state == "D",
        "{parent} is blocked inside the kernel{wchan}, so it cannot wait",
        "the zombies go when it wakes up; reaperctl show {pid} tells what it waits for",
    ),
    Reason(
        "init", is_init,
        "{parent} is an init, but does not wait for them",
        "report it as a bug of {parent}, with the output of reaperctl show {pid}",
    ),
    Reason(
        "no-init", lambda p: p.pid == 1,
        "{parent} is not an init: it does not wait for processes that it started or adopted",
        INIT_HINT + "; it must still wait for the children that it starts itself",
    ),
    Reason(
        "ignores", lambda p: has_signal(p, b"SigIgn", CHLD),
        "{parent} ignores SIGCHLD and never waits; these ended before it began to ignore it",
        "fix {parent}: ignore SIGCHLD before the first fork, or wait; no init can help while it "
        "lives, but a restart of {parent} clears them",
    ),
    Reason(
        "masked", lambda p: has_signal(p, b"SigBlk", CHLD),
        "{parent} blocks SIGCHLD and does not wait",
        "fix {parent}: wait for every child; no init can help while it lives, but a restart of "
        "{parent} clears them",
    ),
    Reason(
        "handler", lambda p: has_signal(p, b"SigCgt", CHLD),
        "{parent} catches SIGCHLD, but does not wait for all: children that end together send it "
        "once",
        "fix {parent}: its handler must repeat waitpid(-1, WNOHANG) until nothing is left; no init "
        "can help while it lives, but a restart of {parent} clears them",
    ),
    Reason(
        "never-waits", lambda p: True,
        "{parent} never waits for its children",
        "fix {parent}: wait for every child; no init can help while it lives, but a restart of "
        "{parent} clears them",
    ),
)  # fmt: skip
OUTSIDE = Reason(
    "outside", lambda p: False,
    "their parent is outside this PID namespace (docker exec, nsenter) or hidden",
    "look there: the container engine, or whoever entered, has to wait",
)  # fmt: skip


@dataclass(frozen=True)
class Culprit:
    """A parent with the zombies it has not waited for, the oldest first."""

    ppid: int
    parent: Process | None
    zombies: tuple[Process, ...]
    reason: Reason

    @property
    def name(self) -> str | None:
        """The parent's comm."""
        return self.parent.stat.comm if self.parent else None

    @property
    def oldest(self) -> float | None:
        """Seconds since the start of the oldest zombie; it cannot have been a zombie for longer."""
        return self.zombies[0].age

    @property
    def cause(self) -> str:
        """Why it does not wait, in a sentence."""
        return self._fill(self.reason.cause)

    @property
    def cure(self) -> str:
        """What to do, in a sentence."""
        return self._fill(self.reason.cure)

    def _fill(self, sentence: str) -> str:
        wchan = self.parent.wchan if self.parent else None
        return sentence.format(
            parent=f"PID 1 ({self.name})" if self.ppid == 1 else f"{self.name} ({self.ppid})",
            pid=self.ppid,
            wchan=f" in {wchan}" if wchan else "",
        )


def culprits(snapshot: Snapshot) -> list[Culprit]:
    """The parents of zombies, those with the most first.

    The reason is `OUTSIDE` for a parent that is not in the snapshot.
    """
    blamed = []
    for ppid, children in snapshot.children.items():
        zombies = tuple(child for child in children if child.stat.zombie)
        if zombies:
            parent = snapshot.by_pid.get(ppid)
            reason = next((r for r in REASONS if parent and r.holds(parent)), OUTSIDE)
            blamed.append(Culprit(ppid, parent, zombies, reason))
    return sorted(blamed, key=lambda culprit: (-len(culprit.zombies), culprit.ppid))
