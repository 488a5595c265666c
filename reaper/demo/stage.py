"""Two PID namespaces with the same workload in them, and their zombies counted from outside.

No output and no judgement here. Namespaces: unshare(1), pid_namespaces(7), user_namespaces(7).
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
PATIENCE = 10.0  # seconds for what is promised to come true

# As root, or as a user who becomes root in a user namespace of his own.
_WAYS: tuple[list[str], ...] = ([], ["--user", "--map-root-user"])
_NAMESPACE = ["--pid", "--fork", "--mount-proc", "--kill-child"]


class UnableError(Exception):
    """The demo cannot run here: one line that says why and what to do."""


class Sample(NamedTuple):
    """Zombies at a moment: `leaky` under the PID 1 that never waits, `clean` under reaper.

    `stuck`: the leaking side cannot fork any more.
    """

    seconds: float
    leaky: int
    clean: int
    stuck: bool


@dataclass(frozen=True)
class Outcome:
    """What was seen: the samples, the trace as it was written, and reaper's exit code.

    Of the leaking side also how many orphans it made, and why it could not fork another one.
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
        raise UnableError("unshare is not there: install util-linux")
    said = ""
    for way in _WAYS:
        command = ["unshare", *way, *_NAMESPACE, "--"]
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return command
        said = tried.stderr.strip().splitlines()[0] if tried.stderr.strip() else "unshare failed"
    raise UnableError(
        f"no PID namespace to be had ({said}): run as root, allow user namespaces "
        "(sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
        "kernel.apparmor_restrict_unprivileged_userns), or in a container use --privileged"
    )


def children(pid: int) -> list[int]:
    """The children of a process with one thread; none where it is gone. proc(5)"""
    with suppress(FileNotFoundError, ProcessLookupError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def zombies(pid: int) -> int:
    """How many children of `pid` are dead and not waited for."""
    count = 0
    for child in children(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            stat = Path(f"/proc/{child}/stat").read_text()
            count += stat.rpartition(")")[2].split()[0] == "Z"
    return count


class Side:
    """One namespace at work."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        assert popen.stdin
        assert popen.stdout
        self.popen = popen
        self.input, self.output = popen.stdin, popen.stdout
        self.made = 0
        self.cannot_fork = ""
        self._init = 0

    def zombies(self) -> int:
        """Zombies among PID 1's children; 0 as long as PID 1 is not there."""
        if not self._init:
            self._init = next(iter(children(self.popen.pid)), 0)
        return zombies(self._init) if self._init else 0

    def read_report(self) -> None:
        """`made N`, with the reason where it is not all, or nothing where it ended early."""
        count, _, self.cannot_fork = self.output.readline().decode().strip().partition("; ")
        self.made = int(count.removeprefix("made ") or 0)

    def runs(self) -> bool:
        return self.popen.poll() is None

    def finish(self) -> int:
        """Let the workload end. The answer is the exit code of the side."""
        self.input.close()
        return self.popen.wait(PATIENCE)


@contextmanager
def side(command: Sequence[str]) -> Iterator[Side]:
    # A session of its own: a Ctrl-C is for the demo, which then ends both.
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
    """Run both sides to the end; `show` is called with all samples after each new one.

    `work`: how many orphans, and how many a second. `enter`: what goes before each side's command.
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
            for stream in ready:  # both a report and an early end are the end of this side's work
                working.pop(stream).read_report()
            look()
        # The last orphans are still alive now, and the last zombies may wait for a free CPU.
        give_up = time.monotonic() + PATIENCE
        while look()[1:3] != (leaky.made, 0) and leaky.runs() and clean.runs():
            if time.monotonic() > give_up:
                break
            time.sleep(SAMPLE_EVERY)
        code = clean.finish()
    written = trace.read_text(errors="surrogateescape")
    return Outcome(samples, written, code, leaky.made, leaky.cannot_fork)
