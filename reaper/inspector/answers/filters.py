"""The filters by which ps, states, mem, top and kill choose processes.

Pure, except that it looks up the names of users and groups.
"""

import argparse
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from ..arguments import number, seconds
from ..reading.procfs import Process, Snapshot
from ..render.columns import STATUS, id_of, tty_name
from .states import STATES

R = TypeVar("R")
T = TypeVar("T")


def itself(row: Any) -> Any:
    """Return the row itself, for rows that are processes."""
    return row


def _list(one: Callable[[str], T]) -> Callable[[str], frozenset[T]]:
    """Make an argparse type that takes a list with commas."""
    return lambda words: frozenset(one(word) for word in words.split(","))


def _state(word: str) -> str:
    if word not in STATES:
        raise argparse.ArgumentTypeError(f'no state "{word}"; states are {" ".join(STATES)}')
    return word


def _uid(name: str) -> int:
    from pwd import getpwnam  # noqa: PLC0415

    return getpwnam(name).pw_uid


def _gid(name: str) -> int:
    from grp import getgrnam  # noqa: PLC0415

    return getgrnam(name).gr_gid


def _named(kind: str, look: Callable[[str], int]) -> Callable[[str], int]:
    """Make an argparse type that takes a number, or a name that this system knows."""

    def parse(word: str) -> int:
        if word.isascii() and word.isdigit():
            return int(word)
        try:
            return look(word)
        except KeyError:
            message = f'no {kind} "{word}" here; a number works too'
            raise argparse.ArgumentTypeError(message) from None

    return parse


def _pattern(word: str) -> re.Pattern[str]:
    try:
        return re.compile(word)
    except re.error as error:
        raise argparse.ArgumentTypeError(f'"{word}" is not a pattern: {error}') from None


pids = _list(number)


@dataclass(frozen=True)
class Filter:
    """One filter: its option, what it takes, and which processes match what was given."""

    short: str  # empty if it has none
    metavar: str
    parse: Callable[[str], Any]
    help: str
    matches: Callable[[Any, Process], object]
    needs: tuple[str, ...] = ()


FILTERS = {
    "name": Filter("-n", "REGEX", _pattern, "the kernel's name for it (at most 15 bytes) matches",
                   lambda want, p: want.search(p.stat.comm)),
    "full": Filter("-f", "REGEX", _pattern, "the command with its arguments matches",
                   lambda want, p: want.search(p.command), ("argv",)),
    "state": Filter("-s", "STATES", _list(_state), "in one of these states: Z,D",
                    lambda want, p: p.stat.state in want),
    "user": Filter("-u", "USERS", _list(_named("user", _uid)), "effective user, by name or number",
                   lambda want, p: id_of(p, "uids", 1) in want, STATUS),
    "real_user": Filter("-U", "USERS", _list(_named("user", _uid)), "real user",
                        lambda want, p: id_of(p, "uids", 0) in want, STATUS),
    "real_group": Filter("-G", "GROUPS", _list(_named("group", _gid)), "real group",
                         lambda want, p: id_of(p, "gids", 0) in want, STATUS),
    "group": Filter("-g", "PGIDS", pids, "in one of these process groups",
                    lambda want, p: p.stat.pgid in want),
    "session": Filter("-S", "SIDS", pids, "in one of these sessions",
                      lambda want, p: p.stat.sid in want),
    "parent": Filter("-P", "PPIDS", pids, "children of one of these",
                     lambda want, p: p.stat.ppid in want),
    "tty": Filter("", "TTYS", _list(str), "on one of these terminals: pts/0; - for no terminal",
                  lambda want, p: (tty_name(p.stat.tty) or "-") in want),
    "older": Filter("", "SECONDS", seconds(most=1e10), "started at least this long ago",
                    lambda want, p: p.age is not None and p.age >= want),
    "cgroup": Filter("", "REGEX", _pattern, "the path of one of its control groups matches",
                     lambda want, p: any(want.search(each.path) for each in p.cgroup or ()),
                     ("cgroup",)),
}  # fmt: skip


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add an option for each of `FILTERS`, and --invert, --newest and --oldest."""
    group = parser.add_argument_group("filters (all must match; lists with commas)")
    for name, row in FILTERS.items():
        flags = [*([row.short] if row.short else []), f"--{name.replace('_', '-')}"]
        group.add_argument(*flags, metavar=row.metavar, type=row.parse, help=row.help)
    group.add_argument("--invert", action="store_true", help="choose those that do not match")
    one = group.add_mutually_exclusive_group()
    one.add_argument("--newest", action="store_true", help="of those, only the one started last")
    one.add_argument("--oldest", action="store_true", help="of those, only the one started first")


def filtered(options: argparse.Namespace) -> list[str]:
    """The names of the filters that were given."""
    return [name for name in FILTERS if getattr(options, name) is not None]


def needed(options: argparse.Namespace) -> tuple[str, ...]:
    """The parts of /proc that the given filters read."""
    return tuple(part for name in filtered(options) for part in FILTERS[name].needs)


def selected(options: argparse.Namespace, snapshot: Snapshot) -> list[Process]:
    """The processes that match. With --name, --full, --newest or --oldest, without this program."""
    narrow = {"name", "full"}.intersection(filtered(options)) or options.newest or options.oldest
    own = snapshot.own if narrow else None
    return choose(options, (process for process in snapshot if process.pid != own))


def choose(
    options: argparse.Namespace, rows: Iterable[R], process_of: Callable[[R], Process] = itself
) -> list[R]:
    """The rows whose process matches."""
    given = [(FILTERS[name].matches, getattr(options, name)) for name in filtered(options)]
    matching = [
        row
        for row in rows
        if all(matches(want, process_of(row)) for matches, want in given) is not options.invert
    ]
    if not (options.newest or options.oldest) or not matching:
        return matching

    def start(row: R) -> tuple[float, int]:
        stat = process_of(row).stat
        return stat.start, stat.pid

    return [max(matching, key=start) if options.newest else min(matching, key=start)]
