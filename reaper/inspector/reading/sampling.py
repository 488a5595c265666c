"""Looks at every process again and again, cheaply: what `top` reads, and CPU use between two looks.

Files of living processes stay open, because opening costs twice as much as reading. A line that
has not changed is not parsed again. A file that is kept open never shows a new process with the
old pid: it answers ESRCH. It draws nothing. Source: proc(5).
"""

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from .procfs import Proc, Process, Stat, parse_stat, read_file

KEPT = 4096  # open files at most: each holds a page of the kernel's memory
SPARE = 64  # descriptors that are left for the rest of the program
LINE = 4096  # bytes; a stat line is far shorter

Key = tuple[int, int]  # pid, and tid or 0 for the process as a whole


@dataclass(frozen=True)
class Sample:
    """One look. `at` is monotonic, `uptime` since boot, both in seconds."""

    at: float
    uptime: float | None
    processes: dict[Key, Stat]
    threads: dict[Key, Stat] | None = None  # if asked for
    unreadable: int = 0
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A process read in full, and when (monotonic)."""

    at: float
    process: Process


@dataclass(frozen=True, slots=True)
class Row:
    """A process, or one of its threads, and the shares of one CPU that it used since the last look.

    A share is None if the process is older than the last look but was not seen then.
    """

    pid: int
    percent: float | None
    process: Process
    user: float | None = None  # the part in user mode
    system: float | None = None  # the part in the kernel
    tid: int = 0  # 0 for the process as a whole
    seen: Seen | None = None  # with more parts of /proc, at this look
    earlier: Seen | None = None  # the same at the look before

    def rate(self, counter: Callable[[Process], float | None]) -> float | None:
        """How much a counter grew per second between the two looks; None if that is not known."""
        if self.seen is None or self.earlier is None:
            return None
        now, then = self.seen.process, self.earlier.process
        elapsed = self.seen.at - self.earlier.at
        after, before = counter(now), counter(then)
        if after is None or before is None or now.stat.start != then.stat.start or elapsed <= 0:
            return None
        return (after - before) / elapsed


def rows(now: Sample, before: Sample | None, threads: bool = False) -> list[Row]:
    """The processes, or the threads, of a look, and what they used since the look before."""
    stats = (now.threads if threads else now.processes) or {}
    known = (before and (before.threads if threads else before.processes)) or {}
    elapsed = now.at - before.at if before else 0.0
    since = before.uptime if before else None
    return [
        _row(key, stat, _used(stat, known.get(key), since), elapsed, now.uptime)
        for key, stat in stats.items()
    ]


Used = tuple[float, float]  # seconds of CPU: user, system
IDLE: Used = (0.0, 0.0)


def _used(stat: Stat, before: Stat | None, since: float | None) -> Used | None:
    if stat is before:
        return IDLE
    if before is not None and before.start == stat.start:
        return max(0.0, stat.user - before.user), max(0.0, stat.system - before.system)
    if since is None or stat.start < since:
        return None
    return stat.user, stat.system


def _row(key: Key, stat: Stat, used: Used | None, elapsed: float, uptime: float | None) -> Row:
    pid, tid = key
    process = Process(stat, stat.age(uptime))
    if used is None or elapsed <= 0:
        return Row(pid, None, process, tid=tid)
    user, system = (100 * seconds / elapsed for seconds in used)
    return Row(pid, user + system, process, user, system, tid)


@dataclass(slots=True)
class _File:
    """An open stat file, the line read last, and that line parsed."""

    fd: int | None
    line: bytes = b""
    stat: Stat | None = None


class Sampler:
    """Takes samples of one /proc. `keep` is how many files it may hold open."""

    def __init__(self, proc: Proc, keep: int | None = None) -> None:
        self._proc = proc
        self._free = _allowed() if keep is None else keep
        self._files: dict[Key, _File] = {}
        self._unreadable = 0

    def sample(self, threads: bool = False) -> Sample:
        """Read every process, and every thread if asked. Raises UserError."""
        self._unreadable = 0
        pids = self._proc.pids()
        at, uptime = time.monotonic(), self._proc.uptime
        processes = self._stats((pid, 0) for pid in pids)
        refused = self._unreadable
        tasks = self._threads(processes) if threads else None
        for key in self._files.keys() - processes.keys() - (tasks or {}).keys():
            self._forget(key)
        return Sample(at, uptime, processes, tasks, refused, pids[0] != 1)

    def close(self) -> None:
        """Close the files."""
        for key in list(self._files):
            self._forget(key)

    def _stats(self, keys: Iterator[Key]) -> dict[Key, Stat]:
        return {key: stat for key in keys if (stat := self._read(key))}

    def _threads(self, processes: dict[Key, Stat]) -> dict[Key, Stat]:
        stats: dict[Key, Stat] = {}
        for (pid, _), stat in processes.items():
            if stat.threads > 1:
                tids = self._proc.names(f"{pid}/task") or ()
                stats |= self._stats((pid, int(tid)) for tid in tids)
            else:
                stats[pid, pid] = stat
        return stats

    def _read(self, key: Key) -> Stat | None:
        file = self._files.get(key)
        line = None
        if file and file.fd is not None:
            try:
                line = os.pread(file.fd, LINE, 0)
            except OSError:  # it ended; its pid may be in use again
                self._forget(key)
                file = None
        try:
            if file is None:
                file = self._files[key] = self._open(key)
            if line is None:
                path = self._path(key)
                line = read_file(path) if file.fd is None else os.pread(file.fd, LINE, 0)
        except OSError as error:
            self._unreadable += isinstance(error, PermissionError)
            self._forget(key)
            return None
        if line != file.line:
            file.line, file.stat = line, parse_stat(line)
        return file.stat

    def _path(self, key: Key) -> str:
        pid, tid = key
        return (
            f"{self._proc.root}/{pid}/task/{tid}/stat" if tid else f"{self._proc.root}/{pid}/stat"
        )

    def _open(self, key: Key) -> _File:
        if self._free <= 0:
            return _File(None)
        file = _File(os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC))
        self._free -= 1
        return file

    def _forget(self, key: Key) -> None:
        file = self._files.pop(key, None)
        if file and file.fd is not None:
            self._free += 1
            with suppress(OSError):
                os.close(file.fd)


def _allowed() -> int:
    """How many files this program may keep open. The others are opened each time."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return KEPT if soft == resource.RLIM_INFINITY else max(0, min(KEPT, soft - SPARE))
