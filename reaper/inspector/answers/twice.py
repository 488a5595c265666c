"""Looks twice, a moment apart, to tell what stays from what passes by itself."""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..reading.procfs import Process, Snapshot

Look = Callable[[Iterable[str]], Snapshot]  # takes the names of the parts to read


class Looks(NamedTuple):
    """What one or two looks saw. After one look, `first` and `last` are the same."""

    first: Snapshot
    last: Snapshot  # without zombies that were seen only once: they have just ended and are no leak
    unmoved: set[int]  # the pids that were the same in both looks


def look_twice(
    look: Look, parts: Iterable[str], settle: float, doubtful: Callable[[Process], bool]
) -> Looks:
    """Look, and look again `settle` seconds later if any process is doubtful."""
    parts = tuple(parts)
    first = look(parts)
    if not any(map(doubtful, first)):
        return Looks(first, first, set())
    time.sleep(settle)
    second = look(parts)
    unmoved = same(first, second)
    passing = [p.pid for p in second if p.stat.zombie and p.pid not in unmoved]
    return Looks(first, second.without(passing), unmoved)


def same(processes: Iterable[Process], later: Snapshot) -> set[int]:
    """The pids of those that are in the same state later and have not begun a wait in between."""
    return {
        process.pid
        for process in processes
        if (now := later.by_pid.get(process.pid)) and _moment(now) == _moment(process)
    }


def _moment(process: Process) -> tuple[object, ...]:
    """What changes when a process waits or changes its state, or when its pid is reused."""
    switches = process.status and process.status.number(b"voluntary_ctxt_switches")
    return process.stat.start, process.stat.state, process.stat.zombie, switches
