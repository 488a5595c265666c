"""A limit on the processes of one side, so that the leak ends that side and not the machine.

It uses the first of `_WAYS` that this system allows: cgroups(7), setrlimit(2) in a user namespace,
pid_namespaces(7). It prints nothing.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

PATIENCE = 10.0  # seconds; normally the last processes of a cgroup are gone long before
LEAST = 350  # the kernel refuses a pid_max below 301, and gives pids below 300 only once


class Limit(NamedTuple):
    """A limit on the number of processes, and how a command comes under it."""

    processes: int  # 0: no limit can be set here
    holder: str  # what enforces the limit, in words
    enter: list[str]  # the words to put before the command


NONE = Limit(0, "", [])


@contextmanager
def hold(namespace: Sequence[str], processes: int) -> Iterator[Limit]:
    """Set a limit for a command that will be started with `namespace` before it.

    Yields NONE if this system allows no limit.
    """
    with ExitStack() as stack:
        for way in _WAYS:
            found = way(stack, namespace, processes)
            if found:
                yield found
                return
        yield NONE


def _writing(text: str, file: Path) -> list[str]:
    """The words to put before a command so that its own process first writes `text` to `file`."""
    return ["sh", "-c", 'echo "$0" >"$1" && shift && exec "$@"', text, str(file)]


def _ends_with_0(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _cgroup(stack: ExitStack, namespace: Sequence[str], processes: int) -> Limit | None:
    """Use a new cgroup, if this process may make one."""
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
    """Where the pids controller is mounted (v1) or enabled for child groups (v2).

    `mountinfo` is the content of the file that proc_pid_mountinfo(5) describes.
    """
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
    """Remove a cgroup. Its processes were killed, but it stays busy until the last one is gone."""
    give_up = time.monotonic() + PATIENCE
    while folder.exists() and time.monotonic() < give_up:
        with suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.01)


def _rlimit(_: ExitStack, namespace: Sequence[str], processes: int) -> Limit | None:
    """Use RLIMIT_NPROC, which counts per user namespace since Linux 5.14. It does not bind root."""
    forks = ["prlimit", "--nproc=1", "--", "sh", "-c", "true & wait"]
    if _kernel() < (5, 14) or "--user" not in namespace or _ends_with_0([*namespace, *forks]):
        return None
    enter = ["prlimit", f"--nproc={processes}", "--"]
    if not _ends_with_0([*namespace, *enter, "true"]):
        return None
    return Limit(processes, "RLIMIT_NPROC in its user namespace", enter)


def _pid_max(_: ExitStack, namespace: Sequence[str], processes: int) -> Limit | None:
    """Use kernel.pid_max. Since Linux 6.14 each PID namespace has one of its own."""
    enter = _writing(str(processes), Path("/proc/sys/kernel/pid_max"))
    if _kernel() < (6, 14) or not _ends_with_0([*namespace, *enter, "true"]):
        return None
    return Limit(processes, "kernel.pid_max of its PID namespace", enter)


def _kernel() -> tuple[int, ...]:
    """The first two numbers of the kernel's release, such as (6, 1); (0,) if it has none."""
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return tuple(map(int, found.groups())) if found else (0,)


_WAYS: tuple[Callable[[ExitStack, Sequence[str], int], Limit | None], ...]
_WAYS = (_cgroup, _rlimit, _pid_max)
