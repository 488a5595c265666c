"""Who started whom: the forest of processes, with adopted orphans and zombies marked.

Several roots are normal in a container: a process that came by `docker exec` has parent 0.
(adopted) marks a process that is certainly an orphan; an unmarked one may be an orphan, too.

Examples:
  reaperctl tree                   every process
  reaperctl tree 17                process 17 and its descendants
  reaperctl tree --threads 17      with its threads
  reaperctl tree -o pid,pgid,sid,user,command --sort -rss
"""

import argparse
from dataclasses import replace
from typing import Any

from ..answers.tree import Row, draw
from ..arguments import number
from ..reading.procfs import Process
from ..render.columns import PROCESS
from ..render.table import Column, needs
from ..view import NOTHING, View, add_table_options

# A thread has its own value in these columns. The other columns of its row show `–`.
_OF_THREAD = {"pid", "stat", "state", "cpu"}


def _of_row(column: Column[Process]) -> Column[Row]:
    def value(row: Row) -> Any:
        if row.thread is None:
            return column.value(row.process)
        if column.name in _OF_THREAD:
            return column.value(replace(row.process, stat=row.thread))
        return None

    return replace(column, value=value)  # type: ignore[arg-type, return-value]


COLUMNS: tuple[Column[Row], ...] = (
    *(_of_row(column) for column in PROCESS if column.name != "command"),
    Column("depth", lambda row: row.depth, "how many steps it is below its root", "integer"),
    Column("adopted", lambda row: row.adopted, "whether it is certainly an orphan"),
    Column("command", lambda row: row.label, "branches, arguments and marks"),
)
DEFAULT = "pid,stat,rss,age,command"
DEFAULT_JSON = "pid,ppid,state,depth,adopted,rss,age,comm"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", nargs="?", type=number, metavar="PID", help="the root to show (all)")
    parser.add_argument("-t", "--threads", action="store_true", help="also show threads, by TID")
    add_table_options(parser, COLUMNS, DEFAULT, json=DEFAULT_JSON)


def run(view: View) -> int:
    options = view.options
    shown = view.columns(COLUMNS)
    snapshot = view.snapshot(("argv", *needs(shown), *view.needs(PROCESS, ())))
    siblings = view.sorted(PROCESS, snapshot)
    options.sort = ""  # they are sorted: the table must keep the order of the forest
    root = None if options.pid is None else view.process(options.pid).pid
    rows = draw(snapshot, siblings, root)
    if options.threads:
        rows = [line for row in rows for line in (row, *_threads(view, row))]
    view.table(COLUMNS, shown, rows)
    return NOTHING


def _threads(view: View, row: Row) -> list[Row]:
    if row.process.stat.threads < 2:
        return []
    below = row.branches.replace("├─", "│ ").replace("└─", "  ")
    return [
        Row(row.process, row.depth + 1, f"{below}· ", thread=thread.stat)
        for thread in view.proc.threads(row.pid)
        if thread.pid != row.pid
    ]
