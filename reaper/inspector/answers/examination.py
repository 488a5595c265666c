"""Gathers the facts for the diagnosis: one or two looks at /proc, and the control group.

Costly files (smaps_rollup, the threads' masks) are read only if the cheap ones give a reason.
"""

from collections.abc import Iterable

from ..reading import cgroup
from ..reading.files import parse_last_ran
from ..reading.procfs import HOSTPID, Proc, Process, Snapshot, Status, parse_wchan
from .diagnosis import MISLEADING, TERM, Facts
from .memory import Sum, add_up
from .roles import is_init
from .twice import Look, look_twice
from .zombies import has_signal

PARTS = ("status", "argv", "wchan", HOSTPID)


def examine(proc: Proc, look: Look, settle: float) -> Facts:
    """Gather the facts. If a second look is needed, it is taken `settle` seconds after the first.

    A second look shows what passes by itself: a new zombie, a vfork (D), a mask held during a fork.
    """
    first, snapshot, unmoved = look_twice(look, PARTS, settle, _doubtful)
    masked = {p.pid for p in first if _blocks_term(p)}
    stuck = [
        p.pid for p in snapshot if p.stat.state == "D" and p.pid in unmoved and not p.stat.kernel
    ]
    return Facts(
        snapshot=snapshot,
        cgroup=cgroup.read(proc),
        stuck={pid: _since(proc, pid) for pid in stuck},
        deaf=frozenset(p.pid for p in snapshot if p.pid in masked & unmoved and _deaf(proc, p)),
        sums=tuple(_sums(proc, snapshot)),
    )


def _doubtful(process: Process) -> bool:
    return process.stat.state in "ZD" or _blocks_term(process)


def _since(proc: Proc, pid: int) -> float | None:
    """About how many seconds ago a process last ran."""
    then, now = parse_last_ran(proc.maybe(f"{pid}/sched") or b""), proc.uptime
    return None if now is None or then is None else max(0.0, now - then)


def _blocks_term(process: Process) -> bool:
    """Whether its main thread blocks TERM. False for an init, which blocks TERM to fetch it."""
    stat = process.stat
    return (
        has_signal(process, b"SigBlk", TERM)
        and not (stat.kernel or stat.zombie)
        and not is_init(process)
    )


def _deaf(proc: Proc, process: Process) -> bool:
    """Whether every thread blocks TERM and none fetches it by sigwait or a signalfd."""
    if not _blocks_term(process):
        return False
    for tid in proc.names(f"{process.pid}/task") or ():
        task = f"{process.pid}/task/{tid}"
        blocked = Status(proc.maybe(f"{task}/status") or b"").signals(b"SigBlk")
        if blocked is None or TERM not in blocked or _waits_for_signal(proc, task):
            return False
    descriptors = proc.names(f"{process.pid}/fd")
    if descriptors is None:
        return False  # we may not look, and there is no finding without evidence
    links = (proc.link(f"{process.pid}/fd/{name}") for name in descriptors)
    return "anon_inode:[signalfd]" not in links


def _waits_for_signal(proc: Proc, task: str) -> bool:
    return "sigtimedwait" in (parse_wchan(proc.maybe(f"{task}/wchan") or b"") or "")


def _sums(proc: Proc, snapshot: Snapshot) -> Iterable[Sum]:
    """Sums by command, for the commands whose sum of RSS is large enough to mislead."""
    by_name: dict[str, list[Process]] = {}
    for process in snapshot:
        if process.stat.rss:
            by_name.setdefault(process.stat.comm, []).append(process)
    for name, namesakes in by_name.items():
        if len(namesakes) > 1 and sum(p.stat.rss or 0 for p in namesakes) > MISLEADING:
            yield add_up(proc.snapshot(("memory",), [p.pid for p in namesakes]), name)
