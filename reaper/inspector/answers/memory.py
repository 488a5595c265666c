"""What a process maps, sums of that, and what a sum of RSS counts more than once. Pure.

A region is one line of /proc/PID/maps with its numbers from smaps: proc(5).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..reading.files import Region
from ..reading.procfs import NO_MEMORY, Memory, Process

# kind of region -> what it is, in the order of an address space
KINDS = {
    "text": "the program's code and constants",
    "data": "the program's initialised variables",
    "bss": "the program's variables that begin as zero",
    "heap": "what brk(2) gives: small allocations",
    "anonymous": "memory without a file: large allocations, thread stacks",
    "libraries": "shared libraries, their data too, and the kernel's vdso",
    "files": "mapped files",
    "shared": "shared memory: memfd, /dev/shm, System V, shared anonymous",
    "stack": "the main thread's stack",
}

_SHARED = ("/memfd:", "/dev/shm/", "/dev/zero", "/SYSV", "/anon_hugepage", "[anon_shmem:")
_KERNEL = ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]", "[sigpage]")


def classify(regions: Sequence[Region], program: str | None) -> list[str]:
    """The kind of each region, one of KINDS. `program` is the target of /proc/PID/exe."""
    libraries = {region.path for region in regions if "x" in region.permissions and region.path}
    kinds: list[str] = []
    for i, region in enumerate(regions):
        before = (regions[i - 1], kinds[i - 1]) if i else None
        kinds.append(_kind(region, before, program, libraries))
    return kinds


def _kind(
    region: Region,
    before: tuple[Region, str] | None,
    program: str | None,
    libraries: set[str],
) -> str:
    path = region.path
    if path and path == program:
        return "data" if "w" in region.permissions else "text"
    if not path:
        # The zeroes of .bss follow the program's data without a gap.
        follows = before and before[1] == "data" and before[0].end == region.start
        return "bss" if follows else "anonymous"
    if path in ("[heap]", "[stack]"):
        return path.strip("[]")
    if path.startswith(_SHARED):
        return "shared"
    if path in _KERNEL or (path in libraries and path.startswith("/")):
        return "libraries"
    return "anonymous" if path.startswith("[") else "files"


@dataclass(frozen=True, slots=True)
class Part:
    """All regions of one kind."""

    kind: str
    size: int
    memory: Memory


def parts(regions: Sequence[Region], program: str | None) -> list[Part]:
    """The sums by kind, in the order of KINDS; they add up to the process's RSS and PSS."""
    parts: dict[str, Part] = {}
    for region, kind in zip(regions, classify(regions, program), strict=True):
        part = parts.get(kind, Part(kind, 0, NO_MEMORY))
        memory = part.memory + (region.memory or NO_MEMORY)
        parts[kind] = Part(kind, part.size + region.size, memory)
    return [parts[kind] for kind in KINDS if kind in parts]


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum over `count` processes. `memory` covers the `known` of them, `vss` and `rss` all."""

    name: str
    count: int
    known: int
    vss: int
    rss: int
    memory: Memory

    @property
    def twice(self) -> int:
        """RSS minus PSS, for those with a known PSS: what a sum of RSS counts more than once."""
        return max(0, self.memory.rss - self.memory.pss)


def add_up(processes: Iterable[Process], name: str = "") -> Sum:
    """The sum over processes. Zombies and kernel threads have no memory and are not counted."""
    count = known = vss = rss = 0
    memory = NO_MEMORY
    for process in processes:
        if process.stat.vss is None:
            continue
        count += 1
        vss += process.stat.vss
        rss += process.stat.rss or 0
        if process.memory:
            known += 1
            memory += process.memory
    return Sum(name, count, known, vss, rss, memory)


def sums(processes: Iterable[Process], key: Callable[[Process], str]) -> list[Sum]:
    """One sum for each key, over the processes with that key; the largest comes first."""
    alike: dict[str, list[Process]] = {}
    for process in processes:
        if process.stat.vss is not None:
            alike.setdefault(key(process), []).append(process)
    totals = [add_up(those, name) for name, those in alike.items()]
    return sorted(totals, key=lambda one: (-(one.memory.pss or one.rss), one.name))
