"""What the control group allows and charges: pids and memory, cgroup v1 and v2.

/proc/PID/cgroup and /proc/PID/mountinfo say where the files are: cgroups(7), proc(5). A limit may
be set at any level above. For each resource, the level that is closest to its limit counts.
"""

from dataclasses import dataclass

from .files import Mount, parse_mountinfo
from .procfs import Proc, parse_cgroup, read_file

# For "no limit", v1 writes the largest multiple of the page size. It is above this number, and a
# real limit never is.
NO_LIMIT = 1 << 62


@dataclass(frozen=True)
class Level:
    """One resource at one level. None means not known; as a `limit` it may also mean no limit."""

    used: int | None = None
    limit: int | None = None
    peak: int | None = None

    @property
    def share(self) -> float | None:
        """used / limit; None if either is not known."""
        return self.used / self.limit if self.used is not None and self.limit else None


@dataclass(frozen=True)
class Cgroup:
    """The numbers of one control group, each resource at the level that counts. Memory in bytes."""

    pids: Level = Level()
    memory: Level = Level()
    cache: int | None = None  # the page cache in `memory.used` that the kernel takes back first
    oom_kills: int | None = None  # in the innermost group


# (controller, version) -> the files with what is used, the limit and the peak
_FILES = {
    ("pids", 1): ("pids.current", "pids.max", ""),
    ("pids", 2): ("pids.current", "pids.max", "pids.peak"),
    ("memory", 1): (
        "memory.usage_in_bytes",
        "memory.limit_in_bytes",
        "memory.max_usage_in_bytes",
    ),
    ("memory", 2): ("memory.current", "memory.max", "memory.peak"),
}
_CACHE = {1: ("memory.stat", b"total_inactive_file"), 2: ("memory.stat", b"inactive_file")}
_OOM_KILLS = {1: ("memory.oom_control", b"oom_kill"), 2: ("memory.events", b"oom_kill")}


def read(proc: Proc) -> Cgroup:
    """Read the control group of this program, or of PID 1 if this program is not in that /proc."""
    pid = "self" if proc.maybe("self/cgroup") else "1"
    pids, _ = _levels(proc, pid, "pids")
    memory, version = _levels(proc, pid, "memory")
    _, pids_level = _closest(pids)
    if not memory:
        return Cgroup(pids_level)
    innermost, _ = memory[0]
    folder, level = _closest(memory)
    return Cgroup(
        pids_level,
        level,
        _keyed(f"{folder}/{_CACHE[version][0]}", _CACHE[version][1]),
        _keyed(f"{innermost}/{_OOM_KILLS[version][0]}", _OOM_KILLS[version][1]),
    )


def _closest(levels: list[tuple[str, Level]]) -> tuple[str, Level]:
    """The level that is closest to its limit, and its folder; the innermost if none is limited."""
    limited = [pair for pair in levels if pair[1].share is not None]
    if limited:
        return max(limited, key=lambda pair: pair[1].share or 0)
    return levels[0] if levels else ("", Level())


def _levels(proc: Proc, pid: str, controller: str) -> tuple[list[tuple[str, Level]], int]:
    """Each level of a controller with its folder, the innermost first, and the cgroup version."""
    for version in (1, 2):
        levels = []
        for folder in _folders(proc, pid, controller if version == 1 else ""):
            used, limit, peak = (
                _number(f"{folder}/{name}") if name else None
                for name in _FILES[controller, version]
            )
            if used is not None:
                levels.append((folder, Level(used, limit, peak)))
        if levels:
            return levels, version
    return [], 0


def _folders(proc: Proc, pid: str, controller: str) -> list[str]:
    """The folders of a process's control group, the innermost first; v2 has an empty controller."""
    path = _path(proc.maybe(f"{pid}/cgroup") or b"", controller)
    mount = _mount(proc.maybe(f"{pid}/mountinfo") or b"", controller)
    if path is None or mount is None:
        return []
    root, point = mount.root, mount.point
    # In a container the path may be the host's; then the mount begins at that same path.
    inside = path[len(root) :] if root != "/" and (path + "/").startswith(root + "/") else path
    parts = [part for part in inside.split("/") if part]
    top = proc.outside(point)
    return ["/".join([top, *parts[:count]]) for count in range(len(parts), -1, -1)]


def _path(data: bytes, controller: str) -> str | None:
    """The path of the control group, from /proc/PID/cgroup."""
    for membership in parse_cgroup(data):
        if controller in (membership.controllers or ("",)):
            return membership.path
    return None


def _mount(data: bytes, controller: str) -> Mount | None:
    """The first mount of the hierarchy, from mountinfo."""
    for mount in parse_mountinfo(data):
        if mount.kind == ("cgroup" if controller else "cgroup2") and (
            not controller or controller in mount.options
        ):
            return mount
    return None


def _number(path: str) -> int | None:
    """A number from a file; None if the file is not there or the number stands for no limit."""
    try:
        value = int(read_file(path))
    except (OSError, ValueError):
        return None
    return value if value < NO_LIMIT else None


def _keyed(path: str, key: bytes) -> int | None:
    """The number after a key in a file of `key number` lines."""
    try:
        for line in read_file(path).splitlines():
            name, _, value = line.partition(b" ")
            if name == key:
                return int(value)
    except (OSError, ValueError):
        pass
    return None
