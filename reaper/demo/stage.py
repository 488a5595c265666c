"""Runs the same workload in two PID namespaces and counts their zombies from outside.

It prints nothing and judges nothing. Sources: unshare(1), pid_namespaces(7), user_namespaces(7).
"""

import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PYTHON = [sys.executable, "-I", "-S"]
INIT = [*PYTHON, str(HERE.parent / "__main__.py")]
SAMPLE_EVERY = 0.1  # seconds
PATIENCE = 10.0  # seconds to wait for what the demo promises

# As root, or as a user who becomes root in a new user namespace.
_WAYS: tuple[list[str], ...] = ([], ["--user", "--map-root-user"])
_NAMESPACE = ["--pid", "--fork", "--mount-proc", "--kill-child"]


class UnableError(Exception):
    """The demo cannot run here. The text is one line that says why and what to do."""


class Sample(NamedTuple):
    """How many zombies there are at one moment.

    `leaky` counts those under the PID 1 that never waits, `clean` those under reaper. `stuck` says
    whether the leaking side can no longer fork.
    """

    seconds: float
    leaky: int
    clean: int
    stuck: bool


@dataclass(frozen=True)
class Outcome:
    """The result of a run: the samples, the trace as it was written, and reaper's exit code.

    `leaky_made` is how many orphans the leaking side made. `cannot_fork` is why it could not fork
    another one; it is empty if the side made them all.
    """

    samples: list[Sample]
    trace: str
    code: int
    leaky_made: int
    cannot_fork: str


def victim(name: str, *args: str) -> list[str]:
    return [*PYTHON, str(HERE / "victims" / f"{name}.py"), *args]


def namespace() -> list[str]:
    """The words to put before a program, so that unshare(1) gives it a PID namespace of its own.

    Raises UnableError.
    """
    if not shutil.which("unshare"):
        raise UnableError("unshare is not installed: install util-linux")
    said = ""
    for way in _WAYS:
        command = ["unshare", *way, *_NAMESPACE, "--"]
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return command
        said = tried.stderr.strip().splitlines()[0] if tried.stderr.strip() else "unshare failed"
    raise UnableError(
        f"cannot make a PID namespace ({said}): run as root, allow user namespaces "
        "(sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
        "kernel.apparmor_restrict_unprivileged_userns), or in a container use --privileged"
    )


def children(pid: int) -> list[int]:
    """The children of a process that has one thread; none if it is gone. Source: proc(5)."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def zombies(pid: int) -> int:
    """How many children of `pid` are dead and have not been waited for."""
    count = 0
    for child in children(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            stat = Path(f"/proc/{child}/stat").read_text()
            count += stat.rpartition(")")[2].split()[0] == "Z"
    return count


class Side:
    """One of the two namespaces, while its workload runs."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        assert popen.stdin
        assert popen.stdout
        self.popen = popen
        self.input, self.output = popen.stdin, popen.stdout
        self.made = 0
        self.cannot_fork = ""
        self._init = 0

    def zombies(self) -> int:
        """How many children of PID 1 are zombies; 0 until PID 1 has started."""
        if not self._init:
            self._init = next(iter(children(self.popen.pid)), 0)
        return zombies(self._init) if self._init else 0

    def read_report(self) -> None:
        """Read the workload's report: `made N`, and the reason if it could not make them all.

        The report is empty if the side ended early.
        """
        count, _, self.cannot_fork = self.output.readline().decode().strip().partition("; ")
        self.made = int(count.removeprefix("made ") or 0)

    def runs(self) -> bool:
        return self.popen.poll() is None

    def finish(self) -> int:
        """Let the workload end, and return the exit code of this side."""
        self.input.close()
        return self.popen.wait(PATIENCE)


@contextmanager
def side(command: Sequence[str]) -> Iterator[Side]:
    # It gets its own session, so that a Ctrl-C reaches the demo alone, which then ends both sides.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as popen:
        try:
            yield Side(popen)
        finally:
            popen.kill()


def play(
    work: tuple[int, float],
    enter: tuple[list[str], list[str]],
    trace: Path,
    show: Callable[[list[Sample]], None],
) -> Outcome:
    """Run both sides to the end, and call `show` with all samples after each new one.

    `work` is how many orphans to make, and how many a second. `enter` has the words to put before
    the command of each side.
    """
    count, rate = work
    workload = victim("leaves_orphans", str(count), str(rate))
    samples: list[Sample] = []
    with ExitStack() as stack:
        leaky = stack.enter_context(side([*enter[0], *victim("never_waits", *workload)]))
        init = [*INIT, "--trace", str(trace), "--", *workload]
        clean = stack.enter_context(side([*enter[1], *init]))
        begin = time.monotonic()

        def look() -> Sample:
            seconds = time.monotonic() - begin
            stuck = bool(leaky.cannot_fork)
            samples.append(Sample(seconds, leaky.zombies(), clean.zombies(), stuck))
            show(samples)
            return samples[-1]

        working = {leaky.output: leaky, clean.output: clean}
        while working:
            ready, _, _ = select.select(list(working), [], [], SAMPLE_EVERY)
            for stream in ready:  # this side has sent its report, or has ended early
                working.pop(stream).read_report()
            look()
        # The last orphans are still alive now, and on a busy machine reaper reaps them later.
        give_up = time.monotonic() + PATIENCE
        while look()[1:3] != (leaky.made, 0) and leaky.runs() and clean.runs():
            if time.monotonic() > give_up:
                break
            time.sleep(SAMPLE_EVERY)
        code = clean.finish()
    written = trace.read_text(errors="surrogateescape")
    return Outcome(samples, written, code, leaky.made, leaky.cannot_fork)
