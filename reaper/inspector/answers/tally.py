"""Counts what a trace says: adopted, reaped, lines lost. It reads on where it stopped before.

The schema is in `reaper.events`. A line that is torn or does not fit the schema is counted, not
guessed at. The trace has an adoption only once the init has noticed it. So living orphans are
counted in /proc, and reaped orphans in the trace.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import UserError
from ..reading.procfs import Stat
from .roles import OF_ONE

CHUNK = 1 << 20
ELSEWHERE = (
    "the trace is of another PID namespace, so the living orphans there are not in adopted; "
    "look into it with --container or --root"
)
T = TypeVar("T")


@dataclass
class Run:
    """One run of the init, as far as the trace file has it. None: not in the file."""

    init: int | None = None  # the pid of the init
    main: int | None = None  # the pid of main
    namespace: int | None = None  # inode number of its PID namespace
    noticed: int = 0  # adoptions
    reaped: int = 0  # orphans
    living: int = 0  # orphans, at the last look
    over: bool = False

    @property
    def adopted(self) -> int:
        """The orphans that came to it."""
        return max(self.noticed, self.reaped + self.living)


class Tally:
    """The counts of one trace file. `reaped` is by role: main, orphan, other."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.run = Run()  # the latest one
        self._before = 0  # adopted in the runs before it
        self._just_reaped: set[int] = set()  # pids, since the last `update`
        self.reaped: Counter[str] = Counter()
        self.lost = 0  # lines that the init could not write
        self.torn = 0  # lines that could not be read
        self._offset = self._inode = 0
        self._unfinished = b""  # a last line without its end

    @property
    def adopted(self) -> int:
        """The orphans that came to the init in all runs; the living ones as of the last look."""
        return self._before + self.run.adopted

    def update(self) -> "Tally":
        """Count what was written since the last call, or all if the file was cut or replaced."""
        self._just_reaped.clear()
        self._read()
        return self

    def look(self, stats: Iterable[Stat], namespace: int | None) -> bool:
        """Count the living orphans in a look at /proc that began after `update`.

        An orphan that is reaped meanwhile is neither missed nor counted twice. `namespace` is the
        inode number of the PID namespace that was looked at (None: not known). The answer is False
        if that is not the namespace of the init.
        """
        self._read()
        run = self.run
        if run.namespace is not None and namespace not in (None, run.namespace):
            return False
        by_pid = {} if run.over else {stat.pid: stat for stat in stats}
        init = run.init or (1 if 1 in by_pid and by_pid[1].comm in OF_ONE else None)
        children = sorted((s for s in by_pid.values() if s.ppid == init), key=lambda s: s.start)
        if run.main is None:  # the file begins after main's fork: take the oldest for main
            children = children[1:]
        elif main := by_pid.get(run.main):  # older children were there before the init
            children = [s for s in children if s.start >= main.start and s is not main]
        run.living = sum(s.pid not in self._just_reaped for s in children)
        return True

    def _read(self) -> None:
        try:
            with open(self.path, "rb") as file:  # noqa: PTH123
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self.__init__(self.path)  # type: ignore[misc]
                    self._inode = status.st_ino
                if self._offset:
                    file.seek(self._offset)
                while data := file.read(CHUNK):
                    self._offset += len(data)
                    *lines, self._unfinished = (self._unfinished + data).split(b"\n")
                    for line in lines:
                        self._count(line)
        except OSError as error:
            raise UserError(
                f"{self.path}: {error.strerror or error}; reaper --trace writes one"
            ) from None

    def _count(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            event = json.loads(line)
            kind = event["event"]
            if kind == "adopt":
                self.run.noticed += 1
            elif kind == "reap":
                self._reap(event)
            elif kind == "start":
                self._before += self.run.adopted
                self.run = Run(_number(event, "pid"), namespace=_number(event, "pid_ns"))
            elif kind == "fork":
                self.run.main = _number(event, "pid")
            elif kind == "end":
                self.run.over = True
                self.run.noticed = max(self.run.noticed, _checked(event["adopted"], int))
            elif kind == "drop":
                self.lost += max(0, _checked(event["lines"], int))
        except (ValueError, KeyError, TypeError, RecursionError):
            self.torn += 1

    def _reap(self, event: dict[str, Any]) -> None:
        role = _checked(event["role"], str)
        self.reaped[role] += 1
        self._just_reaped.add(_number(event, "pid") or 0)
        if role == "orphan":
            self.run.reaped += 1
            self.run.init = self.run.init or _number(event, "ppid")  # the init adopted it


def _number(event: dict[str, Any], field: str) -> int | None:
    value = event.get(field)
    return value if type(value) is int else None


def _checked(value: object, kind: type[T]) -> T:
    """The value, which must have exactly this type. Raises TypeError."""
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
