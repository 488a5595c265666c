"""Memory per process or summed by command, and what a sum of RSS counts more than once.

VSS is the mapped memory, RSS the resident part of it. The RSS of each process contains the pages
that it shares with others. PSS divides shared pages by the number of their sharers, so that a sum
of PSS is true. USS leaves them out: it is what the end of the process would free. Only root or the
same user can read PSS and USS.

Examples:
  reaperctl mem                      every process, the largest PSS first
  reaperctl mem --by-command         summed by name: forked workers are one line
  reaperctl mem --by-user            summed by effective user
  reaperctl mem --name gunicorn      some of them
"""

import argparse
from typing import Any

from ..answers.filters import add_filters, needed, selected
from ..answers.memory import Sum, add_up, sums
from ..reading import cgroup
from ..reading.procfs import Process
from ..render.columns import PROCESS, user
from ..render.style import UNKNOWN, size
from ..render.table import Column, choose, records
from ..view import NOTHING, View, add_table_options

EACH: tuple[Column[Process], ...] = tuple(
    choose(PROCESS, "pid,ppid,hostpid,user,vss,rss,pmem,shr,pss,uss,swap,comm,command")
)
SUMS: tuple[Column[Sum], ...] = (
    Column("count", lambda s: s.count, "processes", "integer"),
    Column("vss", lambda s: s.vss, "virtual size", "bytes"),
    Column("rss", lambda s: s.rss, "resident size, shared pages in full", "bytes"),
    Column(
        "pss",
        lambda s: s.memory.pss if s.known else None,
        "shared pages divided by their sharers",
        "bytes",
    ),
    Column("uss", lambda s: s.memory.uss if s.known else None, "without shared pages", "bytes"),
    Column("swap", lambda s: s.memory.swap if s.known else None, "swapped out", "bytes"),
    Column("twice", lambda s: s.twice if s.known else None, "RSS minus PSS", "bytes"),
)
COMMANDS = (*SUMS, Column[Sum]("comm", lambda s: s.name, "the kernel's name"))
USERS = (*SUMS, Column[Sum]("user", lambda s: s.name, "effective user"))
DEFAULT = "pid,vss,rss,pss,uss,swap,command"
DEFAULT_SUMS = "count,vss,rss,pss,uss,swap"


def arguments(parser: argparse.ArgumentParser) -> None:
    by = parser.add_mutually_exclusive_group()
    by.add_argument(
        "-c", "--by-command", action="store_true", help=f"sum up by name ({DEFAULT_SUMS},comm)"
    )
    by.add_argument("--by-user", action="store_true", help="sum up by effective user")
    add_filters(parser)
    add_table_options(parser, EACH, DEFAULT, "-pss")


def run(view: View) -> int:
    options = view.options
    summed = options.by_command or options.by_user
    known = USERS if options.by_user else COMMANDS
    shown = view.columns(known, f"{DEFAULT_SUMS},{known[-1].name}") if summed else []
    each = [] if summed else view.columns(EACH)
    parts = view.needs(EACH, each) if each else ()
    snapshot = view.snapshot(("memory", "status", "argv", *parts, *needed(options)))
    processes = [p for p in selected(options, snapshot) if p.stat.vss is not None]
    total = add_up(processes)
    if total.known < total.count:
        view.note(
            f"the PSS of {total.count - total.known} of {total.count} processes could not be read; "
            "root can read it"
        )
    charged = cgroup.read(view.proc)
    summary = _summary(total, charged)
    if summed:
        view.table(
            known, shown, sums(processes, user_of if options.by_user else comm_of), **summary
        )
    else:
        summary["commands"] = records(COMMANDS, sums(processes, comm_of))
        view.table(EACH, each, processes, **summary)
    if not view.json and options.headers:
        view.print("", *sentences(total, charged, exact=options.bytes))
    return NOTHING


def comm_of(process: Process) -> str:
    return process.stat.comm


def user_of(process: Process) -> str:
    return user(process) or UNKNOWN


def _summary(total: Sum, charged: cgroup.Cgroup) -> dict[str, Any]:
    return {
        "total": {column.name: column.value(total) for column in SUMS},
        "cgroup": {
            "used": charged.memory.used,
            "limit": charged.memory.limit,
            "peak": charged.memory.peak,
            "cache": charged.cache,
            "oom_kills": charged.oom_kills,
        },
    }


def sentences(total: Sum, charged: cgroup.Cgroup, exact: bool = False) -> list[str]:
    """What the sums mean."""

    def write(value: int) -> str:
        return str(value) if exact else size(value)

    lines = [
        f"{total.count} process{'es' * (total.count != 1)}: RSS {write(total.rss)}"
        + (f", PSS {write(total.memory.pss)}, USS {write(total.memory.uss)}" if total.known else "")
    ]
    if total.known:
        lines.append(
            f"The sum of RSS counts {write(total.twice)} of shared pages more than once; "
            "the sum of PSS does not."
        )
    used, limit = charged.memory.used, charged.memory.limit
    if used is not None:
        cache = f", {write(charged.cache)} of it page cache" if charged.cache is not None else ""
        bound = f"of {write(limit)}" if limit else "without a limit"
        lines.append(f"The control group charges {write(used)}{cache}, {bound}.")
    return lines
