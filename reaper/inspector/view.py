"""What every command is given: a `View` with the options, the /proc to look at, and the output.

How a command is added
----------------------
1. Write `commands/NAME.py` with what a `command.Command` has. Its docstring is its help: the first
   line says what it shows, the rest holds an `Examples:` block.
2. Add a row to the table `COMMANDS` in `commands/__init__.py`.

A view that prints rows is mostly `Column`s (`inspector.render.columns` has those of a process):

       columns = view.columns(COLUMNS)                      # -o; a bad one is a usage error
       snapshot = view.snapshot(view.needs(COLUMNS, columns))    # reads no more than that
       view.table(COLUMNS, columns, snapshot.processes)     # --sort, --json, width, colour

For a mistake of the user, `raise UserError("one sentence that says what to do")`: exit code 2.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO, TypeVar

from .arguments import seconds
from .errors import UserError
from .reading.procfs import HOSTPID, Proc, Process, Snapshot, Status, unseen
from .render import table
from .render.style import paint
from .render.table import Column, choose

NOTHING, FOUND, ERROR = 0, 1, 2

SCHEMA = 1  # of the JSON output: raise it with a change that breaks programs that read it

R = TypeVar("R")


def require(snapshot: Snapshot, pids: Iterable[int]) -> None:
    """Raise UserError for the first pid that is not there."""
    for pid in pids:
        if pid not in snapshot.by_pid:
            raise _missing(pid)


def _missing(pid: int) -> UserError:
    return UserError(f"no process {pid}; reaperctl ps lists those that are there")


class View:
    """One run of one command."""

    def __init__(
        self,
        options: argparse.Namespace,
        proc: Proc,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.options = options
        self.proc = proc
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.notes: list[str] = []

    # Reading

    def snapshot(self, parts: Iterable[str] = (), pids: Iterable[int] | None = None) -> Snapshot:
        """Read the processes, and note what could not be read."""
        for pid in pids or ():
            self._require_process(pid)
        snapshot = self.proc.snapshot(parts, pids)
        if not snapshot.unreadable:
            require(snapshot, pids or ())
        for sentence in unseen(snapshot.hidden, snapshot.unreadable):
            self.note(sentence)
        return snapshot

    def process(self, pid: int, parts: Iterable[str] = ()) -> Process:
        """Read one process. Raises UserError if it is not there or may not be read."""
        self._require_process(pid)
        try:
            return self.proc.process(pid, parts, self.proc.uptime)
        except PermissionError:
            raise UserError(f"process {pid}: no permission; try it as root") from None
        except OSError:
            self.proc.pids()  # raises UserError if there is no /proc
            raise _missing(pid) from None

    def _require_process(self, pid: int) -> None:
        """Raise UserError if it is a thread: /proc does not list threads, but it has them."""
        leader = Status(self.proc.maybe(f"{pid}/status") or b"").number(b"Tgid")
        if leader not in (None, pid):
            raise UserError(f"{pid} is a thread of process {leader}; name the process")

    # Output

    @property
    def json(self) -> bool:
        """Whether the output is for a program."""
        return bool(getattr(self.options, "json", False))

    @property
    def colour(self) -> bool:
        """--color decides, else NO_COLOR, else FORCE_COLOR, else whether stdout is a terminal."""
        choice = getattr(self.options, "color", "auto")
        if choice != "auto":
            return bool(choice == "always")
        if os.environ.get("NO_COLOR"):
            return False
        return bool(os.environ.get("FORCE_COLOR")) or self.out.isatty()

    @property
    def room(self) -> int | None:
        """How many columns to fill: $COLUMNS, else the terminal's, else 80; None with --wide."""
        if getattr(self.options, "wide", False):
            return None
        asked = os.environ.get("COLUMNS", "")
        if asked.isdecimal() and len(asked) < 10:
            return int(asked) or 80
        try:
            return os.get_terminal_size(self.out.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def paint(self, text: str, style: str | None) -> str:
        """The text in a style, if colours are wanted."""
        return paint(text, style) if self.colour else text

    def note(self, text: str) -> None:
        """Tell the reader something about this output, once: on stderr, or in the JSON."""
        if text not in self.notes:
            self.notes.append(text)

    def print(self, *lines: str) -> None:
        """Print lines for people. Text from outside must be `escaped` before."""
        if lines:
            self.out.write("\n".join(lines) + "\n")

    def emit(self, **fields: Any) -> None:
        """Print the whole answer as one JSON object. docs/reaperctl*.md document the keys."""
        self.out.write(self.encoded(**fields))

    def encoded(self, **fields: Any) -> str:
        """The JSON object that `emit` prints, as text."""
        head = {"v": SCHEMA, "view": self.options.command}
        return json.dumps({**head, **fields, "notes": self.notes}, indent=1) + "\n"

    def columns(self, columns: Sequence[Column[R]], default: str = "") -> list[Column[R]]:
        """The columns that -o asks for, else those of `default` or of the command.

        If we look into a container, the default columns also show the pids on this side. A mistake
        in --sort is reported here, too, before anything is read.
        """
        options = self.options
        table.sort_columns(columns, options.sort)
        if options.columns is not None:
            return choose(columns, options.columns)
        default = default or (options.json_columns if self.json else options.default_columns)
        chosen = choose(columns, default)
        if self.proc.foreign and HOSTPID not in {column.name for column in chosen}:
            chosen[1:1] = [column for column in columns if column.name == HOSTPID]
        return chosen

    def needs(self, known: Sequence[Column[R]], shown: Sequence[Column[R]]) -> tuple[str, ...]:
        """The parts of /proc that the columns shown and those of --sort read."""
        sorting = (column for _, column in table.sort_columns(known, self.options.sort))
        return table.needs((*shown, *sorting))

    def sorted(self, columns: Sequence[Column[R]], rows: Iterable[R]) -> list[R]:
        """The rows as --sort asks."""
        keys = self.options.sort
        return table.sort(rows, columns, keys) if keys else list(rows)

    def lines(self, columns: Sequence[Column[R]], rows: Iterable[R]) -> list[str]:
        """A table for people."""
        return table.lines(
            columns,
            rows,
            room=self.room,
            headers=getattr(self.options, "headers", True),
            exact=getattr(self.options, "bytes", False),
            colour=self.colour,
        )

    def table(
        self,
        known: Sequence[Column[R]],
        shown: Sequence[Column[R]],
        rows: Iterable[R],
        **more: Any,
    ) -> None:
        """Print a whole view of rows, sorted, as text or JSON (`rows` and the fields in `more`).

        `known` are the columns that --sort may name, `shown` those that are printed.
        """
        rows = self.sorted(known, rows)
        if self.json:
            self.emit(rows=table.records(shown, rows), **more)
        else:
            self.print(*self.lines(shown, rows))


def add_settle(parser: argparse.ArgumentParser) -> None:
    """Add --settle, for the commands that look twice."""
    parser.add_argument(
        "--settle", type=seconds(), default=0.2, metavar="SECONDS",
        help="time between the two looks (0.2)",
    )  # fmt: skip


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command takes."""
    group = parser.add_argument_group("everywhere")
    group.add_argument("--json", action="store_true", help="one JSON object, for programs")
    group.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto: on a terminal or with FORCE_COLOR, unless NO_COLOR is set",
    )
    group.add_argument(
        "--wide", action="store_true", help="do not cut lines at the terminal's width (or at 80)"
    )
    group.add_argument("--bytes", action="store_true", help="show sizes in bytes, not as 1.5M")
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--root", metavar="FOLDER", default="/proc",
        help="the /proc to read (/proc); for a container: /proc/PID/root/proc",
    )  # fmt: skip
    where.add_argument(
        "--container", metavar="NAME", help="look into a running container of docker or podman"
    )


def add_table_options(
    parser: argparse.ArgumentParser,
    columns: Sequence[Column[Any]],
    default: str,
    sort: str = "",
    json: str = "",
) -> None:
    """Add the options of every command that prints rows.

    `default` and `sort` are written as a user writes them; so is `json`, the default with --json.
    """
    group = parser.add_argument_group("table")
    group.add_argument("-o", "--columns", metavar="COLUMNS", help=f"the columns ({default})")
    group.add_argument(
        "--sort", metavar="COLUMN", default=sort,
        help="sort by this column, or downwards by -COLUMN; several with commas"
        + (f" ({sort})" if sort else ""),
    )  # fmt: skip
    group.add_argument(
        "--no-headers",
        dest="headers",
        action="store_false",
        help="print only the rows, for scripts",
    )
    parser.set_defaults(default_columns=default, json_columns=json or default)
    width = max(len(column.name) for column in columns)
    listed = "\n".join(f"  {column.name:<{width}}  {column.meaning}" for column in columns)
    parser.epilog = f"columns:\n{listed}\n\n{parser.epilog or ''}"
