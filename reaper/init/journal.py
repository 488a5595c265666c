"""The log: lines on a descriptor.

A line is one write. A full pipe, a dead reader or a full disk never block the init and never reach
main as a signal: the line is lost, counted, and the loss is reported by the next line that gets
through. No decision about the container depends on anything here.
"""

import errno
import posix
import select
import time

PIPE_BUF = 4096  # pipe(7): a write up to this size is whole or not at all
ERROR, WARNING, INFO, DEBUG = range(4)
_PREFIX = ("", "warning: ", "info: ", "debug: ")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    _Put = Callable[[int, bytes], int]


class Sink:
    """A descriptor that is written to without ever waiting."""

    def __init__(self, target: str) -> None:
        """`fd:N`, or a path, which is appended to. OSError where it cannot be written.

        Only a closed standard error is taken as it is: nobody wants to hear.
        """
        self.lost = 0
        self.reason = 0  # errno of the last loss
        self._dead = False
        self._rest = b""  # of a line that was written in part
        self._put: _Put = posix.write
        if target.startswith("fd:"):
            self.fd = int(target[3:])
            try:
                posix.write(self.fd, b"")  # EBADF where it is closed or only to be read
            except OSError:
                self._dead = self.fd == 2
                if not self._dead:
                    raise
            if self.fd > 2:  # given to us, not to main
                posix.set_inheritable(self.fd, False)
            self._put = self._reopen()
        else:
            flags = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | _OPEN
            self.fd = posix.open(target, flags, 0o644)
        self.is_terminal = posix.isatty(self.fd)

    def _reopen(self) -> "_Put":
        """Find a way to write to a shared descriptor without changing it for the others.

        Opened anew through /proc, a pipe or terminal has a description and so an O_NONBLOCK of
        our own. A regular file never blocks and must keep its shared offset.
        """
        kind = posix.fstat(self.fd).st_mode & _S_IFMT
        if kind == _S_IFREG:
            return posix.write
        try:
            self.fd = posix.open(f"/proc/self/fd/{self.fd}", posix.O_WRONLY | _OPEN)
        except OSError:
            return _write_without_waiting
        return posix.write

    def write(self, line: bytes) -> bool:
        """Write a whole line or lose it; True where it was written.

        Only a disk that fills up or a terminal takes a part; the next write finishes such a line.
        """
        if not self._dead:
            data = self._rest + line
            try:
                written = self._put(self.fd, data)
            except OSError as error:
                self.reason = error.errno or 0
                # A reader that is gone stays gone, and each further try is a SIGPIPE to ourselves.
                self._dead = error.errno == errno.EPIPE
            else:
                begun = written >= len(self._rest)
                self._rest = data[written:] if begun else self._rest[written:]
                if begun:
                    return True
        self.lost += 1
        return False


class Log:
    """Lines for people: `reaper: warning: ...`."""

    def __init__(self, sink: Sink, level: int) -> None:
        self.sink = sink
        self.level = level
        self._with_time = not sink.is_terminal

    def say(self, level: int, event: str, message: str) -> None:
        """Write a line; `event` is one of `events.LOG_EVENTS`, which only machines are told."""
        if level > self.level:
            return
        if lost := self.sink.lost:
            loss = f"{lost} log lines lost ({reason(self.sink)})"
            self.sink.lost = 0 if self._write(WARNING, "drop", loss) else lost
        self._write(level, event, message)

    def error(self, event: str, message: str) -> None:
        self.say(ERROR, event, message)

    def warning(self, event: str, message: str) -> None:
        self.say(WARNING, event, message)

    def info(self, event: str, message: str) -> None:
        self.say(INFO, event, message)

    def debug(self, event: str, message: str) -> None:
        self.say(DEBUG, event, message)

    def _write(self, level: int, event: str, message: str) -> bool:
        return self.sink.write(_one_line(self._line(level, event, message)))

    def _line(self, level: int, _event: str, message: str) -> str:
        now = f"{timestamp()} " if self._with_time else ""
        return f"{now}reaper: {_PREFIX[level]}{message}"


def reason(sink: Sink) -> str:
    """Why the last line was lost: the errno's name."""
    return errno.errorcode.get(sink.reason, str(sink.reason))


def _one_line(text: str) -> bytes:
    """One line in one write: no line break inside, not longer than a pipe takes whole."""
    data = text.replace("\n", "\\n").encode(errors="backslashreplace")
    return (data if len(data) < PIPE_BUF else data[: PIPE_BUF - 5] + b" ...") + b"\n"


def timestamp() -> str:
    """Now, as RFC 3339 in UTC with microseconds."""
    nanoseconds = time.time_ns()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 1_000_000_000))
    return f"{seconds}.{nanoseconds // 1000 % 1_000_000:06}Z"


def complain(what: str, cure: str) -> None:
    """The two lines of a usage error on stderr; a closed or full one loses them."""
    sink = Sink("fd:2")
    for text in (what, cure):
        sink.write(_one_line(f"reaper: {text}"))


_NO_PWRITEV2 = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.ESPIPE)
_OPEN = posix.O_NONBLOCK | posix.O_NOCTTY | posix.O_CLOEXEC
_S_IFMT, _S_IFREG = 0o170000, 0o100000  # inode(7)


def _write_without_waiting(fd: int, data: bytes) -> int:
    """For what cannot be opened anew: a socket, another user's pipe, no /proc.

    pwritev2(2) with RWF_NOWAIT does it exactly on Linux 6.5 and later. Before, poll(2) says
    whether PIPE_BUF bytes go in; only another writer in between could make us wait.
    """
    try:
        return posix.pwritev(fd, [data], -1, posix.RWF_NOWAIT)
    except OSError as error:
        if error.errno not in _NO_PWRITEV2:
            raise
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    if not any(event & select.POLLOUT for _, event in poll.poll(0)):
        raise BlockingIOError(errno.EAGAIN, "full")
    return posix.write(fd, data)
