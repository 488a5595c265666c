"""What a trace says in numbers: adopted, reaped, lines lost. It reads on where it stopped.

The schema is `reaper.events`. A torn or foreign line is counted, not guessed at.
"""

import json
import os
from collections import Counter
from typing import TypeVar

from .errors import UserError

CHUNK = 1 << 20
T = TypeVar("T")


class Tally:
    """The counts of one trace file. `reaped` is by role: main, orphan, other."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.adopted = 0
        self.reaped: Counter[str] = Counter()
        self.lost = 0  # lines that the init could not write
        self.torn = 0  # lines that could not be read
        self._offset = self._inode = 0
        self._unfinished = b""  # a last line without its end

    def update(self) -> "Tally":
        """Count what was written since the last call; all where the file was cut or replaced."""
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
        return self

    def _count(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            event = json.loads(line)
            kind = event["event"]
            if kind == "adopt":
                self.adopted += 1
            elif kind == "reap":
                self.reaped[_checked(event["role"], str)] += 1
            elif kind == "drop":
                self.lost += max(0, _checked(event["lines"], int))
        except (ValueError, KeyError, TypeError, RecursionError):
            self.torn += 1


def _checked(value: object, kind: type[T]) -> T:
    """The value, which must be of this very type. Raises TypeError."""
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
