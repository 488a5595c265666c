"""An init as the real PID 1 of a PID namespace, above a main in C (measured.c)."""

import os
import selectors
import signal
import struct
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from common import compiled
from support import children, eventually, memory, state, switches

RECORD = struct.Struct("qq")  # of measured.c: a signal's number, and the time when it came
DEADLINE = 600.0  # seconds; an init that takes so long has failed
NO_TERM = -1


def main_of(role: str) -> list[str]:
    """The command line of a main of measured.c."""
    return [compiled("measured"), role]


class Pid1:
    """A running init. Leaving the context ends its whole namespace."""

    def __init__(self, init: Sequence[str], main: Sequence[str], term_after: int = NO_TERM) -> None:
        """`term_after`: nanoseconds from the init's exec to a TERM."""
        launcher = [compiled("measured"), "launch", str(term_after)]
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self._launcher = subprocess.Popen([*launcher, *init, *main], bufsize=0, **streams)
        told = self._line(self._launcher.stderr)
        assert told.strip().isdigit(), told  # else it is an error of the launcher
        self.pid = int(told)

    def __enter__(self) -> "Pid1":
        return self

    def __exit__(self, *_: object) -> None:
        if self._launcher.poll() is None:
            with suppress(ProcessLookupError):  # it may have just ended
                os.kill(self.pid, signal.SIGKILL)
        self._launcher.wait()
        for stream in (self._launcher.stdin, self._launcher.stdout, self._launcher.stderr):
            assert stream
            stream.close()

    def ended(self) -> tuple[int, int]:
        """Wait for the end of the init: when it was executed, and when it was gone."""
        began, ended = self._line(self._launcher.stderr).split()
        self._launcher.wait()
        return int(began), int(ended)

    # What main says

    def line(self) -> str:
        return self._line(self._launcher.stdout)

    def answer(self) -> tuple[int, int]:
        """When main began and ended its last order; at first, that it is there."""
        began, ended = self.line().split()
        return int(began), int(ended)

    def tell(self, order: str) -> None:
        assert self._launcher.stdin
        self._launcher.stdin.write(f"{order}\n".encode())

    def obey(self, order: str) -> tuple[int, int]:
        self.tell(order)
        return self.answer()

    def record(self, within: float = DEADLINE) -> tuple[int, int] | None:
        """The next signal that reached main, and when; None at main's end or after `within` s."""
        read = self._read(self._launcher.stdout, RECORD.size, within)
        return RECORD.unpack(read) if len(read) == RECORD.size else None

    # What is done to the init, and what the kernel says of it

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def cpu(self) -> int:
        """The CPU time that the idle init has used, in nanoseconds: the scheduler's own sum."""
        eventually(lambda: state(self.pid) == "S", "idle")  # what it used is booked by then
        files = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(file.read_text().split()[0]) for file in files)

    def settled(self, count: int) -> int:
        """Wait until the init has no more than so many children: when that was."""
        deadline = time.monotonic() + DEADLINE
        while (left := len(children(self.pid))) > count:
            assert time.monotonic() < deadline, f"{left - count} orphans are left"
            time.sleep(0.0005)
        return time.monotonic_ns()

    def private(self) -> int:
        """Bytes of memory that the init has written to, which no other process can share."""
        return memory(self.pid)["Private_Dirty"]

    def wakeups(self) -> int:
        """How often it has given up its CPU or was preempted."""
        return switches(self.pid)

    # How it is read

    def _line(self, stream: IO[Any] | None) -> str:
        line = b""
        while not line.endswith(b"\n"):
            byte = self._read(stream, 1, DEADLINE)
            assert byte, f"no whole line within {DEADLINE:g} s or before the end, only {line!r}"
            line += byte
        return line.decode()

    def _read(self, stream: IO[Any] | None, size: int, within: float) -> bytes:
        """Read `size` bytes; fewer at the end of the file or after `within` seconds."""
        assert stream
        read = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while len(read) < size and selector.select(within):
                piece = os.read(stream.fileno(), size - len(read))
                if not piece:
                    break
                read += piece
        return read
