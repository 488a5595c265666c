"""What the init reads from /proc: proc(5). Anything may be gone or hidden; None says so.

A /proc of another PID namespace counts as none, because its numbers mean other processes.
"""

import posix
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "/proc"
_CHUNK = 65536
_PF_EXITING = 0x4  # the kernel's include/linux/sched.h


def read(path: str) -> bytes | None:
    """The whole content of a small file; None if it cannot be read."""
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return None
    try:
        parts = []
        while part := posix.read(descriptor, _CHUNK):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return None
    finally:
        posix.close(descriptor)


class Process:
    """One line of /proc/PID/stat: who a process is, in one consistent read."""

    __slots__ = (
        "child_faults", "is_ending", "name", "pgid", "pid", "ppid", "sid", "start_ticks",
        "state", "threads",
    )  # fmt: skip

    def __init__(self, line: bytes) -> None:
        pid, _, rest = line.partition(b" (")
        name, _, tail = rest.rpartition(b") ")
        fields = tail.split(None, 20)
        self.pid = int(pid)
        self.name = name.decode(errors="surrogateescape")
        self.state = fields[0].decode()
        self.ppid, self.pgid, self.sid = int(fields[1]), int(fields[2]), int(fields[3])
        self.is_ending = self.state in "ZX" or bool(int(fields[6]) & _PF_EXITING)
        # Page faults of the children that it waited for. Every process has at least one, so the
        # number rises with every such child.
        self.child_faults = int(fields[8]) + int(fields[10])
        self.threads = int(fields[17])
        self.start_ticks = int(fields[19])

    @property
    def is_dead(self) -> bool:
        """Whether it has ended. If only its main thread has ended, and others run, it lives."""
        return self.state in "ZX" and self.threads <= 1

    def still_same(self) -> bool:
        """Whether the pid still names this process."""
        now = process(self.pid)
        return now is not None and now.start_ticks == self.start_ticks

    @property
    def age(self) -> float:
        """Seconds since it was forked."""
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - self.start_ticks / HZ)


def process(pid: int) -> Process | None:
    return _process(pid) if usable() else None


def _process(pid: int) -> Process | None:
    line = read(f"{ROOT}/{pid}/stat")
    return Process(line) if line else None


def has_just_execed(pid: int) -> bool | None:
    """Whether a stopped process has run nothing of its program yet; None: not known.

    If so, its stack pointer is still where exec put it: proc_pid_syscall(5), and `startstack` of
    proc_pid_stat(5). Only a process that may trace it can read these two.
    """
    line = read(f"{ROOT}/{pid}/stat") if usable() else None
    registers = (read(f"{ROOT}/{pid}/syscall") or b"").split()
    if not line or len(registers) < 2:
        return None
    return int(registers[-2], 16) == int(line.rpartition(b") ")[2].split()[25])


def arguments(pid: int) -> list[str] | None:
    """argv; None if it is hidden, empty for a zombie."""
    block = read(f"{ROOT}/{pid}/cmdline")
    if block is None:
        return None
    words = block.decode(errors="surrogateescape").split("\0")
    return words[:-1]


def ignores(pid: int, signal: int) -> bool | None:
    """Whether a process ignores a signal; SigIgn tells even for a zombie. None: gone or hidden."""
    words = (read(f"{ROOT}/{pid}/status") or b"").split()
    if b"SigIgn:" not in words:
        return None
    return bool(int(words[words.index(b"SigIgn:") + 1], 16) >> signal - 1 & 1)


def everyone() -> "Iterator[Process]":
    """Every process that can be seen, in no order; those that vanish meanwhile are left out.

    Call this and `descendants` only if /proc is `usable`.
    """
    try:
        names = posix.listdir(ROOT)
    except OSError:
        return
    for name in names:
        if name.isdigit() and (process := _process(int(name))):
            yield process


def descendants(of: int) -> list[Process]:
    """Every living process below `of`, zombies left out, parents before their children."""
    children: dict[int, list[Process]] = {}
    for process in everyone():
        children.setdefault(process.ppid, []).append(process)
    order = list(children.get(of, []))
    for process in order:
        order += children.get(process.pid, [])
    return [process for process in order if not process.is_dead]


def own_children() -> list[int]:
    """Our own children, as the kernel lists them; empty if it does not list them."""
    listed = read(f"{ROOT}/thread-self/children") if usable() else None
    return list(map(int, (listed or b"").split()))


def usable() -> bool:
    """Whether /proc is there and shows this PID namespace."""
    try:
        return posix.readlink(f"{ROOT}/self") == str(posix.getpid())
    except OSError:
        return False


HZ = posix.sysconf("SC_CLK_TCK")
