"""A terminal of the test's own: a session on a pty, typed at and read like a person would."""

import fcntl
import os
import pty
import select
import shlex
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from signal import SIGKILL
from typing import Any

import evidence
from support import DEADLINE, descendants


class Terminal:
    """The master side, and the session's first process."""

    def __init__(self, master: int, popen: "subprocess.Popen[bytes]") -> None:
        self.master = master
        self.popen = popen
        self.shown = ""
        self.read = ""  # all that was shown up to now

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def shows(self, text: str, seconds: float = DEADLINE) -> bool:
        """Read until `text` was shown, but no longer than this. Returns whether it was."""
        __tracebackhide__ = True
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            left = deadline - time.monotonic()
            if not select.select([self.master], [], [], max(0, left))[0]:
                return False
            try:
                part = os.read(self.master, 65536).decode(errors="replace")
            except OSError:  # EIO: nobody holds the other side
                with suppress(subprocess.TimeoutExpired):
                    self.popen.wait(2)  # the report says how it ended
                raise AssertionError(f"ended without {text!r}: {self.shown!r}") from None
            self.shown += part
            self.read += part
        return True

    def wait_for(self, text: str) -> str:
        """Read up to `text` and return what stood before it; the rest is kept for the next call."""
        __tracebackhide__ = True
        assert self.shows(text), f"no {text!r} in {self.shown!r}"
        before, _, self.shown = self.shown.partition(text)
        return before

    def tell(self) -> str:
        """The command, how it ended and what it showed: see evidence.py."""
        code = self.popen.poll()
        outcome = "still running" if code is None else f"exit code {code}"
        command = shlex.join(map(str, self.popen.args))
        return evidence.text(command, outcome, terminal=self.read.replace("\r\n", "\n"))

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = -1


@contextmanager
def terminal(command: Sequence[str], **options: Any) -> Iterator[Terminal]:
    """Start a command as the leader of a session whose controlling terminal is a new pty."""
    master, slave = pty.openpty()

    def take() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    streams = dict.fromkeys(("stdin", "stdout", "stderr"), slave)
    session = {"start_new_session": True, "preexec_fn": take}
    popen = subprocess.Popen(command, **{**streams, **session, **options})
    os.close(slave)
    started = Terminal(master, popen)
    try:
        with evidence.watched(started.tell):
            yield started
    finally:
        for pid in (*descendants(popen.pid), popen.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)
        if started.master >= 0:
            os.close(started.master)
        popen.wait(DEADLINE)
