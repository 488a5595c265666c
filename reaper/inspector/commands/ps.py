"""Processes: ids, state, memory, age and command.

Filters narrow the list down. A name filter never finds reaperctl itself.

Examples:
  reaperctl ps                            every process
  reaperctl ps --state Z,D                zombies, and those that nothing can kill
  reaperctl ps --name nginx --pids        pids only, for scripts
  reaperctl ps --full 'worker.*high'      by the whole command line, as pgrep -f
  reaperctl ps -o pid,pss,command --sort -pss
"""

import argparse

from ..columns import PROCESS
from ..select import add_filters, needed, pids, select
from ..view import NOTHING, View, add_table_options

DEFAULT = "pid,ppid,pgid,sid,tty,stat,uid,euid,threads,rss,age,command"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", nargs="?", metavar="PIDS", type=pids, help="these only: 1,17")
    parser.add_argument("--pids", action="store_true", help="print the pids alone, one a line")
    add_filters(parser)
    add_table_options(parser, PROCESS, DEFAULT)


def run(view: View) -> int:
    options = view.options
    if options.pids:
        options.columns, options.headers = "pid", False
    columns = view.columns(PROCESS)
    snapshot = view.snapshot((*view.needs(PROCESS, columns), *needed(options)), options.pid)
    found = select(options, snapshot)
    if options.pids and not view.json:
        view.print(*(str(process.pid) for process in view.sorted(PROCESS, found)))
    else:
        view.table(PROCESS, columns, found)
    return NOTHING
