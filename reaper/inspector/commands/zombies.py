"""Zombies by the parent that does not wait for them: how many, since when, and why.

A child that has only just ended is not a leak, so it looks twice, a moment apart.
Exit code: 1 if there are more zombies than --max, else 0.

Examples:
  reaperctl zombies                    who leaves zombies, and what to do
  reaperctl zombies --max 50           unhealthy above 50, for a HEALTHCHECK
  reaperctl zombies --settle 2         only what is still there after 2 seconds
"""

import argparse
from collections import Counter

from ...escape import escaped
from ..answers.twice import look_twice
from ..answers.zombies import Culprit, culprits
from ..arguments import number
from ..render.table import Column
from ..view import FOUND, NOTHING, View, add_settle, add_table_options

PARTS = ("status", "argv", "wchan")


def _names(culprit: Culprit) -> str:
    counts = Counter(zombie.stat.comm for zombie in culprit.zombies)
    return ", ".join(
        name if count == 1 else f"{count} {name}" for name, count in counts.most_common(3)
    ) + (", ..." if len(counts) > 3 else "")


COLUMNS: tuple[Column[Culprit], ...] = (
    Column("ppid", lambda c: c.ppid, "the parent at fault", "integer"),
    Column(
        "hostpid",
        lambda c: c.parent and c.parent.hostpid,
        "its pid outside the container",
        "integer",
        ("hostpid",),
    ),
    Column("parent", lambda c: c.name, "its name"),
    Column("count", lambda c: len(c.zombies), "its zombies", "integer"),
    Column("oldest", lambda c: c.oldest, "time since the oldest was started", "seconds"),
    Column("reason", lambda c: c.reason.key, "why it does not wait, in a word"),
    Column("zombies", _names, "names of the zombies"),
    Column("pids", lambda c: [zombie.pid for zombie in c.zombies], "pids of the zombies"),
    Column(
        "hostpids",
        lambda c: [zombie.hostpid for zombie in c.zombies],
        "their pids outside the container",
        needs=("hostpid",),
    ),
    Column("cause", lambda c: c.cause, "why it does not wait, in a sentence"),
    Column("cure", lambda c: c.cure, "what to do, in a sentence"),
)
DEFAULT = "ppid,parent,count,oldest,reason,zombies"
DEFAULT_JSON = f"{DEFAULT},pids,cause,cure"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--max", type=number, default=0, metavar="N", help="accept up to N (0)")
    add_settle(parser)
    add_table_options(parser, COLUMNS, DEFAULT, json=DEFAULT_JSON)


def run(view: View) -> int:
    options = view.options
    shown = view.columns(COLUMNS)
    parts = (*PARTS, *view.needs(COLUMNS, shown))
    looks = look_twice(view.snapshot, parts, options.settle, lambda p: p.stat.zombie)
    blamed = culprits(looks.last)
    count = sum(len(culprit.zombies) for culprit in blamed)
    if view.json:
        view.table(COLUMNS, shown, blamed, count=count)
    elif blamed:
        view.table(COLUMNS, shown, blamed)
        if options.headers:
            said = (line for c in blamed for line in (f"{c.cause}.", f"  -> {c.cure}."))
            view.print("", *map(escaped, said))
    elif options.headers:
        view.print("no zombies")
    return FOUND if count > options.max else NOTHING
