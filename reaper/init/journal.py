"""The log: lines on a descriptor.

A line is one write. A full pipe, a dead reader or a full disk never block the init and never reach
main as a signal: the line is lost, counted, and the loss is reported by the next line that gets
through, also to another reader. No decision about the container depends on anything here.
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
    """What lines are written to, without ever waiting: a path or a descriptor.

    A FIFO may have no reader at the start, or lose it and get another. Lines are lost meanwhile,
    and when there is one to write we look again, at most every `TRY_EVERY` seconds of the clock.
    Our end is only ever the writing one: fifo(7). It stays open, so what is in the pipe still
    reaches the next reader.

    A regular file by path may be rotated. O_APPEND makes it right when it is cut (copytruncate).
    When it was renamed or removed, we go on in the file that is at the path now, or make one. We
    look for that when there is a line to write, too, and as seldom.
    """

    def __init__(self, target: str, clock: "Callable[[], float]" = time.monotonic) -> None:
        """`fd:N`, or a path, which is appended to. OSError where it cannot be written.

        Only a closed standard error is taken as it is: nobody wants to hear.
        """
        self.lost = 0
        self.reason = 0  # errno of the last loss
        self.fd = -1  # of a FIFO by path that nobody has read yet
        self._path = ""  # of a FIFO or a regular file by path
        self._file: tuple[int, int] | None = None  # which regular file by path is open
        self._clock = clock
        self._reader_gone = False
        self._next_try = 0.0  # of the clock: no look at the path before
        self._find_reader: Callable[[], None] | None = None  # only a FIFO gets another
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

        A regular file never blocks and must keep its shared offset.
        """
        self.fd = fd
        try:
            posix.write(fd, b"")  # EBADF where it is closed or only to be read
        except OSError as error:
            if fd != 2:
                raise
            self._lose_reader(error)
            return
        if fd > 2:  # given to us, not to main
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
        """Open what is at the path, or make a file. /dev/stderr names a descriptor, no file."""
        self.fd = posix.open(target, _CREATE, 0o644)
        found = posix.fstat(self.fd)
        if found.st_mode & _S_IFMT == _S_IFREG and not target.startswith(("/dev/", "/proc/")):
            self._path = _resolved(self.fd, target)
            self._file = found.st_dev, found.st_ino
            self._next_try = self._clock() + TRY_EVERY

    def _follow(self) -> None:
        """Go on in the file that is at the path now, if it is another one or none: logrotate(8).

        If that cannot be, we stay with the old file and look again later. Whoever may replace it
        (main, too) does not choose a file for us: only one that we make, or a regular file with
        one name that belongs to us or to the owner of the old file.
        """
        try:
            there = posix.lstat(self._path)
            if (there.st_dev, there.st_ino) == self._file or not self._may_follow(there):
                return
        except OSError:
            pass  # there is none, or the open fails, too
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
        """Open the FIFO that is at the path now; OSError: ENXIO where nobody reads it.

        Only a FIFO: whoever may replace it (main, too) does not choose another file for us.
        """
        new = posix.open(self._path, _APPEND)
        if posix.fstat(new).st_mode & _S_IFMT != _S_IFIFO:
            posix.close(new)
            raise OSError(errno.ENXIO, "no FIFO any more")
        old, self.fd = self.fd, new
        if old >= 0:
            posix.close(old)

    def _open_given(self) -> None:
        """See whether a pipe that we were given is read; OSError: ENXIO where it is not."""
        if select.POLLERR & _poll(self.fd, 0):
            raise OSError(errno.ENXIO, "nobody reads")
        if self._put is not posix.write:
            self._open_anew()

    def _open_anew(self) -> None:
        """Through /proc a pipe or terminal gets a description and so an O_NONBLOCK of our own."""
        try:
            self.fd = posix.open(f"/proc/self/fd/{self.fd}", posix.O_WRONLY | _OPEN)
        except OSError:
            return
        self._put = posix.write

    def write(self, line: bytes) -> bool:
        """Write a whole line or lose it; True where it was written.

        Only a disk that fills up or a terminal takes a part; the next write finishes such a line.
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
        """Each write now would be a SIGPIPE to ourselves. No other reader gets half a line."""
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
        """Write a line; `event` is one of `events.LOG_EVENTS`, which only machines are told."""
        if level > self.level:
            return
        if self.tell_loss():
            self._write(level, event, message)
        else:
            self.sink.lost += 1

    def tell_loss(self) -> bool:
        """Say how many lines were lost since that was last said; False where that was lost, too.

        Then no other line is written, either: before it nothing would seem to be missing.
        """
        lost = self.sink.lost
        if not lost:
            return True
        told = self._write(WARNING, "drop", f"{lost} log lines lost ({reason(self.sink)})")
        self.sink.lost -= lost if told else 1  # this line is not one of them
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
    """One line in one write, cut between two characters to what a pipe takes whole."""
    data = text.encode(errors="backslashreplace")
    if len(data) >= PIPE_BUF:
        data = data[: PIPE_BUF - 5].decode(errors="ignore").encode() + b" ..."
    return data + b"\n"


def timestamp(ahead: float = 0.0) -> str:
    """Now, or so many seconds ahead, as RFC 3339 in UTC with microseconds."""
    nanoseconds = time.time_ns() + int(ahead * 1_000_000_000)
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 1_000_000_000))
    return f"{seconds}.{nanoseconds // 1000 % 1_000_000:06}Z"


def complain(what: str, cure: str) -> None:
    """The two lines of a usage error on stderr; a closed or full one loses them."""
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
    """The path as it is still right in another folder: the init's becomes /."""
    try:
        return path if path.startswith("/") else f"{posix.getcwd()}/{path}"
    except OSError:
        return path


def _resolved(fd: int, path: str) -> str:
    """The path of an open file without symbolic links; the path given if /proc does not tell."""
    try:
        return posix.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return _absolute(path)


def _poll(fd: int, events: int) -> int:
    """What poll(2) says of a descriptor at once."""
    poll = select.poll()
    poll.register(fd, events)
    return sum(found for _, found in poll.poll(0))


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
    if not select.POLLOUT & _poll(fd, select.POLLOUT):
        raise BlockingIOError(errno.EAGAIN, "full")
    return posix.write(fd, data)
