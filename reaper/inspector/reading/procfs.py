"""/proc as frozen snapshots: one `Process` per process, everything else on request.

It reads files below one root folder (a live /proc, a container's, or a recorded tree) and parses
them as bytes. It does not decide or print anything. What is not known is None, never 0.
File formats: proc(5).
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from ..errors import UserError

HZ = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

PF_KTHREAD = 0x00200000  # include/linux/sched.h
ZOMBIE = "Z"


@dataclass(frozen=True, slots=True)
class Stat:
    """/proc/PID/stat: one consistent read. Times in seconds, sizes in bytes."""

    pid: int
    comm: str
    state: str
    ppid: int
    pgid: int
    sid: int
    tty: int  # device number, 0 for none
    tpgid: int  # foreground process group of the terminal, -1 for none
    flags: int
    minflt: int  # page faults without a read from disk
    majflt: int  # page faults with a read from disk
    user: float  # CPU time in user mode
    system: float  # CPU time in the kernel
    priority: int
    nice: int
    threads: int
    start: float  # seconds since boot
    vss: int | None  # None for zombies and kernel threads, which have no memory
    rss: int | None
    processor: int | None = None  # the CPU it ran on last

    @property
    def zombie(self) -> bool:
        """Whether it is dead but not reaped.

        State Z is not enough: the main thread may have ended while the process lives on.
        """
        return self.state == ZOMBIE and self.threads <= 1

    @property
    def kernel(self) -> bool:
        """A kernel thread."""
        return bool(self.flags & PF_KTHREAD)

    def age(self, uptime: float | None) -> float | None:
        """Seconds since its start; `uptime` is now, in seconds since boot."""
        return None if uptime is None else max(0.0, round(uptime - self.start, 2))


def parse_stat(data: bytes) -> Stat | None:
    """Parse the stat line of a process or thread; None if it is torn.

    The name may contain anything, also newlines and parentheses. It ends at the last `)`.
    """
    head, _, tail = data.rpartition(b")")
    pid, _, comm = head.partition(b" (")
    f = tail.split()
    try:
        vss = int(f[20])
        return Stat(
            int(pid), text(comm), f[0].decode("ascii"), int(f[1]), int(f[2]), int(f[3]),
            int(f[4]), int(f[5]), int(f[6]), int(f[7]), int(f[9]), int(f[11]) / HZ,
            int(f[12]) / HZ, int(f[15]), int(f[16]), int(f[17]), int(f[19]) / HZ, vss or None,
            int(f[21]) * PAGE if vss else None, int(f[36]) if len(f) > 36 else None,
        )  # fmt: skip
    except (ValueError, IndexError):
        return None


@dataclass(frozen=True)
class Status:
    """/proc/PID/status. `raw` is parsed only on request, as most views need one or two lines.

    Every property is None if its line is missing or torn.
    """

    raw: bytes

    def line(self, key: bytes) -> bytes | None:
        """The value of one line, without the blanks around it."""
        start = (b"\n" + self.raw).find(b"\n" + key + b":")
        if start < 0:
            return None
        start += len(key) + 1
        end = self.raw.find(b"\n", start)
        return None if end < 0 else self.raw[start:end].strip()

    def numbers(self, key: bytes, base: int = 10) -> tuple[int, ...] | None:
        """The numbers in one line; a unit such as kB is left out."""
        line = self.line(key)
        if line is None:
            return None
        try:
            return tuple(int(word, base) for word in line.split() if word != b"kB")
        except ValueError:
            return None

    def number(self, key: bytes, base: int = 10) -> int | None:
        """The first number in one line."""
        numbers = self.numbers(key, base)
        return numbers[0] if numbers else None

    def size(self, key: bytes) -> int | None:
        """The size in one line, in bytes (the file has kB)."""
        kilobytes = self.number(key)
        return None if kilobytes is None else kilobytes * 1024

    @property
    def uids(self) -> tuple[int, ...] | None:
        """Real, effective, saved and file-system user id."""
        return _four(self.numbers(b"Uid"))

    @property
    def gids(self) -> tuple[int, ...] | None:
        """Real, effective, saved and file-system group id."""
        return _four(self.numbers(b"Gid"))

    @property
    def nspids(self) -> tuple[int, ...] | None:
        """The pid in each PID namespace, outermost first."""
        return self.numbers(b"NSpid")

    def signals(self, key: bytes) -> frozenset[int] | None:
        """The signal numbers in a mask: SigPnd, ShdPnd, SigBlk, SigIgn or SigCgt."""
        mask = self.number(key, 16)
        if mask is None:
            return None
        return frozenset(bit + 1 for bit in range(mask.bit_length()) if mask >> bit & 1)


def _four(numbers: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return numbers if numbers and len(numbers) == 4 else None


def parse_argv(data: bytes) -> tuple[str, ...]:
    """Parse /proc/PID/cmdline, which is empty for zombies and kernel threads.

    A process that rewrote its title (setproctitle) may have no NULs left; then it is one word.
    """
    return tuple(map(text, data.rstrip(b"\0").split(b"\0"))) if data.strip(b"\0") else ()


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory that is resident or swapped, in bytes. PSS: shared pages divided by their sharers."""

    rss: int
    pss: int
    uss: int
    swap: int

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(
            self.rss + other.rss, self.pss + other.pss, self.uss + other.uss, self.swap + other.swap
        )


NO_MEMORY = Memory(0, 0, 0, 0)


def parse_memory(data: bytes) -> Memory | None:
    """Parse /proc/PID/smaps_rollup, or the lines of one region in smaps; None if it is torn."""
    sizes = {}
    for line in data.splitlines():
        key, colon, value = line.partition(b":")
        if colon and value.endswith(b" kB"):
            with suppress(ValueError):
                sizes[key] = int(value[:-3]) * 1024
    try:
        uss = sizes[b"Private_Clean"] + sizes[b"Private_Dirty"]
        return Memory(sizes[b"Rss"], sizes[b"Pss"], uss, sizes[b"Swap"])
    except KeyError:
        return None


def text(data: bytes) -> str:
    """The kernel's bytes as a string; what is not UTF-8 becomes U+DC80 to U+DCFF."""
    return data.decode("utf-8", "surrogateescape")


def inode(link: str | None) -> int | None:
    """The number in `pid:[4026531836]`."""
    number = (link or "").partition("[")[2].rstrip("]")
    return int(number) if number.isdecimal() else None


def parse_io(data: bytes) -> dict[str, int]:
    """Parse /proc/PID/io: bytes read from and written to storage, and other counters."""
    lines = (line.partition(b": ") for line in data.splitlines())
    return {text(key): int(value) for key, _, value in lines if value.isdigit()}


def parse_wait(data: bytes) -> float | None:
    """Parse /proc/PID/schedstat: seconds that the main thread was ready and waited for a CPU."""
    words = data.split()
    return int(words[1]) / 1e9 if len(words) == 3 and words[1].isdigit() else None


# Membership and Machine are named tuples, because a dataclass takes longer to make at each start.


class Membership(NamedTuple):
    """The control group that a process is in, in one hierarchy: cgroups(7)."""

    controllers: tuple[str, ...]  # those of a v1 hierarchy; none for v2
    path: str

    def __str__(self) -> str:
        return f"{','.join(self.controllers) or 'unified'}:{self.path}"


def parse_cgroup(data: bytes) -> tuple[Membership, ...]:
    """Parse /proc/PID/cgroup, in its order. Torn lines are left out.

    A hybrid system has hierarchies of v1 and, as the last line, that of v2. The controllers are in
    only one of the two, so a process may be below `/` in one and in `/` itself in the other.
    """
    lines = (line.split(":", 2) for line in text(data).split("\n"))
    return tuple(
        Membership(tuple(filter(None, fields[1].split(","))), fields[2])
        for fields in lines
        if len(fields) == 3 and fields[2].startswith("/")
    )


def parse_wchan(data: bytes) -> str | None:
    """Parse /proc/PID/wchan. It is `0` if the process does not sleep, or if we may not know."""
    name = text(data).strip()
    return None if name in ("", "0") else name


class Machine(NamedTuple):
    """Numbers of the machine, to compare those of a process with. None means not known."""

    boot: int | None  # seconds since the epoch
    memory: int | None  # bytes


HOSTPID = "hostpid"
MACHINE = "machine"

# How a part is read: from a /proc, for the process with this pid. The open folder is that of the
# process or of its thread. It may raise OSError.
Reader = Callable[["Proc", int, int], Any]


def _file(name: str, parse: Callable[[bytes], Any]) -> Reader:
    return lambda proc, pid, folder: parse(read_file(name, folder))


# What a `Process` can hold besides `stat`.
PARTS: dict[str, Reader] = {
    "status": _file("status", Status),
    "argv": _file("cmdline", parse_argv),
    "memory": _file("smaps_rollup", parse_memory),
    "cgroup": _file("cgroup", parse_cgroup),
    "wchan": _file("wchan", parse_wchan),
    "io": _file("io", parse_io),
    "wait": _file("schedstat", parse_wait),
    HOSTPID: lambda proc, pid, folder: proc.hostpid(pid),
    MACHINE: lambda proc, pid, folder: proc.machine,
}


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment. A part is None if it was not asked for or cannot be read."""

    stat: Stat
    age: float | None = None  # seconds since its start
    status: Status | None = None
    argv: tuple[str, ...] | None = None
    memory: Memory | None = None
    cgroup: tuple[Membership, ...] | None = None  # one for each hierarchy
    wchan: str | None = None  # kernel function that it sleeps in
    io: dict[str, int] | None = None
    wait: float | None = None  # seconds
    hostpid: int | None = None  # pid in this program's own PID namespace
    machine: Machine | None = None

    @property
    def pid(self) -> int:
        """The pid that the root folder shows."""
        return self.stat.pid

    @property
    def command(self) -> str:
        """The arguments, or the kernel's name in brackets if there are none."""
        return " ".join(self.argv) if self.argv else f"[{self.stat.comm}]"


def unseen(hidden: bool, unreadable: int) -> list[str]:
    """Sentences that tell the reader which processes were not seen."""
    sentences = ["other users' processes are hidden here (hidepid); root sees them all"] * hidden
    if unreadable:
        sentences.append(f"{unreadable} processes could not be read; root can read them all")
    return sentences


@dataclass(frozen=True)
class Snapshot:
    """The processes that could be read, by pid, and what is known about those that could not.

    Processes that vanished while it was taken are left out: that is normal.
    """

    processes: tuple[Process, ...]
    unreadable: int = 0  # listed, but even `stat` was refused (hidepid=1)
    hidden: bool = False  # PID 1 is not listed: others are hidden, too (hidepid=2)
    uptime: float | None = None  # seconds since boot
    own: int | None = None  # the pid of this program, if the root shows it

    @cached_property
    def by_pid(self) -> dict[int, Process]:
        """pid -> process."""
        return {process.pid: process for process in self.processes}

    @cached_property
    def children(self) -> dict[int, list[Process]]:
        """pid -> its children, the oldest first."""
        by_parent: dict[int, list[Process]] = {}
        for process in sorted(self.processes, key=lambda child: child.stat.start):
            by_parent.setdefault(process.stat.ppid, []).append(process)
        return by_parent

    def without(self, pids: Iterable[int]) -> "Snapshot":
        """The same snapshot without some processes."""
        gone = frozenset(pids)
        return replace(self, processes=tuple(p for p in self.processes if p.pid not in gone))

    def __iter__(self) -> Iterator[Process]:
        return iter(self.processes)


class Proc:
    """A /proc file system, or a folder that looks like one."""

    foreign = False  # whether it shows another PID namespace than this program's

    def __init__(self, root: str = "/proc") -> None:
        self.root = root.rstrip("/") or "/"

    def read(self, name: str) -> bytes:
        """Read a file below the root, such as `meminfo` or `1/status`. Raises OSError."""
        return read_file(f"{self.root}/{name}")

    def maybe(self, name: str) -> bytes | None:
        """Read a file as `read` does; None if it is not there or cannot be read."""
        try:
            return self.read(name)
        except OSError:
            return None

    def link(self, name: str) -> str | None:
        """The target of a link below the root, such as `1/exe`; None if it cannot be read."""
        try:
            return os.readlink(f"{self.root}/{name}")
        except OSError:
            return None

    def outside(self, path: str) -> str:
        """Turn a path of the system that this /proc belongs to into a path that works here."""
        return self.root.removesuffix("/proc") + path

    def names(self, name: str) -> list[str] | None:
        """The entries of a folder below the root, numbers first; None if it cannot be read."""
        try:
            names = os.listdir(f"{self.root}/{name}")
        except OSError:
            return None
        return sorted(names, key=lambda entry: (not entry.isdecimal(), entry.zfill(20)))

    def pids(self) -> list[int]:
        """Every pid that the root lists, sorted. Raises UserError if it lists none."""
        try:
            pids = sorted(int(name) for name in os.listdir(self.root) if name.isdecimal())
        except OSError as error:
            raise UserError(f"{self.root}: {error.strerror}; is /proc mounted?") from None
        if not pids:
            raise UserError(f"{self.root}: no processes; is /proc mounted there?")
        return pids

    @property
    def own(self) -> int | None:
        """This program's own pid, as the root shows it; None if it does not."""
        target = self.link("self")
        return int(target) if target and target.isdecimal() else None

    @property
    def pid_namespace(self) -> int | None:
        """The inode number of the PID namespace that the root shows; None if it may not be read."""
        return inode(self.link("self/ns/pid") or self.link("1/ns/pid"))

    def hostpid(self, pid: int) -> int | None:
        """The pid of a process in this program's own PID namespace; None if it is not known."""
        return pid

    @property
    def uptime(self) -> float | None:
        """Seconds since boot."""
        try:
            return float((self.maybe("uptime") or b"").split()[0])
        except (ValueError, IndexError):
            return None

    @cached_property
    def machine(self) -> Machine:
        """When the machine was booted, and how much memory it has."""
        return Machine(_keyed(self.maybe("stat"), b"btime"), self._meminfo(b"MemTotal:"))

    @property
    def load(self) -> str:
        """The load averages of 1, 5 and 15 minutes; `–` if they are not known."""
        return " ".join(text(self.maybe("loadavg") or "–".encode()).split(" ")[:3]).strip()

    @property
    def available(self) -> int | None:
        """Bytes that programs may still have before the machine swaps."""
        return self._meminfo(b"MemAvailable:")

    def _meminfo(self, key: bytes) -> int | None:
        kilobytes = _keyed(self.maybe("meminfo"), key)
        return None if kilobytes is None else kilobytes * 1024

    def process(self, pid: int, parts: Iterable[str] = (), uptime: float | None = None) -> Process:
        """Read one process with the named `PARTS`. Raises OSError if its `stat` cannot be read.

        If parts are named, the folder is held open, so that all files belong to the same process.
        Once the process is gone, its files answer ESRCH, even if another process has its pid now.
        """
        return self._read(pid, str(pid), parts, uptime)

    def _read(self, pid: int, name: str, parts: Iterable[str], uptime: float | None) -> Process:
        if not parts:
            return _process(read_file(f"{self.root}/{name}/stat"), uptime, {})
        folder = os.open(f"{self.root}/{name}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            stat = read_file("stat", folder)
            values: dict[str, Any] = {}
            for part in parts:
                try:
                    values[part] = PARTS[part](self, pid, folder)
                except OSError:
                    values[part] = None
        finally:
            os.close(folder)
        return _process(stat, uptime, values)

    def snapshot(self, parts: Iterable[str] = (), pids: Iterable[int] | None = None) -> Snapshot:
        """Read every process (or those of `pids` that are there) with the named `PARTS`."""
        parts = tuple(dict.fromkeys(parts))
        listed = self.pids() if pids is None else sorted(pids)
        uptime = self.uptime
        processes = []
        unreadable = 0
        for pid in listed:
            try:
                processes.append(self.process(pid, parts, uptime))
            except PermissionError:
                unreadable += 1
            except OSError:
                pass
        hidden = pids is None and listed[0] != 1
        return Snapshot(tuple(processes), unreadable, hidden, uptime, self.own)

    def threads(
        self, pid: int, parts: Iterable[str] = (), uptime: float | None = None
    ) -> list[Process]:
        """The threads of a process by TID; empty if it is gone."""
        threads = []
        for tid in self.names(f"{pid}/task") or ():
            with suppress(OSError):
                threads.append(self.thread(pid, int(tid), parts, uptime))
        return threads

    def thread(
        self, pid: int, tid: int, parts: Iterable[str] = (), uptime: float | None = None
    ) -> Process:
        """Read one thread, as `process` reads a process."""
        return self._read(pid, f"{pid}/task/{tid}", parts, uptime)


def _process(data: bytes, uptime: float | None, parts: dict[str, Any]) -> Process:
    stat = parse_stat(data)
    if stat is None:
        raise ProcessLookupError(0, "torn stat line")
    return Process(stat, stat.age(uptime), **parts)


def _keyed(data: bytes | None, key: bytes) -> int | None:
    """The number after a key at the start of a line."""
    for line in (data or b"").splitlines():
        words = line.split(None, 2)
        if words[:1] == [key] and words[1:] and words[1].isdigit():
            return int(words[1])
    return None


def read_file(path: str, folder: int | None = None) -> bytes:
    """Read a whole file, below the folder descriptor if one is given. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        data = chunk = os.read(fd, 16384)
        while chunk := os.read(fd, 65536) if chunk else b"":
            data += chunk
        return data
    finally:
        os.close(fd)
