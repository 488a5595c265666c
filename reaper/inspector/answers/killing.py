"""Whom `kill` may hit, in which steps, and with what result. Pure: it sends no signals."""

import argparse
from collections.abc import Callable, Container, Iterable, Set
from dataclasses import dataclass

from ...signals import NUMBERS, name_of
from ..reading.procfs import Process, Snapshot
from .filters import selected
from .states import describe
from .tree import parent_of

TERM, KILL = NUMBERS["SIGTERM"], NUMBERS["SIGKILL"]
GRACE = 5.0  # seconds, as the init's --grace
AFTER_KILL = 5.0  # seconds; KILL acts at once, unless the process is inside the kernel (D)

Key = tuple[int, float]  # pid and start


@dataclass(frozen=True)
class Plan:
    """The steps: send `signal`, wait `grace` seconds (None: do not wait), then perhaps KILL."""

    signal: int = TERM
    grace: float | None = GRACE
    kill: bool = True


def plan(signal: int | None, grace: float | None, kill: bool) -> Plan:
    """The steps for --signal, --grace and --no-kill.

    A signal other than TERM and KILL may mean anything to a program (HUP: reload), so it is only
    sent. If a grace time is given, too, the processes are expected to end.
    """
    if signal is None:
        signal = TERM
    if signal == KILL:
        return Plan(KILL, AFTER_KILL if grace is None else grace, False)
    if signal == TERM or grace is not None:
        return Plan(signal, GRACE if grace is None else grace, kill)
    return Plan(signal, None, False)


@dataclass(frozen=True)
class Self:
    """The pids of this program and of its ancestors, in this program's own PID namespace."""

    pid: int
    ancestors: Container[int]


@dataclass(frozen=True)
class Refusal:
    """A rule: which processes get no signal, and why."""

    holds: Callable[[Process, Self], bool]
    why: str


REFUSALS = (
    Refusal(
        lambda p, me: 1 in (p.pid, p.hostpid),
        "PID 1: its end is the end of the container; docker stop does that from outside",
    ),
    Refusal(lambda p, me: p.hostpid == me.pid, "this reaperctl"),
    Refusal(lambda p, me: p.hostpid in me.ancestors, "an ancestor of this reaperctl"),
    Refusal(lambda p, me: p.stat.kernel, "a kernel thread: no signal reaches it"),
    Refusal(lambda p, me: p.hostpid is None, "its pid on this side is not known; try it as root"),
)
DEAD = "a zombie: already dead; its parent {ppid} has to wait for it; see reaperctl zombies"


@dataclass(frozen=True)
class Result:
    """What happened to one process."""

    process: Process
    outcome: str  # a key of OUTCOMES
    signal: int | None = None  # the one that the sentence names
    seconds: float | None = None  # from the first signal to the end of the process
    detail: str = ""

    @property
    def remaining(self) -> bool:
        """Whether it counts as remaining: it should have ended but lives, or got no signal."""
        return OUTCOMES[self.outcome][1]

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        return OUTCOMES[self.outcome][0].format(
            signal=name_of(self.signal) if self.signal else "",
            seconds=f"{self.seconds or 0:.2f} s",
            detail=self.detail,
        )


# outcome -> (sentence, whether the process counts as remaining)
OUTCOMES = {
    "ended": ("ended {seconds} after {signal}", False),
    "killed": ("did not end after {signal}; killed after {seconds}", False),
    "gone": ("was gone before the signal", False),
    "zombie": ("{detail}", False),
    "sent": ("got {signal}", False),
    "planned": ("would get {signal}", False),
    "remaining": ("still there after {signal}: {detail}", True),
    "denied": ("no permission: try it as its user, or as root", True),
    "refused": ("refused: {detail}", True),
}


def refusal(process: Process, me: Self) -> Result | None:
    """Why this process gets no signal; None if it gets one."""
    if process.stat.zombie:
        return Result(process, "zombie", detail=DEAD.format(ppid=process.stat.ppid))
    why = next((row.why for row in REFUSALS if row.holds(process, me)), None)
    return Result(process, "refused", detail=why) if why else None


def still_there(process: Process) -> str:
    """The last state that was seen of a process that outlived every step."""
    where = process.wchan if process.stat.state == "D" else None
    return describe(process.stat.state) + (f" in {where}" if where else "")


def with_descendants(chosen: Iterable[Process], snapshot: Snapshot) -> list[Process]:
    """The chosen processes and all their descendants, each once, level by level."""
    kept: dict[int, Process] = {}
    waiting = list(chosen)
    while waiting:
        process = waiting.pop(0)
        if process.pid in kept:
            continue
        kept[process.pid] = process
        waiting += (
            child
            for child in snapshot.children.get(process.pid, ())
            if parent_of(child, snapshot) is process
        )
    return list(kept.values())


def key(process: Process) -> Key:
    """What tells a process from a later one with the same pid."""
    return process.pid, process.stat.start


def chosen(options: argparse.Namespace, snapshot: Snapshot) -> list[Process]:
    """The processes to signal in the first round: those that the filters match.

    If pids are named, only these can match. With --tree, the descendants are signalled, too.
    """
    others = [p.pid for p in snapshot if options.pid is not None and p.pid not in options.pid]
    named = selected(options, snapshot.without(others))
    return with_descendants(named, snapshot) if options.tree else named


def may_grow(options: argparse.Namespace) -> bool:
    """Whether a process that is forked later may be meant, too."""
    return bool(options.tree) or _can_be_joined(options)


def _can_be_joined(options: argparse.Namespace) -> bool:
    """Whether a process that is forked later may be meant because of its group or session."""
    one = options.newest or options.oldest or options.pid is not None
    return not one and (options.group is not None or options.session is not None)


def forked_meanwhile(
    options: argparse.Namespace, there: Set[Key], now: Snapshot, seen: Set[Key]
) -> list[Process]:
    """The processes to signal in a later round, because they are new.

    They are in one of the named groups or sessions, or with --tree they descend from a process that
    was signalled. `there` holds the processes of the first look. If a process that is not among
    them has the number of a named group or session as its pid, that number now means another one.
    """
    meant = [process for process in now if key(process) in seen]
    if _can_be_joined(options):
        numbers = (options.group or frozenset()) | (options.session or frozenset())
        anew = {p.pid for p in now if p.pid in numbers and key(p) not in there}
        meant += (p for p in selected(options, now) if not {p.stat.pgid, p.stat.sid} & anew)
    meant = with_descendants(meant, now) if options.tree else meant
    return [process for process in meant if key(process) not in seen]
