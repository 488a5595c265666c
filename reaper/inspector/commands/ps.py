"""Processes: ids, state, memory, age and command.

Filters narrow the list down; several must all hold, and one that takes a list holds for any of it.

Examples:
  reaperctl ps                            every process
  reaperctl ps --state Z,D                zombies, and those that nothing can kill
  reaperctl ps --name nginx --pids        pids only, for scripts
  reaperctl ps -o pid,pss,command --sort -pss
"""

import argparse

from ..columns import PROCESS
from ..render.table import needs
from ..view import NOTHING, View, add_table_options

DEFAULT = "pid,ppid,pgid,sid,tty,stat,uid,euid,threads,rss,age,command"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_table_options(parser, PROCESS, DEFAULT)


def run(view: View) -> int:
    columns = view.columns(PROCESS)
    snapshot = view.snapshot(needs(columns))
    view.table(PROCESS, columns, snapshot)
    return NOTHING
