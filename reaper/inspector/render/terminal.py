"""A terminal as a screen to draw on and a source of keys; it is given back as it was found.

Only this module changes a terminal. Keys come one by one and without echo (cbreak). Signals arrive
as bytes on a pipe, so that one `poll` waits for everything. Sources: termios(3), console_codes(4),
signal(7).
"""

import os
import re
import select
import signal
import termios
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType, TracebackType

# Alternate screen, no cursor, no wrapping at the right edge; and back.
ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l"
LEAVE = b"\x1b[?7h\x1b[?25h\x1b[?1049l"

HANGUP = 128 + signal.SIGHUP
# signal -> the exit code; Ctrl-C is how people leave, so it is not a failure
ENDING: dict[int, int] = {
    signal.SIGINT: 0,
    **{number: 128 + number for number in (signal.SIGQUIT, signal.SIGTERM)},
    signal.SIGHUP: HANGUP,
}
WATCHED = (*ENDING, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)

# Function and cursor keys: CSI and SS3 sequences. They do nothing in `top`.
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)")


class Ended(Exception):  # noqa: N818  (no error)
    """Raised when the user, a signal or a hang-up ends `top`. `code` is the exit code."""

    def __init__(self, code: int) -> None:
        self.code = code


def keys(data: bytes) -> list[str]:
    """The characters that were typed, without function and cursor keys."""
    return list(_SEQUENCE.sub("", data.decode("utf-8", "ignore")))


class Terminal:
    """A context manager that takes the screen over and gives it back at the end."""

    def __init__(self, source: int = 0, target: int = 1) -> None:
        self._source, self._target = source, target

    def __enter__(self) -> "Terminal":
        self._before = termios.tcgetattr(self._source)
        self._wake, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._writer = writer
        self._poll = select.poll()
        for fd in (self._source, self._wake):
            self._poll.register(fd, select.POLLIN)
        self._wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, _noted) for number in WATCHED}
        try:
            self._take()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._give_back()
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._wake)
        os.close(self._writer)

    def _take(self) -> None:
        try:
            mode = termios.tcgetattr(self._source)
            mode[0] &= ~(termios.IXON | termios.ICRNL)  # Ctrl-S must not freeze the screen
            mode[3] &= ~(termios.ICANON | termios.ECHO)
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._source, termios.TCSADRAIN, mode)
        except termios.error:  # a hang-up comes as SIGHUP and SIGCONT, in either order
            raise Ended(HANGUP) from None
        self._write(ENTER)

    def _give_back(self) -> None:
        with suppress(Ended):
            self._write(LEAVE)
        with suppress(termios.error):  # a lost terminal
            termios.tcsetattr(self._source, termios.TCSAFLUSH, self._before)

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines; 80 by 24 if the terminal does not say."""
        with suppress(OSError):
            size = os.get_terminal_size(self._target)
            return os.terminal_size((size.columns or 80, size.lines or 24))
        return os.terminal_size((80, 24))

    def draw(self, lines: Sequence[str]) -> None:
        """Replace what is on the screen, in one write. Raises Ended if the terminal is gone."""
        body = "\x1b[K\r\n".join(lines)
        self._write(f"\x1b[H{body}\x1b[K\x1b[J".encode("utf-8", "backslashreplace"))

    def wait(self, seconds: float) -> list[str]:
        """The keys typed within that time; none if it has passed or the screen must be drawn again.

        Raises Ended on a signal of `ENDING` and at the end of input.
        """
        ready = {fd for fd, _ in self._poll.poll(max(0.0, 1000 * seconds))}
        if self._wake in ready:
            for number in os.read(self._wake, 512):
                self._signalled(number)
        return self._typed() if self._source in ready else []

    def _typed(self) -> list[str]:
        try:
            data = os.read(self._source, 1024)
        except OSError:
            data = b""
        if not data:
            raise Ended(HANGUP)
        return keys(data)

    def _signalled(self, number: int) -> None:
        if number in ENDING:
            raise Ended(ENDING[number])
        if number == signal.SIGTSTP:
            self._give_back()
            # Stop by the default action. The kernel skips it if no shell could continue us.
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, _noted)
            self._take()
        elif number == signal.SIGCONT:
            self._take()

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._target, data) :]
        except OSError:
            raise Ended(HANGUP) from None


def _noted(number: int, frame: FrameType | None) -> None:
    """The byte on the pipe is all that is needed."""
