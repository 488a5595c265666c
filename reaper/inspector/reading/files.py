"""Parsers of the files of /proc that few commands read: limits, sched, mountinfo and smaps.

Those of a `Process` are in `procfs`. No other module parses a file of /proc. File formats: proc(5).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .procfs import Memory, parse_memory, text


@dataclass(frozen=True, slots=True)
class Limit:
    """One resource limit. None means unlimited."""

    name: str
    soft: int | None
    hard: int | None
    unit: str


def parse_limits(data: bytes) -> Iterable[Limit]:
    """Parse /proc/PID/limits. Torn lines are left out."""
    for line in data.splitlines()[1:]:
        name, numbers = text(line[:26]).strip(), text(line[26:]).split()
        try:
            soft, hard = (None if word == "unlimited" else int(word) for word in numbers[:2])
        except ValueError:
            continue
        yield Limit(name.removeprefix("Max "), soft, hard, " ".join(numbers[2:]))


def parse_last_ran(data: bytes) -> float | None:
    """Parse /proc/PID/sched: when the main thread last ran, in seconds of the scheduler's clock.

    This clock also begins at boot, but may be seconds off the uptime.
    """
    for line in data.split(b"\n"):
        name, _, value = line.partition(b":")
        if name.strip() == b"se.exec_start":
            try:
                return float(value) / 1000
            except ValueError:
                return None
    return None


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system: the folder of it that is mounted, and where."""

    root: str
    point: str
    kind: str
    options: tuple[str, ...]  # of the file system itself


def parse_mountinfo(data: bytes) -> Iterable[Mount]:
    """Parse /proc/PID/mountinfo. Torn lines are left out."""
    for line in text(data).split("\n"):
        head, _, tail = line.partition(" - ")
        fields, (kind, *others) = head.split(), tail.split() or [""]
        if len(fields) >= 5 and others:
            point = fields[4].replace("\\040", " ")
            yield Mount(fields[3], point, kind, tuple(others[-1].split(",")))


@dataclass(frozen=True, slots=True)
class Region:
    """One mapping. Addresses and sizes in bytes; `memory` is None if smaps was torn."""

    start: int
    end: int
    permissions: str
    path: str  # empty for anonymous memory
    memory: Memory | None

    @property
    def size(self) -> int:
        """Virtual size."""
        return self.end - self.start


def parse_smaps(data: bytes) -> list[Region]:
    """Parse /proc/PID/smaps, or maps, which has no memory. The regions go from low to high."""
    regions = []
    lines = data.split(b"\n")  # not splitlines: a path may contain the other line breaks
    heads = [i for i, line in enumerate(lines) if line[:1] in b"0123456789abcdef" and line[:1]]
    for number, index in enumerate(heads):
        end = heads[number + 1] if number + 1 < len(heads) else len(lines)
        region = _region(lines[index], b"\n".join(lines[index + 1 : end]))
        if region:
            regions.append(region)
    return regions


def _region(head: bytes, body: bytes) -> Region | None:
    fields = head.split(None, 5)
    try:
        start, end = (int(word, 16) for word in fields[0].split(b"-"))
        path = text(fields[5].strip()) if len(fields) > 5 else ""
        return Region(start, end, fields[1].decode("ascii"), path, parse_memory(body))
    except (ValueError, IndexError):
        return None
