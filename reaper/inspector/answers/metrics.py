"""Counts as metric families, and their text for Prometheus. Pure.

Format: Prometheus text exposition format 0.0.4. A family is listed even if it is zero, so that a
series does not vanish when all is well. What is not known is left out.
"""

from collections import Counter
from dataclasses import dataclass

from ...escape import escaped
from ..reading.procfs import Snapshot
from .states import STATES
from .tally import Tally
from .zombies import culprits

ROLES = ("main", "orphan", "other")
OUTSIDE = "outside"  # the name for a parent that is in another PID namespace or hidden


@dataclass(frozen=True)
class Family:
    """One metric: its samples are (labels, value)."""

    name: str
    kind: str  # gauge or counter
    help: str
    samples: tuple[tuple[dict[str, str], int], ...]


def of_snapshot(snapshot: Snapshot) -> list[Family]:
    """Processes by state, threads, zombies by the command of their parent."""
    states = Counter(process.stat.state for process in snapshot)
    zombies: Counter[str] = Counter()
    for culprit in culprits(snapshot):
        zombies[_clean(culprit.name or OUTSIDE)] += len(culprit.zombies)
    return [
        Family(
            "reaper_processes", "gauge", "Processes by state as in /proc/PID/stat.",
            tuple(({"state": s}, states[s]) for s in dict.fromkeys((*STATES, *states))),
        ),
        _one("reaper_threads", "gauge", "Threads of all processes.",
             sum(process.stat.threads for process in snapshot)),
        _one("reaper_zombies", "gauge", "Zombies.", zombies.total()),
        Family(
            "reaper_parent_zombies", "gauge", "Zombies by the command of the parent at fault.",
            tuple(({"parent": name}, count) for name, count in sorted(zombies.items())),
        ),
        _one("reaper_processes_unreadable", "gauge", "Processes that could not be read.",
             snapshot.unreadable),
    ]  # fmt: skip


def of_trace(tally: Tally) -> list[Family]:
    """Orphans adopted, processes reaped and lines lost, as the init's trace says."""
    reaped = Counter(dict.fromkeys(ROLES, 0))
    for role, count in tally.reaped.items():
        reaped[_clean(role)] += count
    return [
        _one("reaper_adopted_total", "counter", "Orphans that came to the init.", tally.adopted),
        Family(
            "reaper_reaped_total", "counter", "Processes that the init reaped, by role.",
            tuple(({"role": role}, count) for role, count in reaped.items()),
        ),
        _one("reaper_trace_lost_total", "counter", "Trace lines that could not be written.",
             tally.lost),
    ]  # fmt: skip


def _one(name: str, kind: str, meaning: str, value: int) -> Family:
    return Family(name, kind, meaning, (({}, value),))


def exposition(families: list[Family]) -> str:
    """The families as text that Prometheus reads."""
    lines = []
    for family in families:
        lines.append(f"# HELP {family.name} {family.help}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        for labels, value in family.samples:
            inner = ",".join(f'{name}="{_escape(text)}"' for name, text in labels.items())
            lines.append(f"{family.name}{{{inner}}} {value}" if inner else f"{family.name} {value}")
    return "\n".join(lines) + "\n"


def _clean(text: str) -> str:
    """A name as a label, escaped: Prometheus wants UTF-8, and a terminal may show the file."""
    return escaped(text)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
