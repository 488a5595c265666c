"""Where the init runs: the container runtime's marks and the cgroup's limits and counters.

Files and numbers: cgroups(7), the kernel's cgroup-v2 document.
Nothing is polled; what is not there is None.
"""

import posix

from reaper.init import options as opt
from reaper.init import proc
from reaper.signals import NUMBERS

SYSTEM = "/sys/fs/cgroup"
# cgroup v1 says "no limit" with the largest page-aligned number. From here on a number is none.
_NO_LIMIT_V1 = 1 << 60

# counter -> (v1 controller, v1 file, v2 file); a key behind ":" names a line of the file.
_FILES = {
    "memory limit": ("memory", "memory.limit_in_bytes", "memory.max"),
    "memory peak": ("memory", "memory.max_usage_in_bytes", "memory.peak"),
    "oom kills": ("memory", "memory.oom_control:oom_kill", "memory.events:oom_kill"),
    "pids limit": ("pids", "pids.max", "pids.max"),
    "pids peak": ("pids", "pids.peak", "pids.peak"),
    "forks refused": ("pids", "pids.events:max", "pids.events:max"),
}

# The first of these files that is there names the runtime.
_MARKS = (
    ("/run/.containerenv", "Podman"),
    ("/var/run/secrets/kubernetes.io", "Kubernetes"),
    ("/.dockerenv", "Docker"),
)
_VARIABLES = {b"podman": "Podman", b"docker": "Docker", b"systemd-nspawn": "systemd-nspawn",
              b"lxc": "LXC", b"oci": "an OCI runtime"}  # fmt: skip


class Cgroup:
    """The cgroup we are in: v1 controllers or the unified v2 tree, whichever has the file."""

    def __init__(self, root: str = SYSTEM, membership: bytes | None = None) -> None:
        self._root = root
        lines = membership if membership is not None else proc.read("/proc/self/cgroup")
        self._paths: dict[str, str] = {}
        for line in (lines or b"").decode(errors="surrogateescape").split("\n"):
            _, _, rest = line.partition(":")
            controllers, colon, path = rest.partition(":")
            if colon:
                self._paths |= dict.fromkeys(controllers.split(","), path)

    def value(self, counter: str) -> int | None:
        """Bytes or a count; None: no limit, or not known."""
        controller, v1, v2 = _FILES[counter]
        for folder, file in self._places(controller, v1, v2):
            name, _, key = file.partition(":")
            if (text := proc.read(f"{folder}/{name}")) is not None:
                return _number(text, key)
        return None

    def members(self) -> set[int]:
        """The living processes of the cgroup that `oom kills` is counted in.

        A 0 stands for each that is outside our PID namespace: cgroups(7).
        """
        for folder, file in self._places(*_FILES["oom kills"]):
            if proc.read(f"{folder}/{file.partition(':')[0]}") is not None:
                return set(map(int, (proc.read(f"{folder}/cgroup.procs") or b"").split()))
        return set()

    def _places(self, controller: str, v1: str, v2: str) -> list[tuple[str, str]]:
        """Where the file may be: our own folder, or the root where that is all we are shown."""
        own, unified = self._paths.get(controller), self._paths.get("")
        places = []
        if own is not None:
            places += [(f"{self._root}/{controller}{own}", v1), (f"{self._root}/{controller}", v1)]
        if unified is not None:
            places += [(f"{self._root}{unified}", v2), (self._root, v2)]
        return places


class Seen:
    """A process as it was seen last, perhaps as a zombie.

    Where it ignores SIGCHLD, its children end without being waited for: waitpid(2).
    """

    __slots__ = ("ignores_chld", "process")

    def __init__(self, process: proc.Process) -> None:
        self.process = process
        self.ignores_chld = proc.ignores(process.pid, NUMBERS["SIGCHLD"])


def see(pid: int) -> Seen | None:
    """Look at a process that lives, or was not reaped yet; None: gone, hidden, or pid 0."""
    process = proc.process(pid) if pid else None
    return Seen(process) if process else None


def _number(text: bytes, key: str) -> int | None:
    words = text.split()
    if key:
        words = words[words.index(key.encode()) + 1 :] if key.encode() in words else []
    if not words or not words[0].isdigit():
        return None
    number = int(words[0])
    return number if number < _NO_LIMIT_V1 else None


def runtime() -> str:
    """The container runtime as its usual marks tell: `Docker`, ..., or `no container runtime`."""
    if b"KUBERNETES_SERVICE_HOST" in posix.environ:
        return "Kubernetes"
    named = posix.environ.get(b"container")  # systemd's convention for PID 1's environment
    if named:
        return _VARIABLES.get(named, named.decode(errors="backslashreplace"))
    there = (name for path, name in _MARKS if _is_there(path))
    return next(there, "no container runtime")


def size(number: int | None) -> str:
    """Bytes for people: `64 MiB`; `none` for no limit."""
    if number is None:
        return "none"
    amount = float(number)
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount /= 1024
        del units[0]
    digits = 0 if amount >= 10 or amount == number else 1
    return f"{amount:.{digits}f} {units[0]}"


def memory(cgroup: Cgroup) -> str:
    """Limit and peak: `limit 64 MiB, peak 64 MiB`."""
    return f"limit {size(cgroup.value('memory limit'))}, peak {size(cgroup.value('memory peak'))}"


def at_start(cgroup: Cgroup, is_pid1: bool) -> str:
    """Where we run, in one line."""
    place = "PID 1 of its namespace" if is_pid1 else f"not PID 1 (pid {posix.getpid()})"
    pids = cgroup.value("pids limit")
    return (
        f"{place}, {runtime()}, memory limit {size(cgroup.value('memory limit'))}, "
        f"pids limit {'none' if pids is None else pids}"
    )


def at_end(cgroup: Cgroup, adopted: int, reaped: int) -> str:
    """What it came to, in one line."""
    peak = cgroup.value("memory peak")
    counts = [(name, cgroup.value(name)) for name in ("pids peak", "forks refused", "oom kills")]
    told = [f"{name} {'unknown' if count is None else count}" for name, count in counts]
    told.insert(0, f"memory peak {'unknown' if peak is None else size(peak)}")
    return f"adopted {adopted}, reaped {reaped}, {', '.join(told)}"


def last_words(chosen: str, text: str) -> str:
    """A line for the termination log as --termination-log says; returns what went wrong, if any.

    Nobody named the file of Kubernetes, so that it is missing or another user's is no trouble.
    """
    path = chosen or opt.TERMINATION_LOG
    if path == opt.OFF or not (chosen or _is_there(path)):
        return ""
    from reaper.init import termination  # noqa: PLC0415  seldom needed

    trouble = termination.write(path, text)
    told = trouble and (chosen or trouble == termination.NOT_REGULAR)
    return f'--termination-log: cannot write to "{path}": {trouble}' if told else ""


def _is_there(path: str) -> bool:
    try:
        posix.stat(path)
    except OSError:
        return False
    return True
