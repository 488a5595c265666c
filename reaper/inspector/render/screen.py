"""What `top` shows and what its keys do: pure functions from state and samples to lines."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ...escape import escaped
from ..answers.states import STATES, UNKNOWN_STATE
from ..reading.procfs import Process, unseen
from ..reading.sampling import Row
from .columns import PROCESS, STATUS, lifted
from .style import UNKNOWN, cut, paint, size
from .table import Column, choose


def _rate(column: Column[Process]) -> Column[Row]:
    return Column(
        f"{column.name}/s",
        lambda row: row.rate(column.value),
        f"{column.meaning}, per second",
        "bytes" if column.kind == "bytes" else "percent",  # one digit after the point
        column.needs or STATUS,
    )


COLUMNS: tuple[Column[Row], ...] = (
    Column("pid", lambda row: row.pid, "process id", "integer"),
    Column("tid", lambda row: row.process.stat.pid, "thread id, with --threads", "integer"),
    Column("percent", lambda row: row.percent, "percent of one CPU, since the last look", "percent",
           header="CPU%"),
    Column("usr", lambda row: row.user, "the part in user mode", "percent", header="USR%"),
    Column("sys", lambda row: row.system, "the part in the kernel", "percent", header="SYS%"),
    Column("waiting", lambda row: row.rate(lambda p: p.wait and 100 * p.wait),
           "percent of the time that it waited for a CPU", "percent", ("wait",), "WAIT%"),
    *map(_rate, choose(PROCESS, "minflt,majflt,cswch,nvcswch,read,written")),
    *lifted(PROCESS[1:], lambda row: row.process),
)  # fmt: skip
DEFAULT = "pid,user,state,threads,percent,rss,cpu,age,command"
THREADS = "pid,tid,user,state,percent,cpu,age,comm"
BUSIEST = "-percent,-cpu"


@dataclass(frozen=True)
class Screen:
    """What the user wants to see."""

    sort: str = BUSIEST  # as --sort
    name: str = ""  # show only names that contain this, in upper or lower case
    typing: bool = False  # the name is being typed
    threads: bool = False
    zombies: bool = False
    help: bool = False
    quit: bool = False


@dataclass(frozen=True)
class Key:
    """What a key does, and the words for it in the help."""

    act: Callable[[Screen], Screen]
    help: str


KEYS = {
    "q": Key(lambda screen: replace(screen, quit=True), "quit"),
    "P": Key(lambda screen: replace(screen, sort=BUSIEST), "sort by CPU"),
    "M": Key(lambda screen: replace(screen, sort="-rss"), "sort by memory"),
    "T": Key(lambda screen: replace(screen, sort="-cpu"), "sort by CPU time"),
    "N": Key(lambda screen: replace(screen, sort="pid"), "sort by pid"),
    "/": Key(lambda screen: replace(screen, typing=True, name=""),
             "filter by name: Enter keeps it, Esc ends it"),
    "H": Key(lambda screen: replace(screen, threads=not screen.threads), "threads or processes"),
    "z": Key(lambda screen: replace(screen, zombies=not screen.zombies), "zombies only, or all"),
    "?": Key(lambda screen: replace(screen, help=True), "help; any key ends it"),
}  # fmt: skip
HINT = "q quit  P M T N sort  / filter  H threads  z zombies  ? help"


def press(screen: Screen, key: str) -> Screen:
    """The state after a key. A key that means nothing changes nothing."""
    if screen.typing:
        return _typed(screen, key)
    if screen.help and key != "q":
        return replace(screen, help=False)
    return KEYS[key].act(screen) if key in KEYS else screen


def _typed(screen: Screen, key: str) -> Screen:
    if key in "\r\n":
        return replace(screen, typing=False)
    if key == "\x1b":
        return replace(screen, typing=False, name="")
    if key in "\x7f\b":
        return replace(screen, name=screen.name[:-1])
    return replace(screen, name=screen.name + key) if key.isprintable() else screen


def chosen(screen: Screen, rows: Iterable[Row]) -> list[Row]:
    """The rows that the user wants to see."""
    name = screen.name.casefold()
    return [
        row
        for row in rows
        if (not screen.zombies or row.process.stat.zombie)
        and (not name or name in row.process.stat.comm.casefold())
    ]


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


def head(screen: Screen, totals: Totals, width: int, colour: bool) -> list[str]:
    """The summary, and one line that names the filter or, if there is none, the keys."""
    marks = [
        f"/{escaped(screen.name)}" + ("_" if screen.typing else "")
        if screen.typing or screen.name
        else "",
        "threads" if screen.threads else "",
        "zombies only" if screen.zombies else "",
    ]
    state = "  ".join(mark for mark in marks if mark)
    first, *others = summary(totals)
    styled: list[tuple[str, str | None]] = [
        (first, "red" if totals.states.get("Z") else None),
        *((line, None) for line in others),
        (state or HINT, "cyan" if state else "dim"),
    ]
    return [paint(cut(text, width), style if colour else None) for text, style in styled]


def help_lines(interval: float) -> list[str]:
    """The help screen."""
    return [
        f"reaperctl top looks every {interval:g} s",
        "",
        *(f"  {key}  {row.help}" for key, row in KEYS.items()),
        "",
        "CPU% is the share of one CPU since the last look; – is unknown.",
    ]
