"""A limit on the processes of one side, so that the leak ends that side and not the machine.

The first of `_ways` that this system allows is taken: cgroups(7), setrlimit(2) in a user namespace,
pid_namespaces(7). No output here.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

PATIENCE = 10.0  # seconds; the last processes of a cgroup are gone long before
LEAST = 350  # kernel.pid_max may not be below 301, and below 300 no pid is given twice


class Limit(NamedTuple):
    """How many processes there may be, what holds the limit, and what goes before the command."""

    processes: int  # 0: no limit is to be had
    holder: str
    enter: list[str]


NONE = Limit(0, "", [])


@contextmanager
def hold(namespace: Sequence[str], processes: int) -> Iterator[Limit]:
    """A limit for one command that `namespace` goes before; NONE where there is no way to it."""
    with ExitStack() as stack:
        for way in _WAYS:
            found = way(stack, namespace, processes)
            if found:
                yield found
                return
        yield NONE


def _writing(text: str, file: Path) -> list[str]:
    """What goes before a command to write to a file first, in the command's own process."""
    return ["sh", "-c", 'echo "$0" >"$1" && shift && exec "$@"', text, str(file)]


def _ends_with_0(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _cgroup(stack: ExitStack, namespace: Sequence[str], processes: int) -> Limit | None:
    """A cgroup of its own, where this process may make one."""
    for parent in _pids_hierarchies(Path("/proc/self/mountinfo").read_text()):
        folder = parent / f"reaper-demo-{os.getpid()}-{time.monotonic_ns()}"
        with suppress(OSError):
            folder.mkdir()
            stack.callback(_remove, folder)
            (folder / "pids.max").write_text(str(processes))
            enter = _writing("0", folder / "cgroup.procs")
            if _ends_with_0([*namespace, *enter, "true"]):
                return Limit(processes, "a pids cgroup", enter)
    return None


def _pids_hierarchies(mountinfo: str) -> Iterator[Path]:
    """Where the pids controller is mounted, or enabled for children: proc_pid_mountinfo(5)."""
    for line in mountinfo.splitlines():
        fields, _, tail = line.partition(" - ")
        place, (kind, _, options) = Path(fields.split()[4]), tail.split(maxsplit=2)
        if kind == "cgroup" and "pids" in options.split(","):
            yield place
        if kind == "cgroup2":
            with suppress(OSError):
                if "pids" in (place / "cgroup.subtree_control").read_text().split():
                    yield place


def _remove(folder: Path) -> None:
    """Remove a cgroup; its processes were killed, and it stays busy until the last is gone."""
    give_up = time.monotonic() + PATIENCE
    while folder.exists() and time.monotonic() < give_up:
        with suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.01)


def _rlimit(_: ExitStack, namespace: Sequence[str], processes: int) -> Limit | None:
    """RLIMIT_NPROC, which counts by user namespace since Linux 5.14. It does not bind root."""
    forks = ["prlimit", "--nproc=1", "--", "sh", "-c", "true & wait"]
    if _kernel() < (5, 14) or "--user" not in namespace or _ends_with_0([*namespace, *forks]):
        return None
    enter = ["prlimit", f"--nproc={processes}", "--"]
    if not _ends_with_0([*namespace, *enter, "true"]):
        return None
    return Limit(processes, "RLIMIT_NPROC in its user namespace", enter)


def _pid_max(_: ExitStack, namespace: Sequence[str], processes: int) -> Limit | None:
    """The highest pid, which is the namespace's own since Linux 6.14 and the machine's before."""
    enter = _writing(str(processes), Path("/proc/sys/kernel/pid_max"))
    if _kernel() < (6, 14) or not _ends_with_0([*namespace, *enter, "true"]):
        return None
    return Limit(processes, "kernel.pid_max of its PID namespace", enter)


def _kernel() -> tuple[int, ...]:
    """Version and patch level of the kernel; (0,) where its name says neither."""
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return tuple(map(int, found.groups())) if found else (0,)


_WAYS: tuple[Callable[[ExitStack, Sequence[str], int], Limit | None], ...]
_WAYS = (_cgroup, _rlimit, _pid_max)
