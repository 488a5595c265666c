"""Events -> lines on a descriptor, for people (`Log`) and for machines (`Trace`).

A line is one write. A full pipe, a dead reader or a full disk never block the init and never reach
main as a signal: the line is lost, counted, and the loss is reported by the next line that gets
through. No decision about the container depends on anything here.
"""

import errno
import posix
import time

from reaper.init import options as opt

PIPE_BUF = 4096  # pipe(7): a write up to this size is whole or not at all
ERROR, WARNING, INFO, DEBUG = range(4)
_PREFIX = ("", "warning: ", "info: ", "debug: ")

TYPE_CHECKING = False
if TYPE_CHECKING:
    Json = str | int | float | bool | list[str]


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

    def __init__(self, sink: Sink, level: int, as_json: bool) -> None:
        self.sink = sink
        self.level = level
        self._as_json = as_json
        self._with_time = not sink.is_terminal

    def say(self, level: int, message: str) -> None:
        if level > self.level:
            return
        if self.sink.lost and self._write(WARNING, _loss("log lines", self.sink)):
            self.sink.lost = 0
        self._write(level, message)

    def error(self, message: str) -> None:
        self.say(ERROR, message)

    def warning(self, message: str) -> None:
        self.say(WARNING, message)

    def info(self, message: str) -> None:
        self.say(INFO, message)

    def debug(self, message: str) -> None:
        self.say(DEBUG, message)

    def _write(self, level: int, message: str) -> bool:
        if self._as_json:
            fields: dict[str, Json] = {"ts": timestamp(), "level": opt.LEVELS[level]}
            line = to_json({**fields, "program": "reaper", "message": message})
        else:
            now = f"{timestamp()} " if self._with_time else ""
            line = f"{now}reaper: {_PREFIX[level]}{message}"
        return self.sink.write(_one_line(line))


class Trace:
    """Lifecycle events as JSON Lines, in the vocabulary of `reaper.events`."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.dropped = 0

    def emit(self, event: str, pid: int, **fields: "Json | None") -> None:
        if self.sink.lost:
            lost, reason = self.sink.lost, _errno_name(self.sink.reason)
            if self._write("drop", posix.getpid(), {"lines": lost, "reason": reason}):
                self.dropped += lost
                self.sink.lost -= lost
        self._write(event, pid, fields)

    def _write(self, event: str, pid: int, fields: "dict[str, Json | None]") -> bool:
        line: dict[str, Json] = {
            "ts": timestamp(),
            "mono_ns": time.monotonic_ns(),
            "event": event,
            "pid": pid,
        }
        line |= {name: value for name, value in fields.items() if value is not None}
        text = to_json(line).encode(errors="backslashreplace")
        argv = line.get("argv")
        if len(text) >= PIPE_BUF and isinstance(argv, list):
            line |= {"argv": _cut(argv, PIPE_BUF // 16), "argv_cut": True}
            text = to_json(line).encode(errors="backslashreplace")
        return self.sink.write(text + b"\n")


def _cut(argv: list[str], characters: int) -> list[str]:
    """The beginning of an argument list: an escaped character takes at most six bytes, twice."""
    kept: list[str] = []
    for word in argv:
        kept.append(word[:characters])
        characters -= len(word) + 1
        if characters <= 0:
            break
    return kept


def _loss(what: str, sink: Sink) -> str:
    return f"{sink.lost} {what} lost ({_errno_name(sink.reason)})"


def _errno_name(number: int) -> str:
    return errno.errorcode.get(number, str(number))


def _one_line(text: str) -> bytes:
    """One line in one write: no line break inside, not longer than a pipe takes whole."""
    data = text.replace("\n", "\\n").encode(errors="backslashreplace")
    return (data if len(data) < PIPE_BUF else data[: PIPE_BUF - 5] + b" ...") + b"\n"


def timestamp() -> str:
    """Now, as RFC 3339 in UTC with microseconds."""
    nanoseconds = time.time_ns()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 1_000_000_000))
    return f"{seconds}.{nanoseconds // 1000 % 1_000_000:06}Z"


# The escapes of RFC 8259; a byte that is not UTF-8 arrives as a lone surrogate and leaves as one,
# as Python's json reads it back.
_ESCAPES = (
    {code: f"\\u{code:04x}" for code in (*range(0x20), 0x7F, *range(0xDC80, 0xDD00))}
    | {ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("\t"): "\\t"}
)  # fmt: skip


def to_json(value: "dict[str, Json] | Json") -> str:
    """A flat object as JSON text; the json module would cost a third of the start."""
    if isinstance(value, dict):
        pairs = [f'"{name}":{to_json(item)}' for name, item in value.items()]
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(to_json, value))}]"
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def complain(what: str, cure: str) -> None:
    """The two lines of a usage error on stderr; a closed or full one loses them."""
    sink = Sink("fd:2")
    for text in (what, cure):
        sink.write(_one_line(f"reaper: {text}"))


if TYPE_CHECKING:
    from collections.abc import Callable

    _Put = Callable[[int, bytes], int]

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
        if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ESPIPE):
            raise
    import select  # noqa: PLC0415

    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    if not any(event & select.POLLOUT for _, event in poll.poll(0)):
        raise BlockingIOError(errno.EAGAIN, "full")
    return posix.write(fd, data)
