"""The forest of processes, drawn. Pure.

There are several roots: PID 1, processes that came by `docker exec` (parent 0), and those whose
parent is hidden. A snapshot is not taken at one moment, so a parent may be missing, younger than
its child (its pid was reused), or, in theory, its own grandchild. Even then every process is drawn.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..reading.procfs import Process, Snapshot, Stat
from .roles import adopted


@dataclass(frozen=True)
class Row:
    """One line of the drawn forest. `thread` is set if the line is a thread of `process`."""

    process: Process
    depth: int
    branches: str  # the branches of the tree that are drawn before it
    adopted: bool = False
    thread: Stat | None = None

    @property
    def pid(self) -> int:
        """The pid, or the TID of a thread."""
        return self.thread.pid if self.thread else self.process.pid

    @property
    def label(self) -> str:
        """Branches, command and marks."""
        if self.thread:
            return f"{self.branches}{{{self.thread.comm}}}"
        zombie = " (zombie)" if self.process.stat.zombie else ""
        orphan = " (adopted)" if self.adopted else ""
        return f"{self.branches}{self.process.command}{zombie}{orphan}"


def parent_of(process: Process, snapshot: Snapshot) -> Process | None:
    """The parent in this snapshot; None for a root."""
    parent = snapshot.by_pid.get(process.stat.ppid)
    if parent is None or parent.stat.start > process.stat.start or parent is process:
        return None
    return parent


def draw(snapshot: Snapshot, order: Iterable[Process], root: int | None = None) -> list[Row]:
    """Draw every process, or `root` and its descendants, each once; siblings are in this order."""
    order = list(order)
    below: dict[int, list[Process]] = {}
    roots: list[Process] = []
    for process in order:
        parent = parent_of(process, snapshot)
        (below.setdefault(parent.pid, []) if parent else roots).append(process)
    rows: list[Row] = []
    seen: set[int] = set()
    # `roots` lacks processes in a circle, and a `root` that has a parent: `order` has them.
    for process in (*roots, *order):
        if root is None or process.pid == root:
            _walk(process, below, snapshot, rows, seen)
    return rows


def _walk(
    root: Process,
    below: dict[int, list[Process]],
    snapshot: Snapshot,
    rows: list[Row],
    seen: set[int],
) -> None:
    # It does not recurse: a chain of forks can be deeper than Python's stack.
    stack = [(root, 0, "", "")]
    while stack:
        process, depth, here, under = stack.pop()
        if process.pid in seen:
            continue
        seen.add(process.pid)
        parent = snapshot.by_pid.get(process.stat.ppid)
        rows.append(Row(process, depth, here, adopted(process, parent, snapshot)))
        children = below.get(process.pid, [])
        for child in reversed(children):
            last = child is children[-1]
            branch, line = ("└─", "  ") if last else ("├─", "│ ")
            stack.append((child, depth + 1, under + branch, under + line))
