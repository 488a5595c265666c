"""The anatomy of one process: what /proc/PID says about it, as plain fields. It prints nothing.

A field that cannot be read is None, or empty if it holds several values, such as the threads. The
kernel hides the memory and the files of another user's process.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ...signals import name_of
from ..reading.files import Limit, parse_limits, parse_smaps
from ..reading.procfs import Proc, Process, Stat, inode
from .memory import Part, parts

MASKS = {
    "pending": (b"SigPnd", b"ShdPnd"),
    "blocked": (b"SigBlk",),
    "ignored": (b"SigIgn",),
    "caught": (b"SigCgt",),
}

# How a descriptor's link begins -> its kind. If that is empty, the rest of the link is the kind.
# The first match wins.
_FD_KINDS = (
    ("socket:", "socket"), ("pipe:", "pipe"), ("/dev/pts/", "terminal"), ("/dev/tty", "terminal"),
    ("/dev/", "device"), ("anon_inode:", ""), ("/memfd:", "memfd"), ("/", "file"),
)  # fmt: skip


@dataclass(frozen=True)
class Anatomy:
    """What is known about one process."""

    process: Process
    lineage: tuple[Process, ...]  # parent, its parent, and so on, up to one without a parent here
    threads: tuple[Stat, ...]
    exe: str | None
    cwd: str | None
    namespaces: dict[str, int | None]
    cgroups: tuple[str, ...]  # `controller:path`
    memory: tuple[Part, ...] | None
    descriptors: dict[str, int] | None
    signals: dict[str, tuple[str, ...] | None]
    limits: tuple[Limit, ...] | None


def examine(proc: Proc, process: Process) -> Anatomy:
    """Examine a process that was read with its status, argv, memory, cgroup and wchan."""
    pid = process.pid
    smaps = proc.maybe(f"{pid}/smaps")
    exe = proc.link(f"{pid}/exe")
    limits = proc.maybe(f"{pid}/limits")
    return Anatomy(
        process=process,
        lineage=tuple(lineage(proc, process)),
        threads=tuple(thread.stat for thread in proc.threads(pid)),
        exe=exe,
        cwd=proc.link(f"{pid}/cwd"),
        namespaces={
            name: inode(proc.link(f"{pid}/ns/{name}"))
            for name in proc.names(f"{pid}/ns") or ()
            if not name.endswith("_for_children")
        },
        cgroups=tuple(map(str, process.cgroup or ())),
        memory=tuple(parts(parse_smaps(smaps), exe)) if smaps else None,
        descriptors=_descriptors(proc, pid),
        signals={
            name: None if process.status is None else _names(process, keys)
            for name, keys in MASKS.items()
        },
        limits=tuple(parse_limits(limits)) if limits else None,
    )


def lineage(proc: Proc, process: Process) -> Iterable[Process]:
    """The parent of a process, its parent, and so on, as far as they can be read."""
    seen = {process.pid}
    while (ppid := process.stat.ppid) not in (0, *seen):
        seen.add(ppid)
        try:
            process = proc.process(ppid, ("argv",), proc.uptime)
        except OSError:
            return
        yield process


def _names(process: Process, keys: Iterable[bytes]) -> tuple[str, ...] | None:
    if process.status is None:
        return None
    masks = [process.status.signals(key) for key in keys]
    if None in masks:
        return None
    return tuple(name_of(number) for number in sorted(set().union(*(m or () for m in masks))))


def kind_of_descriptor(link: str) -> str:
    """Return socket, pipe, terminal, device, file, memfd, or the name of an anonymous inode."""
    for start, kind in _FD_KINDS:
        if link.startswith(start):
            return kind or link.removeprefix(start).strip("[]")
    return "other"


def _descriptors(proc: Proc, pid: int) -> dict[str, int] | None:
    names = proc.names(f"{pid}/fd")
    if names is None:
        return None
    links = (proc.link(f"{pid}/fd/{name}") for name in names)
    return dict(Counter(kind_of_descriptor(link) for link in links if link).most_common())
