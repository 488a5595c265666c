"""Which processes: the filters that ps, tree, kill and others share. Pure but for user names."""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .columns import STATUS
from .procfs import Process, Snapshot
from .states import STATES

T = TypeVar("T")


def _list(one: Callable[[str], T]) -> Callable[[str], frozenset[T]]:
    """A comma-separated list as an argparse type."""
    return lambda words: frozenset(one(word) for word in words.split(","))


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit()):
        raise argparse.ArgumentTypeError(f'"{word}" is no number')
    return int(word)


def _state(word: str) -> str:
    if word not in STATES:
        raise argparse.ArgumentTypeError(f'no state "{word}"; states are {" ".join(STATES)}')
    return word


def _user(word: str) -> int:
    if word.isascii() and word.isdigit():
        return int(word)
    from pwd import getpwnam  # noqa: PLC0415

    try:
        return getpwnam(word).pw_uid
    except KeyError:
        raise argparse.ArgumentTypeError(f'no user "{word}" here; a number works too') from None


def _pattern(word: str) -> re.Pattern[str]:
    try:
        return re.compile(word)
    except re.error as error:
        raise argparse.ArgumentTypeError(f'"{word}" is no pattern: {error}') from None


pids = _list(_number)


def _uids(process: Process) -> tuple[int, ...]:
    return (process.status and process.status.uids) or ()


@dataclass(frozen=True)
class Filter:
    """One filter: its option, what it takes, and which processes match what was given."""

    short: str
    metavar: str
    parse: Callable[[str], Any]
    help: str
    matches: Callable[[Any, Process], object]
    needs: tuple[str, ...] = ()


FILTERS = {
    "name": Filter("-n", "REGEX", _pattern, "the kernel's name (at most 15 bytes) matches",
                   lambda want, p: want.search(p.stat.comm)),
    "full": Filter("-f", "REGEX", _pattern, "the command with its arguments matches",
                   lambda want, p: want.search(p.command), ("argv",)),
    "state": Filter("-s", "STATES", _list(_state), "in one of these states: Z,D",
                    lambda want, p: p.stat.state in want),
    "user": Filter("-u", "USERS", _list(_user), "effective user, by name or number",
                   lambda want, p: want.intersection(_uids(p)[1:2]), STATUS),
    "group": Filter("-g", "PGIDS", pids, "in one of these process groups",
                    lambda want, p: p.stat.pgid in want),
    "session": Filter("-S", "SIDS", pids, "in one of these sessions",
                      lambda want, p: p.stat.sid in want),
    "parent": Filter("-P", "PPIDS", pids, "children of one of these",
                     lambda want, p: p.stat.ppid in want),
}  # fmt: skip


def add_filters(parser: argparse.ArgumentParser) -> None:
    """--name, --full, --state, --user, --group, --session, --parent."""
    group = parser.add_argument_group("filters (all must hold; lists with commas)")
    for name, row in FILTERS.items():
        group.add_argument(
            row.short, f"--{name}", metavar=row.metavar, type=row.parse, help=row.help
        )


def filtered(options: argparse.Namespace) -> list[str]:
    """The filters that were given."""
    return [name for name in FILTERS if getattr(options, name) is not None]


def needed(options: argparse.Namespace) -> tuple[str, ...]:
    """The parts of /proc that the filters given read."""
    return tuple(part for name in filtered(options) for part in FILTERS[name].needs)


def select(options: argparse.Namespace, snapshot: Snapshot) -> list[Process]:
    """The processes that match; where names decide, never this program itself, as in pgrep."""
    given = filtered(options)
    found = list(snapshot)
    for name in given:
        want, matches = getattr(options, name), FILTERS[name].matches
        found = [process for process in found if matches(want, process)]
    if {"name", "full"}.intersection(given):
        found = [process for process in found if process.pid != snapshot.own]
    return found
