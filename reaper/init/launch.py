"""Start main: fork, and in the child everything between fork and exec.

The look-up follows execvp(3). The child reports what failed through a pipe. Exec closes the pipe,
so the parent knows when main's own program began. No policy here.
"""

import errno
import posix
import select
import sys

from reaper import signals, status
from reaper.init import environment, kernel

TYPE_CHECKING = False  # typing itself would cost a third of the start
if TYPE_CHECKING:
    from typing import NoReturn

DEFAULT_PATH = b"/bin:/usr/bin"  # glibc's confstr(_CS_PATH)
SHELL = "/bin/sh"
_NAME_MAX = 255
ELF = b"\x7fELF"
# execvp goes on to the next folder of PATH after these; EACCES is remembered.
_GO_ON = (
    errno.EACCES, errno.ENOENT, errno.ESTALE, errno.ENOTDIR, errno.ENODEV, errno.ETIMEDOUT,
)  # fmt: skip


class Plan:
    """What the child needs to know."""

    __slots__ = ("blocked", "command", "fixes", "listen_pid", "parent", "terminal")

    def __init__(
        self,
        command: list[str],
        blocked: set[int],
        fixes: environment.Fixes,
        terminal: int,
        bind_to_parent: bool,
    ) -> None:
        self.command = command
        self.blocked = blocked  # signals that we blocked, and that main must not inherit blocked
        self.fixes = fixes
        self.terminal = terminal  # -1: main is not given the foreground
        self.parent = posix.getpid() if bind_to_parent else 0
        self.listen_pid = posix.environ.get(b"LISTEN_PID") == str(posix.getpid()).encode()


class Launch:
    """A main that was forked, and the failures that it reports until exec closes the pipe."""

    __slots__ = ("_poll", "_receive", "_reports", "pid")

    def __init__(self, receive: int) -> None:
        self.pid = 0
        self._receive = receive  # -1: exec is over
        self._reports = b""
        self._poll = select.poll()
        self._poll.register(receive, select.POLLIN)

    @property
    def descriptors(self) -> set[int]:
        return {self._receive}

    def is_over(self, milliseconds: int) -> bool:
        """Wait up to this long until exec has succeeded or failed; True if it has.

        A child that is stopped before exec does neither.
        """
        while self._receive >= 0 and self._poll.poll(milliseconds):
            if part := posix.read(self._receive, 4096):
                self._reports += part
            else:
                posix.close(self._receive)
                self._receive = -1
        return self._receive < 0

    def failures(self) -> list[tuple[str, int]]:
        """The steps that failed, each with its errno; if `exec` failed, the child is gone."""
        words = [line.split() for line in self._reports.decode().splitlines()]
        return [(step, int(number)) for step, number in words]


def start(plan: Plan) -> Launch:
    """Fork, and exec main in a process group of its own. OSError: the fork failed (EAGAIN).

    Every signal must be blocked. A signal that comes meanwhile stays pending: in the parent until
    it is forwarded, in the child until just before exec. The caller does little until exec is over,
    because the child may be waiting for this very processor, and because each page that one of the
    two writes has to be copied.
    """
    receive, report = posix.pipe()
    launched = Launch(receive)
    launched.pid = posix.fork()
    if launched.pid == 0:
        try:
            _become_main(plan, report)
        except UnicodeError:  # the codec of a legacy locale cannot give an argument's bytes back
            _tell(report, "exec", errno.EILSEQ)
        finally:
            posix._exit(status.CANNOT_EXECUTE)  # the child must never run the parent's code
    posix.close(report)
    return launched


def _become_main(plan: Plan, report: int) -> "NoReturn":
    if error := kernel.lead_group():
        _tell(report, "setpgid", error)
    # Give it before exec, so that main's first read of the terminal does not stop main.
    if plan.terminal >= 0 and (error := kernel.give_terminal(plan.terminal, posix.getpid())):
        _tell(report, "tcsetpgrp", error)
    if plan.parent:
        _bind_to(plan.parent, report)
    environment.apply(plan.fixes)
    if plan.listen_pid:
        posix.putenv(b"LISTEN_PID", str(posix.getpid()).encode())
    kernel.unblock(plan.blocked)
    number = execute(plan.command, posix.environ.get(b"PATH", DEFAULT_PATH))
    _tell(report, "exec", number)
    posix._exit(status.exec_failure_code(number))


def _tell(report: int, step: str, number: int) -> None:
    posix.write(report, f"{step} {number}\n".encode())


def _bind_to(parent: int, report: int) -> None:
    """Let main die with the init, even if the init was killed before this line.

    In a PID namespace below ours the child cannot see whether the init lives: the number of its
    parent is always 0 there.
    """
    if error := kernel.prctl(kernel.PR_SET_PDEATHSIG, signals.NUMBERS["SIGKILL"]):
        _tell(report, "prctl", error)
    if posix.getppid() not in (parent, 0):
        posix._exit(status.OWN_FAILURE)


def execute(command: list[str], path: bytes) -> int:
    """execvp(3) with `path` as PATH. It returns only if nothing could be run, with the errno."""
    program = encode(command[0])
    if not program:
        return errno.ENOENT
    if b"/" in program:
        return _try(program, command)
    if len(program) > _NAME_MAX:
        return errno.ENAMETOOLONG
    denied = 0
    number = errno.ENOENT
    for folder in path.split(b":"):
        number = _try(folder + b"/" + program if folder else program, command)
        if number not in _GO_ON:
            return number
        if number == errno.EACCES:
            denied = number
    return denied or number


def _try(file: bytes, command: list[str]) -> int:
    try:
        posix.execv(file, command)
    except OSError as error:
        if error.errno != errno.ENOEXEC or is_elf(file):
            return error.errno or errno.EINVAL
    script: list[str | bytes] = [SHELL, file, *command[1:]]
    try:
        posix.execv(SHELL, script)
    except OSError as error:
        return error.errno or errno.EINVAL
    return 0


def is_elf(file: bytes) -> bool:
    """Whether it is a binary: then ENOEXEC says that it is for another machine, and no script."""
    return first_bytes(file, 4) == ELF


def first_bytes(file: bytes, count: int) -> bytes:
    try:
        descriptor = posix.open(file, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return posix.read(descriptor, count)
    except OSError:
        return b""
    finally:
        posix.close(descriptor)


def encode(text: str) -> bytes:
    """The bytes that CPython decoded an argument from."""
    return text.encode(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())
