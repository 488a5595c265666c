"""The log: lines on a descriptor.

A line is one write. A full pipe, a dead reader or a full disk never block the init and never reach
main as a signal. The line is lost and counted. Before the next line that gets through, even if that
goes to another reader, a line reports the loss. No decision about the container depends on this
module.
"""

import errno
import posix
import select
import time

from reaper.escape import escaped

PIPE_BUF = 4096  # pipe(7): a write up to this size is whole or not at all
TRY_EVERY = 1.0  # seconds between two looks at a path, for a FIFO's reader or a rotated file
ERROR, WARNING, INFO, DEBUG = range(4)
_PREFIX = ("", "warning: ", "info: ", "debug: ")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    _Put = Callable[[int, bytes], int]


class Sink:
    """The path or descriptor that lines are written to. A write never waits.

    A FIFO may have no reader at the start, or lose its reader and get another. Lines are lost
    meanwhile. When there is a line to write, we look for a reader again, but at most every
    `TRY_EVERY` seconds of the clock. We open a FIFO only for writing (fifo(7)) and keep it open, so
    that what is in the pipe still reaches the next reader.

    A regular file that was given by its path may be rotated. If it is truncated (copytruncate),
    O_APPEND writes at the new end. If it was renamed or removed, we go on in the file that is at
    the path now, or create one. We look for that, too, only when there is a line to write, and at
    most every `TRY_EVERY` seconds.
    """

    def __init__(self, target: str, clock: "Callable[[], float]" = time.monotonic) -> None:
        """`target` is `fd:N`, or a path, which is appended to. OSError if it cannot be written.

        Only a closed standard error is no error: somebody closed it to hear nothing.
        """
        self.lost = 0
        self.reason = 0  # errno of the last loss
        self.fd = -1  # until a FIFO that was given by its path has a reader
        self._path = ""  # of a FIFO or a regular file that was given by its path
        self._file: tuple[int, int] | None = None  # device and inode of such a regular file
        self._clock = clock
        self._reader_gone = False
        self._next_try = 0.0  # when, by the clock, to look again for a reader or a rotated file
        self._find_reader: Callable[[], None] | None = None  # only a pipe can get another reader
        self._rest = b""  # of a line that was written in part
        self._put: _Put = posix.write
        if target.startswith("fd:"):
            self._take(int(target[3:]))
        elif _is_fifo(target):
            self._path = _absolute(target)
            self._begin(self._open_path)
        else:
            self._open_file(target)
        self.is_terminal = posix.isatty(self.fd)

    def _take(self, fd: int) -> None:
        """Use a descriptor that we were given, without changing it for those who share it.

        A regular file is not opened anew: it never blocks, and it must keep its shared offset.
        """
        self.fd = fd
        try:
            posix.write(fd, b"")  # EBADF if it is closed or can only be read
        except OSError as error:
            if fd != 2:
                raise
            self._lose_reader(error)
            return
        if fd > 2:  # it was given to us, not to main
            posix.set_inheritable(fd, False)
        kind = posix.fstat(fd).st_mode & _S_IFMT
        if kind == _S_IFREG:
            return
        self._put = _write_without_waiting
        if kind == _S_IFIFO:
            self._begin(self._open_given)
        else:
            self._open_anew()

    def _open_file(self, target: str) -> None:
        """Open what is at the path, or create a file.

        We do not look for a rotation of /dev/stderr and the like: they name a descriptor.
        """
        self.fd = posix.open(target, _CREATE, 0o644)
        found = posix.fstat(self.fd)
        if found.st_mode & _S_IFMT == _S_IFREG and not target.startswith(("/dev/", "/proc/")):
            self._path = _resolved(self.fd, target)
            self._file = found.st_dev, found.st_ino
            self._next_try = self._clock() + TRY_EVERY

    def _follow(self) -> None:
        """After a rotation, go on in the file that is at the path now, or create one: logrotate(8).

        If that fails, we stay with the old file and look again later. Those who may replace the
        file, such as main, must not be able to choose any file for us to write to. So we take only
        a file that we create, or a regular file that has a single name and belongs to us or to the
        owner of the old file.
        """
        try:
            there = posix.lstat(self._path)
            if (there.st_dev, there.st_ino) == self._file or not self._may_follow(there):
                return
        except OSError:
            pass  # there is no file, or the open below fails, too
        try:
            new = posix.open(self._path, _CREATE | posix.O_NOFOLLOW, 0o644)
        except OSError:
            return
        found = posix.fstat(new)
        if not self._may_follow(found):
            posix.close(new)
            return
        old, self.fd = self.fd, new
        posix.close(old)
        self._file = found.st_dev, found.st_ino
        self.lost += bool(self._rest)
        self._rest = b""

    def _may_follow(self, found: posix.stat_result) -> bool:
        is_one_file = found.st_mode & _S_IFMT == _S_IFREG and found.st_nlink == 1
        return is_one_file and found.st_uid in (posix.geteuid(), posix.fstat(self.fd).st_uid)

    def _begin(self, find_reader: "Callable[[], None]") -> None:
        self._find_reader = find_reader
        try:
            find_reader()
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            self._lose_reader(error)

    def _open_path(self) -> None:
        """Open the FIFO that is at the path now. OSError, with ENXIO if nobody reads it.

        We take only a FIFO: those who may replace it, such as main, must not be able to choose
        another file for us to write to.
        """
        new = posix.open(self._path, _APPEND)
        if posix.fstat(new).st_mode & _S_IFMT != _S_IFIFO:
            posix.close(new)
            raise OSError(errno.ENXIO, "no FIFO any more")
        old, self.fd = self.fd, new
        if old >= 0:
            posix.close(old)

    def _open_given(self) -> None:
        """Check that somebody reads the pipe that we were given. OSError with ENXIO if not."""
        if select.POLLERR & _poll(self.fd, 0):
            raise OSError(errno.ENXIO, "nobody reads")
        if self._put is not posix.write:
            self._open_anew()

    def _open_anew(self) -> None:
        """Open a pipe or terminal again through /proc, for an open file description of our own.

        Nobody shares that description, so we may set O_NONBLOCK on it.
        """
        try:
            self.fd = posix.open(f"/proc/self/fd/{self.fd}", posix.O_WRONLY | _OPEN)
        except OSError:
            return
        self._put = posix.write

    def write(self, line: bytes) -> bool:
        """Write a whole line or lose it; True if it was written.

        Only a terminal, or a disk that fills up, may take just a part of a line. The next write
        then finishes it.
        """
        if self._reader_gone and not self._reader_is_back():
            self.lost += 1
            return False
        if self._file and (now := self._clock()) >= self._next_try:
            self._next_try = now + TRY_EVERY
            self._follow()
        data = self._rest + line
        try:
            written = self._put(self.fd, data)
        except OSError as error:
            self.lost += 1
            self.reason = error.errno or 0
            if error.errno == errno.EPIPE:
                self._lose_reader(error)
            return False
        begun = written >= len(self._rest)
        self._rest = data[written:] if begun else self._rest[written:]
        self.lost += not begun
        return begun

    def _lose_reader(self, error: OSError) -> None:
        """Stop writing, because each write would send us a SIGPIPE.

        The rest of a line is lost, so that the next reader does not get half a line.
        """
        self.reason = error.errno or 0
        self._reader_gone = True
        self._next_try = self._clock() + TRY_EVERY
        self.lost += bool(self._rest)
        self._rest = b""

    def _reader_is_back(self) -> bool:
        if not self._find_reader or (now := self._clock()) < self._next_try:
            return False
        self._next_try = now + TRY_EVERY
        try:
            self._find_reader()
        except OSError as error:
            self.reason = error.errno or 0
            return False
        self._reader_gone = False
        return True


class Log:
    """Lines for people: `reaper: warning: ...`."""

    def __init__(self, sink: Sink, level: int) -> None:
        self.sink = sink
        self.level = level
        self._with_time = not sink.is_terminal

    def say(self, level: int, event: str, message: str) -> None:
        """Write a line; `event` is one of `events.LOG_EVENTS`, which only the JSON log shows."""
        if level > self.level:
            return
        if self.tell_loss():
            self._write(level, event, message)
        else:
            self.sink.lost += 1

    def tell_loss(self) -> bool:
        """Say how many lines were lost since we last said so; False if this line is lost, too.

        If it is False, the caller must write no line either: to a reader that line would look as if
        none before it were missing.
        """
        lost = self.sink.lost
        if not lost:
            return True
        told = self._write(WARNING, "drop", f"{lost} log lines lost ({reason(self.sink)})")
        self.sink.lost -= lost if told else 1  # the line that reports the loss does not count
        return told

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
        return f"{now}reaper: {_PREFIX[level]}{escaped(message)}"


def reason(sink: Sink) -> str:
    """Why the last line was lost: the errno's name."""
    return errno.errorcode.get(sink.reason, str(sink.reason))


def _one_line(text: str) -> bytes:
    """A line for one write, cut between two characters to a length that a pipe takes whole."""
    data = text.encode(errors="backslashreplace")
    if len(data) >= PIPE_BUF:
        data = data[: PIPE_BUF - 5].decode(errors="ignore").encode() + b" ..."
    return data + b"\n"


def timestamp(ahead: float = 0.0) -> str:
    """The time now, or `ahead` seconds from now, as RFC 3339 in UTC with microseconds."""
    nanoseconds = time.time_ns() + int(ahead * 1_000_000_000)
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 1_000_000_000))
    return f"{seconds}.{nanoseconds // 1000 % 1_000_000:06}Z"


def complain(what: str, cure: str) -> None:
    """Write the two lines of a usage error to stderr; if that is closed or full, they are lost."""
    sink = Sink("fd:2")
    for text in (what, cure):
        sink.write(_one_line(f"reaper: {escaped(text)}"))


_NO_PWRITEV2 = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.ESPIPE)
_OPEN = posix.O_NONBLOCK | posix.O_NOCTTY | posix.O_CLOEXEC
_APPEND = posix.O_WRONLY | posix.O_APPEND | _OPEN
_CREATE = _APPEND | posix.O_CREAT
_S_IFMT, _S_IFREG, _S_IFIFO = 0o170000, 0o100000, 0o010000  # inode(7)


def _is_fifo(path: str) -> bool:
    try:
        return posix.stat(path).st_mode & _S_IFMT == _S_IFIFO
    except OSError:
        return False


def _absolute(path: str) -> str:
    """The absolute path, which stays right when the init changes its folder to /."""
    try:
        return path if path.startswith("/") else f"{posix.getcwd()}/{path}"
    except OSError:
        return path


def _resolved(fd: int, path: str) -> str:
    """The path of an open file, all links resolved; `path` made absolute if /proc does not tell."""
    try:
        return posix.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return _absolute(path)


def _poll(fd: int, events: int) -> int:
    """The events that poll(2) finds on a descriptor, without waiting."""
    poll = select.poll()
    poll.register(fd, events)
    return sum(found for _, found in poll.poll(0))


def _write_without_waiting(fd: int, data: bytes) -> int:
    """Write to what cannot be opened anew: a socket, another user's pipe, anything without /proc.

    pwritev2(2) with RWF_NOWAIT does exactly this on Linux 6.5 and later. On an older kernel poll(2)
    says whether PIPE_BUF bytes fit; only another writer that comes in between could make us wait.
    """
    try:
        return posix.pwritev(fd, [data], -1, posix.RWF_NOWAIT)
    except OSError as error:
        if error.errno not in _NO_PWRITEV2:
            raise
    if not select.POLLOUT & _poll(fd, select.POLLOUT):
        raise BlockingIOError(errno.EAGAIN, "full")
    return posix.write(fd, data)
