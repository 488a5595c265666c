"""Checks for processes that are left over or stuck: zombies, state D, many orphans."""

import re
from collections.abc import Iterator
from shlex import quote

from ...reading.procfs import Process, Snapshot
from ..roles import adopted
from ..zombies import culprits
from .finding import CRITICAL, WARNING, Facts, Finding, age_text, called, command_line

STORM = 10  # orphans of one command; so many are not an accident
LISTED = 100  # pids; a suggested command line names at most so many


def zombies(facts: Facts) -> Iterator[Finding]:
    """Zombies, and whose fault they are."""
    for culprit in culprits(facts.snapshot):
        count = len(culprit.zombies)
        name = culprit.zombies[0].stat.comm
        yield Finding(
            "zombies",
            CRITICAL if count >= 100 else WARNING,
            f"{count} zombie{'s' if count > 1 else ''} of "
            + (f"PID {culprit.ppid} ({culprit.name})" if culprit.parent else "a hidden parent"),
            f"the oldest, {name} ({culprit.zombies[0].pid}), was started "
            f"{age_text(culprit.oldest)} ago; each holds a pid until its parent waits for it",
            culprit.cause,
            culprit.cure,
            tuple(zombie.pid for zombie in culprit.zombies),
        )


def uninterruptible(facts: Facts) -> Iterator[Finding]:
    """Processes that stay in D."""
    for process in facts.snapshot:
        if process.pid not in facts.stuck:
            continue
        since = facts.stuck[process.pid]
        where = process.wchan
        yield Finding(
            "uninterruptible",
            CRITICAL,
            f"{called(process)} is stuck in the kernel",
            f"state D for {age_text(since)}, in {where or 'a function that only root can see'}: "
            f"{command_line(process)}",
            "it waits for a disk, a network file system, a frozen control group or a driver; no "
            "signal gets through, not even KILL",
            "bring back what it waits for; a restart of the container would hang as well",
            (process.pid,),
        )


def storm(facts: Facts) -> Iterator[Finding]:
    """Many orphans of one command: a master died and left its workers behind."""
    snapshot = facts.snapshot
    first = snapshot.by_pid.get(1)
    by_name: dict[str, list[Process]] = {}
    for child in snapshot.children.get(1, ()):
        if not (child.stat.zombie or child.stat.kernel):
            by_name.setdefault(child.stat.comm, []).append(child)
    for name, namesakes in by_name.items():
        masters = [p for p in snapshot if p.stat.comm == name and _leads(p, name, snapshot)]
        orphans = [
            p
            for p in namesakes
            if adopted(p, first, snapshot) or any(m.stat.start > p.stat.start for m in masters)
        ]
        orphans = [p for p in orphans if p not in masters]
        if len(orphans) < STORM:
            continue
        again = masters[0] if masters else None
        yield Finding(
            "orphan-storm",
            CRITICAL,
            f"{len(orphans)} processes named {name} were left behind by their parent",
            f"all have PPID 1; the oldest is {age_text(orphans[0].age)} old"
            + (f", and {called(again)} with its own workers is younger" if again else ""),
            "their master died and nobody ended its workers"
            + ("; it was started again, and started new ones beside them" if again else ""),
            f"end them: reaperctl kill {_whom(orphans, namesakes)}; then find out what killed the "
            "master, and restart the container with it instead of the master alone",
            tuple(p.pid for p in orphans),
        )


def _whom(orphans: list[Process], namesakes: list[Process]) -> str:
    """The words for `reaperctl kill` that hit the orphans and no other child of PID 1."""
    if len(orphans) == len(namesakes):
        return "--parent 1 --name " + quote(f"^{re.escape(orphans[0].stat.comm)}$")
    pids = ",".join(str(process.pid) for process in orphans[:LISTED])
    return pids + (" (the oldest; look again for the rest)" if len(orphans) > LISTED else "")


def _leads(process: Process, name: str, snapshot: Snapshot) -> bool:
    """Whether it has children of its own name."""
    return process.pid != 1 and any(
        child.stat.comm == name for child in snapshot.children.get(process.pid, ())
    )
