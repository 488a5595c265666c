"""The screen of `top`: its columns, what its keys do, and the lines to draw. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ...escape import escaped
from ..reading.procfs import Process
from ..reading.sampling import Row
from .columns import PROCESS, STATUS, lifted
from .style import cut, paint
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


def head(
    screen: Screen, summary: Sequence[str], alarm: bool, width: int, colour: bool
) -> list[str]:
    """The summary, and one line that names the filter or, if there is none, the keys.

    With `alarm`, the first line is red.
    """
    marks = [
        f"/{escaped(screen.name)}" + ("_" if screen.typing else "")
        if screen.typing or screen.name
        else "",
        "threads" if screen.threads else "",
        "zombies only" if screen.zombies else "",
    ]
    state = "  ".join(mark for mark in marks if mark)
    first, *others = summary
    styled: list[tuple[str, str | None]] = [
        (first, "red" if alarm else None),
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
