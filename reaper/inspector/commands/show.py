"""The anatomy of one process: who it is, where it comes from, what it does, holds and listens to.

Examples:
  reaperctl show 1            everything about PID 1
  reaperctl show self         about reaperctl itself
  reaperctl show 1 --json     the same for programs
"""

import argparse
from collections.abc import Iterable
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from ...escape import escaped
from ..answers.anatomy import Anatomy, examine
from ..answers.memory import KINDS, Part
from ..answers.states import STATES, UNKNOWN_STATE
from ..arguments import number
from ..errors import UserError
from ..reading.files import Limit
from ..reading.procfs import HOSTPID, NO_MEMORY, ZOMBIE, Stat
from ..render.columns import PROCESS, stat_flags, tty_name, user_name
from ..render.style import UNKNOWN, cpu, duration, size, state_style
from ..render.table import Column, choose, records
from ..view import NOTHING, View

PARTS = ("status", "argv", "memory", "cgroup", "wchan", HOSTPID)
LABEL = 12

THREADS: tuple[Column[Stat], ...] = (
    Column("tid", lambda t: t.pid, "thread id", "integer"),
    Column("state", lambda t: t.state, "state", style=state_style),
    Column("user", lambda t: t.user, "CPU time in user mode", "cpu"),
    Column("system", lambda t: t.system, "CPU time in the kernel", "cpu"),
    Column("name", lambda t: t.comm, "its name"),
)
REGIONS: tuple[Column[Part], ...] = (
    Column("kind", lambda part: part.kind, "kind"),
    Column("vss", lambda part: part.size, "virtual size", "bytes"),
    Column("rss", lambda part: part.memory.rss, "resident", "bytes"),
    Column("pss", lambda part: part.memory.pss, "shared pages divided by their sharers", "bytes"),
    Column("uss", lambda part: part.memory.uss, "not shared", "bytes"),
    Column("swap", lambda part: part.memory.swap, "swapped out", "bytes"),
    Column("meaning", lambda part: KINDS.get(part.kind, ""), "what it is"),
)


def _unlimited(limit: int | None) -> int | str:
    return "unlimited" if limit is None else limit


LIMITS: tuple[Column[Limit], ...] = (
    Column("name", lambda limit: limit.name, "resource", header="LIMIT"),
    Column("soft", lambda limit: _unlimited(limit.soft), "the limit in force", "integer"),
    Column("hard", lambda limit: _unlimited(limit.hard), "soft may be raised to it", "integer"),
    Column("unit", lambda limit: limit.unit, "unit"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", metavar="PID", type=_pid, help="a pid, or self")


def _pid(word: str) -> int | None:
    return None if word == "self" else number(word)


def run(view: View) -> int:
    pid = view.proc.own if view.options.pid is None else view.options.pid
    if pid is None:
        raise UserError("reaperctl itself is not in that /proc; name a pid")
    anatomy = examine(view.proc, view.process(pid, PARTS))
    if view.json:
        view.emit(**fields(anatomy))
    else:
        view.print(*text(view, anatomy))
    return NOTHING


def fields(a: Anatomy) -> dict[str, Any]:
    """The anatomy for JSON."""
    process = a.process
    status = process.status
    names = (
        "pid,hostpid,ppid,pgid,sid,tty,state,nice,threads,age,vss,rss,pss,uss,swap,cpu,wchan,comm"
    )
    (identity,) = records(choose(PROCESS, names), [process])
    return {
        **identity,
        "argv": process.argv,
        "exe": a.exe,
        "cwd": a.cwd,
        "uids": status and status.uids,
        "gids": status and status.gids,
        "nspids": status and status.nspids,
        "namespaces": a.namespaces,
        "cgroups": a.cgroups,
        "lineage": records(choose(PROCESS, "pid,ppid,comm"), a.lineage),
        "tasks": records(THREADS, a.threads),
        "memory": None if a.memory is None else records(REGIONS[:-1], a.memory),
        "descriptors": a.descriptors,
        "signals": a.signals,
        "limits": None if a.limits is None else [asdict(limit) for limit in a.limits],
    }


def text(view: View, a: Anatomy) -> Iterable[str]:
    """The anatomy for people, section by section."""
    for section in (_identity, _activity, _threads, _memory, _holdings, _signals, _limits):
        lines = list(section(view, a))
        if lines:
            yield from lines
            yield ""


def _line(view: View, label: str, value: object) -> str:
    shown = UNKNOWN if value in (None, "") else escaped(str(value))
    lines = [shown] if view.room is None else wrap(shown, max(20, view.room - LABEL))
    return view.paint(f"{label:<{LABEL}}", "bold") + ("\n" + " " * LABEL).join(lines)


def _ids(ids: tuple[int, ...] | None, named: bool = False) -> str | None:
    if ids is None:
        return None
    kinds = ("real", "effective", "saved")
    names = [f" ({user_name(i)})" if named else "" for i in ids]
    return ", ".join(f"{kind} {i}{name}" for kind, i, name in zip(kinds, ids, names, strict=False))


def _identity(view: View, a: Anatomy) -> Iterable[str]:
    stat, status = a.process.stat, a.process.status
    yield _line(view, "process", f"{stat.pid} {stat.comm}")
    yield _line(view, "command", a.process.command)
    yield _line(view, "program", a.exe)
    yield _line(view, "directory", a.cwd)
    yield _line(
        view, "ids",
        f"pid {stat.pid}, parent {stat.ppid}, group {stat.pgid}, session {stat.sid}, "
        f"terminal {tty_name(stat.tty) or 'none'}",
    )  # fmt: skip
    if view.proc.foreign:
        yield _line(view, "host pid", a.process.hostpid)
    nspids = (status and status.nspids) or ()
    if len(nspids) > 1:
        yield _line(view, "namespaced", f"pid {' > '.join(map(str, nspids))}, outermost first")
    yield _line(view, "user", _ids(status.uids if status else None, named=True))
    yield _line(view, "group", _ids(status.gids if status else None))
    chain = " < ".join(f"{p.stat.comm} ({p.pid})" for p in (a.process, *a.lineage))
    yield _line(view, "lineage", chain)
    spaces = ", ".join(f"{name} {number or UNKNOWN}" for name, number in a.namespaces.items())
    yield _line(view, "namespaces", spaces)
    yield _line(view, "cgroups", ", ".join(a.cgroups))


def _activity(view: View, a: Anatomy) -> Iterable[str]:
    stat = a.process.stat
    state = STATES.get(stat.state, UNKNOWN_STATE)
    yield _line(view, "state", f"{stat_flags(a.process)}: {state.name}, {state.meaning}")
    if a.process.wchan:
        yield _line(view, "sleeps in", a.process.wchan)
    if stat.state in "DTtZ":
        yield _line(view, "to do", state.cure)
    age = "unknown" if a.process.age is None else duration(a.process.age)
    yield _line(
        view, "time", f"started {age} ago; CPU {cpu(stat.user)} user, {cpu(stat.system)} system"
    )


def _threads(view: View, a: Anatomy) -> Iterable[str]:
    return view.lines(THREADS, a.threads) if len(a.threads) > 1 else ()


def _memory(view: View, a: Anatomy) -> Iterable[str]:
    stat = a.process.stat
    if stat.vss is None:
        lives = stat.state == ZOMBIE and not stat.zombie
        why = "unknown: its main thread has ended" if lives else "none: a zombie or a kernel thread"
        yield _line(view, "memory", why)
        return
    if a.memory is None:
        write = str if view.options.bytes else size
        seen = f"VSS {write(stat.vss)}, RSS {write(stat.rss or 0)}"
        yield _line(view, "memory", f"{seen}; root can read the rest")
        return
    total = sum((part.memory for part in a.memory), NO_MEMORY)
    whole = Part("total", sum(part.size for part in a.memory), total)
    yield from view.lines(REGIONS, [*a.memory, whole])


def _holdings(view: View, a: Anatomy) -> Iterable[str]:
    kinds = a.descriptors
    counted = (
        None
        if kinds is None
        else f"{sum(kinds.values())}: "
        + ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    )
    yield _line(view, "descriptors", counted if kinds else "none" if kinds == {} else None)


def _signals(view: View, a: Anatomy) -> Iterable[str]:
    for mask, names in a.signals.items():
        words = None if names is None else " ".join(n.removeprefix("SIG") for n in names) or "none"
        yield _line(view, mask, words)


def _limits(view: View, a: Anatomy) -> Iterable[str]:
    set_ones = [limit for limit in a.limits or () if limit.soft is not None]
    return view.lines(LIMITS, set_ones) if set_ones else ()
