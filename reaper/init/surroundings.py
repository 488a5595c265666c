"""Where the init runs: the container runtime's marks and the cgroup's limits and counters.

Files and numbers: cgroups(7), the kernel's cgroup-v2 document.
Nothing is polled. What is missing is None.
"""

import posix

from reaper.init import options as opt
from reaper.init import proc
from reaper.signals import NUMBERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEM = "/sys/fs/cgroup"
# cgroup v1 says "no limit" with the largest page-aligned number. From here on a number means that.
_NO_LIMIT_V1 = 1 << 60

# counter -> (v1 controller, v1 file, v2 file); a key after ":" names a line of the file.
_FILES = {
    "memory limit": ("memory", "memory.limit_in_bytes", "memory.max"),
    "memory peak": ("memory", "memory.max_usage_in_bytes", "memory.peak"),
    "oom kills": ("memory", "memory.oom_control:oom_kill", "memory.events:oom_kill"),
    "pids limit": ("pids", "pids.max", "pids.max"),
    "pids peak": ("pids", "pids.peak", "pids.peak"),
    "forks refused": ("pids", "pids.events:max", "pids.events:max"),
}

# The first of these files that exists names the runtime.
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
        found = self._find(counter)
        return _number(*found[1:]) if found else None

    def is_own(self, counter: str) -> bool:
        """Whether this counts our own control group, and not the whole machine (the root group).

        In a cgroup namespace both have the path /. But only the root of a v1 hierarchy has a
        release_agent, and the root of v2 has none of our counters: cgroups(7).
        """
        found = self._find(counter)
        return found is not None and not _is_there(f"{found[0]}/release_agent")

    def is_ours_alone(self, counter: str) -> bool:
        """Whether this counts only the container: `is_own`, and nobody else is in that group.

        An init that is started by hand shares the group of a session with others. For a PID 1 the
        container is all of its PID namespace. If a process from outside is in the group, v2 lists
        it as 0. v1 does not list it at all, so there we are sure only if all that we see of the
        hierarchy is our group, as container runtimes mount it.
        """
        found = self._find(counter)
        if found is None or not self.is_own(counter):
            return False
        own_pid = posix.getpid()
        others = _pids_in(found[0]) - {own_pid}
        if own_pid == 1:
            below_v1 = f"{self._root}/{_FILES[counter][0]}/"
            return 0 not in others and not found[0].startswith(below_v1)
        return not others or others <= {process.pid for process in proc.descendants(own_pid)}

    def members(self) -> set[int]:
        """The living processes of the cgroup that `oom kills` is counted in.

        In v2 the kernel lists a process from outside our PID namespace as 0: cgroups(7).
        """
        found = self._find("oom kills")
        return _pids_in(found[0]) if found else set()

    def _find(self, counter: str) -> tuple[str, bytes, str] | None:
        """The folder that has a counter, the text of the file, and the key of the line in it."""
        controller, v1, v2 = _FILES[counter]
        for path, top, file in (
            (self._paths.get(controller), f"{self._root}/{controller}", v1),
            (self._paths.get(""), self._root, v2),
        ):
            name, _, key = file.partition(":")
            for folder in _folders(path, top):
                if (text := proc.read(f"{folder}/{name}")) is not None:
                    return folder, text, key
        return None


def _folders(path: str | None, top: str) -> "Iterator[str]":
    """The folders where our group can be: its path, and `top` itself if we cannot see that path."""
    if path is None:
        return
    if not path.startswith("/.."):  # such a path leads out of our cgroup namespace
        yield f"{top}{path}".rstrip("/")
    if path != "/" and posix.getpid() in _pids_in(top):
        yield top


def _pids_in(folder: str) -> set[int]:
    return set(map(int, (proc.read(f"{folder}/cgroup.procs") or b"").split()))


class Seen:
    """A process as it was seen last, perhaps as a zombie.

    If it ignores SIGCHLD, its children end without being waited for: waitpid(2).
    """

    __slots__ = ("ignores_chld", "process")

    def __init__(self, process: proc.Process) -> None:
        self.process = process
        self.ignores_chld = proc.ignores(process.pid, NUMBERS["SIGCHLD"]) is not False


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
    """Limit and peak: `limit 64 MiB, peak 64 MiB`, or `of the machine` if no group is ours."""
    if not cgroup.is_own("memory limit"):
        return "of the machine"
    return f"limit {size(cgroup.value('memory limit'))}, peak {size(cgroup.value('memory peak'))}"


def at_start(cgroup: Cgroup, is_pid1: bool) -> str:
    """Where we run, in one line, with the limits of our own control group if there is one."""
    place = "PID 1 of its namespace" if is_pid1 else f"not PID 1 (pid {posix.getpid()})"
    told = [place, runtime()]
    if cgroup.is_own("memory limit"):
        told.append(f"memory limit {size(cgroup.value('memory limit'))}")
    if cgroup.is_own("pids limit"):
        pids = cgroup.value("pids limit")
        told.append(f"pids limit {'none' if pids is None else pids}")
    return ", ".join(told)


def at_end(cgroup: Cgroup, adopted: int, reaped: int) -> str:
    """The counts at the end, in one line, without those that are unknown or not the container's."""
    told = [f"adopted {adopted}", f"reaped {reaped}"]
    for name in ("memory peak", "pids peak", "forks refused", "oom kills"):
        count = cgroup.value(name) if cgroup.is_ours_alone(name) else None
        if count is not None:
            told.append(f"{name} {size(count) if name == 'memory peak' else count}")
    return ", ".join(told)


def last_words(chosen: str, text: str) -> str:
    """Write a line to the termination log, as --termination-log says; returns what went wrong.

    If the user named no file, it is no trouble that Kubernetes' file is missing or another user's.
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
