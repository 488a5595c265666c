"""What `top` says above its table: the sums over all processes, and the machine's numbers. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...escape import escaped
from ..reading.procfs import unseen
from ..reading.sampling import Row
from ..render.style import UNKNOWN, size
from .states import STATES, UNKNOWN_STATE


@dataclass(frozen=True)
class Totals:
    """The numbers in the lines above the table: bytes, percent of one CPU, reaps per second."""

    states: Mapping[str, int]
    threads: int
    percent: float | None
    cpus: int | None
    load: str = ""
    memory_used: int | None = None
    memory_limit: int | None = None
    memory_of: str = "machine"  # or "control group": whose limit it is
    traced: bool = False
    reaped: int | None = None  # since the start of the trace
    adopted: int | None = None
    reaped_rate: float | None = None  # None before the second look
    adopted_rate: float | None = None
    unreadable: int = 0
    hidden: bool = False


def totals_of(rows: Iterable[Row]) -> Totals:
    """What the rows of all processes add up to."""
    rows = list(rows)
    known = [row.percent for row in rows if row.percent is not None]
    return Totals(
        dict(Counter(row.process.stat.state for row in rows)),
        sum(row.process.stat.threads for row in rows),
        sum(known) if known else None,
        None,
    )


def summary(totals: Totals) -> list[str]:
    """The lines above the table."""
    count = sum(totals.states.values())
    states = ", ".join(
        f"{number} {STATES.get(letter, UNKNOWN_STATE).name}"
        for letter, number in sorted(totals.states.items(), key=lambda item: -item[1])
    )
    cpus = f"{100 * totals.cpus} % ({totals.cpus} CPUs)" if totals.cpus else UNKNOWN
    return [
        f"processes {count}: {states}; {totals.threads} threads",
        f"cpu       {_number(totals.percent)} % of {cpus}; load {escaped(totals.load)}",
        f"memory    {_memory(totals)}",
        f"reaped    {_reaped(totals)}",
        *(f"unseen    {sentence}" for sentence in unseen(totals.hidden, totals.unreadable)),
    ]


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}"


def _memory(totals: Totals) -> str:
    used, limit = totals.memory_used, totals.memory_limit
    if used is None or not limit:
        return UNKNOWN
    return f"{size(used)} of {size(limit)} ({100 * used / limit:.0f} %) of the {totals.memory_of}"


def _reaped(totals: Totals) -> str:
    if not totals.traced:
        return f"{UNKNOWN} (needs --trace FILE, which reaper --trace writes)"
    return (
        f"{_number(totals.reaped_rate)}/s, {totals.reaped} in all; "
        f"adopted {_number(totals.adopted_rate)}/s, {totals.adopted} in all"
    )
