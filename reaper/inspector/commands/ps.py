"""Processes: ids, state, memory, age and command.

Filters narrow the list down. A name filter never finds reaperctl itself.

Examples:
  reaperctl ps                            every process
  reaperctl ps --state Z,D                zombies, and those stuck in the kernel
  reaperctl ps --name nginx --pids        pids only, for scripts
  reaperctl ps --full 'worker.*high'      by the whole command line, as with pgrep -f
  reaperctl ps -o pid,pss,command --sort -pss
  reaperctl ps --threads --name java      each thread, by TID
  reaperctl ps -o user,pid,pcpu,pmem,vss,rss,tty,stat,started,cpu,command     as ps aux
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from ..answers.filters import add_filters, needed, pids, selected
from ..reading.procfs import Process
from ..render.columns import PROCESS, lifted
from ..render.table import Column
from ..view import NOTHING, View, add_table_options

DEFAULT = "pid,ppid,pgid,sid,tty,stat,uid,euid,threads,rss,age,command"
DEFAULT_THREADS = "pid,tid,state,user,priority,nice,processor,cpu,age,comm"


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread, read as if it were a process, and the pid of its process."""

    pid: int
    task: Process


THREADS: tuple[Column[Thread], ...] = (
    Column("pid", lambda row: row.pid, "process id", "integer"),
    Column("tid", lambda row: row.task.pid, "thread id, with --threads", "integer"),
    *lifted(PROCESS[1:], lambda row: row.task),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", nargs="?", metavar="PIDS", type=pids, help="only these: 1,17")
    parser.add_argument("--pids", action="store_true", help="print only the pids, one per line")
    parser.add_argument("-T", "--threads", action="store_true", help="list their threads, by TID")
    add_filters(parser)
    add_table_options(parser, PROCESS, DEFAULT)


def run(view: View) -> int:
    options = view.options
    if options.pids:
        options.columns, options.headers = "pid", False
    if options.threads:
        return _threads(view)
    columns = view.columns(PROCESS)
    snapshot = view.snapshot((*view.needs(PROCESS, columns), *needed(options)), options.pid)
    processes = selected(options, snapshot)
    if options.pids and not view.json:
        view.print(*(str(process.pid) for process in view.sorted(PROCESS, processes)))
    else:
        view.table(PROCESS, columns, processes)
    return NOTHING


def _threads(view: View) -> int:
    columns = view.columns(THREADS, DEFAULT_THREADS)
    parts = view.needs(THREADS, columns)
    snapshot = view.snapshot((*parts, *needed(view.options)), view.options.pid)

    def rows() -> Iterator[Thread]:
        for process in selected(view.options, snapshot):
            for task in view.proc.threads(process.pid, parts, snapshot.uptime):
                yield Thread(process.pid, task)

    view.table(THREADS, columns, rows())
    return NOTHING
