"""What a trace says in numbers: adopted, reaped, lines lost. Reads on where it stopped.

The schema is `reaper.events`. A torn or foreign line is counted, not guessed at.
"""

import json
import os
from collections import Counter

from .errors import UserError

CHUNK = 1 << 20


class Tally:
    """The counts of one trace file. `reaped` is by role: main, orphan, other."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.adopted = 0
        self.reaped: Counter[str] = Counter()
        self.lost = 0  # lines that the init could not write
        self.torn = 0  # lines that could not be read
        self._offset = 0
        self._rest = b""

    def update(self) -> "Tally":
        """Count what was written since the last call; from the start where the file was cut."""
        try:
            with open(self.path, "rb") as file:  # noqa: PTH123
                if os.fstat(file.fileno()).st_size < self._offset:
                    self.__init__(self.path)  # type: ignore[misc]
                file.seek(self._offset)
                while data := file.read(CHUNK):
                    self._offset += len(data)
                    *lines, self._rest = (self._rest + data).split(b"\n")
                    for line in lines:
                        self._count(line)
        except OSError as error:
            raise UserError(f"{self.path}: {error.strerror}; reaper --trace writes one") from None
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
                self.reaped[event["role"]] += 1
            elif kind == "drop":
                self.lost += event["lines"]
        except (ValueError, KeyError, TypeError):
            self.torn += 1
